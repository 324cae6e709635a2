/** Where a command finds the engine: on Kafka and Redis, or in an embedded store. */
import { resolve } from 'node:path';
import { type Command, Option } from 'commander';
import {
  InvalidEnvironmentError,
  installedEncoder,
  type ProcessSettings,
  processSettings,
} from '../lib/config/process-settings';
import type { Log } from '../lib/telemetry/log';
import type { Metrics } from '../lib/telemetry/metrics';
import { distributedHome, type EngineHome, embeddedHome } from '../services/home';
import { CliError, exitCodes, type Io } from './io';

export interface HomeOptions {
  readonly kafka?: string;
  readonly redis?: string;
  readonly topicPrefix?: string;
}

/** Adds the options of `HomeOptions`. */
export function addHomeOptions(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--kafka <addresses>',
        'run on Kafka, host:port[,host:port…]; TLS and SASL come from KAFKA_… variables',
      ),
    )
    .addOption(
      new Option('--redis <url>', 'Redis beside it, redis://host:port; without it each process caches by itself'),
    )
    .addOption(new Option('--topic-prefix <text>', 'in front of every topic and group on Kafka'));
}

/** Null without `--kafka`. Options go before the variables of the same meaning (docs/operations.md). */
export function settingsOfHome(io: Io, options: HomeOptions & { partitions?: number }): ProcessSettings | null {
  if (options.kafka === undefined) {
    if (options.redis !== undefined || options.topicPrefix !== undefined)
      throw new CliError('--redis and --topic-prefix go with --kafka', exitCodes.usage);
    return null;
  }
  return ofEnvironment(() => processSettings({ ...io.environment, ...environmentOfHome(options) }));
}

/** A variable that is wrong is a wrong use of the command. */
function ofEnvironment<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof InvalidEnvironmentError) throw new CliError(error.message, exitCodes.usage);
    throw error;
  }
}

/** The options as the variables that service processes read. */
export function environmentOfHome(options: HomeOptions & { partitions?: number | undefined }): Record<string, string> {
  const { kafka, redis, topicPrefix, partitions } = options;
  return {
    ...(kafka !== undefined && { KAFKA_BROKERS: kafka }),
    ...(redis !== undefined && { REDIS_URL: redis }),
    ...(topicPrefix !== undefined && { TOPIC_PREFIX: topicPrefix }),
    ...(partitions !== undefined && { PARTITIONS: String(partitions) }),
  };
}

export interface OpenHomeOptions extends HomeOptions {
  readonly dataDir: string;
  readonly partitions?: number;
}

/** Kafka and Redis where the options say so, the embedded store otherwise. */
export async function openHome(
  io: Io,
  options: OpenHomeOptions,
  parts: { log: Log; metrics: Metrics; readOnly?: boolean; onFailed?: (error: Error) => void },
): Promise<EngineHome> {
  const settings = settingsOfHome(io, options);
  if (settings) return openDistributedHome(settings, parts);
  return embeddedHome({
    directory: resolve(io.workingDirectory, options.dataDir),
    maxBytes: maxStoreBytes(io),
    onNote: (note) => parts.log.warn(note, { service: 'store' }),
    ...(parts.onFailed && { onFailed: parts.onFailed }),
    encoder: ofEnvironment(() => installedEncoder(io.environment)),
  });
}

const bytesPerMegabyte = 1_048_576;

/** `STORE_MAX_MB` of the environment; null when it is not set. */
function maxStoreBytes(io: Io): number | null {
  const text = io.environment['STORE_MAX_MB'];
  if (text === undefined || text === '') return null;
  const megabytes = Number(text);
  if (/^\d+$/.test(text) && megabytes >= 16) return megabytes * bytesPerMegabyte;
  throw new CliError(`STORE_MAX_MB must be a whole number of megabytes from 16, not ${text}`, exitCodes.usage);
}

export async function openDistributedHome(
  settings: ProcessSettings,
  parts: { log: Log; metrics: Metrics; readOnly?: boolean },
) {
  try {
    return await distributedHome(settings, parts);
  } catch (error) {
    throw new CliError((error as Error).message);
  }
}
