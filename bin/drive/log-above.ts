/**
 * A log for commands with a status line: on a terminal its lines are for people and go above it, elsewhere they are JSON on stderr as
 * ever.
 */
import { createLog, type Log, type LogLevel } from '../../lib/telemetry/log';
import type { StatusLine } from '../../lib/terminal/status-line';
import { wantsColour } from '../../lib/terminal/wants-colour';
import type { Io } from '../io';
import { formatLogLine } from './format-log-line';

export const logFormats = ['text', 'json'] as const;
export type LogFormat = (typeof logFormats)[number];

export interface LogWanted {
  readonly level: LogLevel;
  /** Text on a terminal and JSON elsewhere where it is left out. */
  readonly format?: LogFormat | undefined;
}

export function logAbove(io: Io, line: Pick<StatusLine, 'above'>, { level, format = logFormatOf(io) }: LogWanted): Log {
  const write = (text: string): void => line.above(format === 'text' ? textOf(io, text) : text);
  return createLog({
    level,
    nowMs: () => io.clock.nowMs(),
    ...((io.stderr.isTerminal || format === 'text') && { destination: { write } }),
  });
}

/** A log for commands without a status line. */
export function logBetween(io: Io, level: LogLevel): Log {
  const format = logFormatOf(io);
  const write = (text: string): void => void io.stderr.write(format === 'text' ? textOf(io, text) : text);
  return createLog({ level, nowMs: () => io.clock.nowMs(), destination: { write } });
}

function textOf(io: Io, text: string): string {
  return `${formatLogLine(null, text.trimEnd(), { color: wantsColour(io.stderr, io.environment) })}\n`;
}

export function logFormatOf(io: Pick<Io, 'stderr'>): LogFormat {
  return io.stderr.isTerminal ? 'text' : 'json';
}
