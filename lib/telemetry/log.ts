/**
 * The log: JSON lines on stderr, so that results on stdout stay clean. Fields say where and how often; prompt text and
 * record values are never logged, and the type of `LogFields` leaves no room for whole records.
 */
import pino, { type DestinationStream } from 'pino';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'silent';

/** Small facts about an event. An `error` is logged with its type, message, stack and causes. */
export type LogFields = Readonly<
  Record<string, string | number | boolean | null | undefined | readonly string[] | readonly number[] | Error>
>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log whose every line carries these fields too. */
  child(fields: LogFields): Log;
}

export interface LogOptions {
  readonly level: LogLevel;
  /** Milliseconds since the epoch; lines have no time without it. */
  readonly nowMs?: () => number;
  /** Where the lines go; stderr by default. */
  readonly destination?: DestinationStream;
}

export function createLog(options: LogOptions): Log {
  const { nowMs } = options;
  const logger = pino(
    {
      level: options.level,
      base: null,
      timestamp: nowMs ? () => `,"time":"${new Date(nowMs()).toISOString()}"` : false,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.err },
    },
    options.destination ?? stderrLines(),
  );
  return wrap(logger);
}

/** What waits for room on the disk of the file that stderr is; beyond it lines are lost. */
const maxWaitingBytes = 1_048_576;

function stderrLines(): DestinationStream {
  // Synchronous: a crash must not swallow the line that explains it.
  const lines = pino.destination({ dest: 2, sync: true, maxLength: maxWaitingBytes });
  // Whoever reads the lines misses some; what they tell of goes on.
  lines.on('error', () => {});
  return lines;
}

function wrap(logger: pino.Logger): Log {
  return {
    debug: (message, fields = {}) => logger.debug(fields, message),
    info: (message, fields = {}) => logger.info(fields, message),
    warn: (message, fields = {}) => logger.warn(fields, message),
    error: (message, fields = {}) => logger.error(fields, message),
    child: (fields) => wrap(logger.child(fields)),
  };
}
