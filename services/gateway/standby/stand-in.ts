/**
 * A start of the gateway while the log may be away: as soon as it is known which models there are, calls of models are answered in
 * the configured order, and the log is tried again until it is there.
 */
import { type CopiedTables, createCopiedLog } from '../../../lib/adapters/copied-tables';
import { configLimits } from '../../../lib/config/config-limits';
import type { Environment } from '../../../lib/config/expand-references';
import { configToJson, formatConfigErrors, parseConfig } from '../../../lib/config/parse-config';
import type { RouterConfig } from '../../../lib/config/router-config';
import { TransientError } from '../../../lib/ports/broker';
import { pause } from '../../../lib/ports/clock';
import { readTextFile } from '../../../lib/read-text-file';
import type { ConfigApplied } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { abandonUntold, createUntoldCalls, type UntoldCalls } from '../doors/untold-calls';
import { createStandIn, type StandIn } from '../gateway';
import type { GatewayOptions } from '../gateway-options';
import { readCopy } from './table-copy';

/** Whoever started it has changed his mind. */
export class StoppedWaitingError extends Error {
  constructor(logName: string) {
    super(`stopped while waiting for ${logName}`);
    this.name = 'StoppedWaitingError';
  }
}

export interface StandInOptions
  extends Omit<GatewayOptions, 'broker' | 'door' | 'untold' | 'onFailed'>,
    Required<Pick<GatewayOptions, 'door'>> {
  /** The configuration to go by where there is no copy of the one in force; null for none. Rejects in words for people. */
  readonly givenConfig: () => Promise<RouterConfig | null>;
  /** What is waited for, such as `Kafka at host:9092`. */
  readonly logName: string;
  readonly stopSignal: AbortSignal;
}

export interface AwaitedLog<H> {
  readonly home: H;
  readonly untold: UntoldCalls;
  /** Call it once somebody else has the door. Resolves when what is under way has been answered. */
  retire(): Promise<void>;
}

/** Between two tries, each of which takes some seconds by itself. */
const tryAgainMs = 1_000;
/** Of tries between two lines of the log. */
const triesPerWarning = 6;

/**
 * Resolves once `open` has. Rejects for what `open` rejects with but a TransientError, and once it is told to stop: then the door is
 * closed, and what was under way has been answered.
 */
export async function awaitLog<H>(open: () => Promise<H>, options: StandInOptions): Promise<AwaitedLog<H>> {
  const { clock, door, log, logName, metrics, stopSignal } = options;
  const untold = createUntoldCalls(metrics);
  let isAway = false;
  let standIn: StandIn | null = null;
  try {
    const tables = await knownTables(options);
    if (tables) {
      const broker = createCopiedLog(tables, `${logName} has not been reached yet`);
      const knowsKeys = tables.has((options.topicPrefix ?? '') + topics.accessKeys.name);
      standIn = await createStandIn(
        { ...options, broker, untold, onFailed: () => {} },
        { waitingFor: logName, knowsKeys, isAway: () => isAway },
      );
    } else
      door.sayWhy(
        `waiting for ${logName}, and no configuration is known before it answers (STANDBY_FILE keeps a copy of the one in force, CONFIG_FILE names one)`,
      );
    for (let tries = 0; ; tries++) {
      try {
        const home = await open();
        return { home, untold, retire: async () => standIn?.retire() };
      } catch (error) {
        if (!(error instanceof TransientError)) throw error;
        isAway = true;
        if (tries % triesPerWarning === 0)
          log.warn(
            standIn
              ? 'the log is away: calls of models are answered in the configured order until it is there'
              : 'the log is away, and no configuration is known: nothing is answered until it is there',
            { reason: error.message },
          );
        await pause(clock, tryAgainMs, stopSignal);
        if (stopSignal.aborted) throw new StoppedWaitingError(logName);
      }
    }
  } catch (error) {
    await door.close();
    await standIn?.retire();
    abandonUntold(untold, log);
    throw error;
  }
}

/** Null where nothing is known. */
async function knownTables(options: StandInOptions): Promise<CopiedTables | null> {
  const { standbyFile, topicPrefix = '', log, clock } = options;
  if (standbyFile) {
    try {
      const copy = await readCopy(standbyFile, topicPrefix);
      const hasConfig = (copy?.tables.get(topicPrefix + topics.config.name)?.length ?? 0) > 0;
      if (copy && hasConfig) {
        log.info('what the log said is known from a copy', {
          ageSeconds: Math.round((clock.nowMs() - copy.copiedAtMs) / 1_000),
        });
        return copy.tables;
      }
    } catch (error) {
      log.error('the copy of the tables cannot be used', { error: error as Error });
    }
  }
  const config = await options.givenConfig().catch((error: Error) => {
    log.error('the given configuration cannot be used', { error });
    return null;
  });
  if (!config) return null;
  const applied: ConfigApplied = {
    version: 0,
    json: configToJson(config),
    appliedAtMs: clock.nowMs(),
    appliedBy: 'the start',
    fileSha256: null,
  };
  const rows = [{ key: topics.config.keyOf(applied), value: Buffer.from(topics.config.codec.encode(applied)) }];
  return new Map([[topicPrefix + topics.config.name, rows]]);
}

/** Rejects in words for people. */
export async function readConfigFile(file: string, environment: Environment): Promise<RouterConfig> {
  const parsed = parseConfig(await readTextFile(file, configLimits.maxBytes), { environment });
  if (!parsed.ok) throw new Error(formatConfigErrors(parsed.errors, file));
  return parsed.config;
}
