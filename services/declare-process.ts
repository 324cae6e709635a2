/** What a process of the engine runs under: the configuration in force, which it waits for, and the services declared by it. */
import { createConfigReader } from '../lib/config/current-config';
import type { ProcessSettings } from '../lib/config/process-settings';
import type { RouterConfig } from '../lib/config/router-config';
import { startSettingsOf } from '../lib/config/start-settings';
import { tableChecks } from '../lib/config/table-checks';
import { sleep } from '../lib/ports/clock';
import { seededRandom } from '../lib/random/seeded';
import { defaultRuntimeLimits, type Host } from '../lib/stream/host';
import { followView } from '../lib/stream/view';
import type { Log } from '../lib/telemetry/log';
import type { Metrics } from '../lib/telemetry/metrics';
import { ensureSinglePartitionTopic } from '../lib/topics/ensure-topic';
import { topics } from '../lib/topics/topics';
import { declareOn, weightsOn } from './declare-services';
import type { EngineHome } from './home';

export interface ProcessParts {
  /** Where the gateway and provider-probes find the keys of providers. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Something has failed for good: the process should end and be started anew. */
  readonly onFatal: (error: Error) => void;
  /** Aborted while the process still waits for a configuration: it gives up. */
  readonly stopSignal: AbortSignal;
}

export interface RunningProcess {
  /** Of the gateway, or of the probes; null where neither was asked for. */
  readonly url: string | null;
  /** Drains, flushes, commits, leaves, closes. */
  stop(): Promise<void>;
}

/** What runs under the configuration in force; waits for the first one. */
export async function declareProcess(home: EngineHome, settings: ProcessSettings, parts: ProcessParts) {
  const config = await awaitConfig(home, parts);
  const host = hostOf(home, settings, config, parts);
  const { encoder, ownStrategyGroups } = settings;
  // Immutable and found by hash: what a rehearsal has loaded is there for requests.
  const weights = weightsOn(host);
  const declare = (on: Host) => declareOn(on, config, 'worker', encoder, ownStrategyGroups, parts.environment, weights);
  return { config, host, declare, definitions: declare(host) };
}

/** What a partition takes of memory and of its start is little; the whole of a group of hundreds is not. */
const standbyPartitions = 16;

function hostOf(home: EngineHome, settings: ProcessSettings, config: RouterConfig, parts: ProcessParts): Host {
  const { seed } = startSettingsOf(config);
  return {
    broker: home.broker,
    keyValue: home.keyValue,
    clock: home.clock,
    elapsedMs: home.elapsedMs,
    createRandom: (...labels) => seededRandom(seed, ...labels),
    metrics: parts.metrics,
    log: parts.log,
    limits: defaultRuntimeLimits,
    requestPathPartitions: settings.partitions,
    delivery: settings.delivery,
    standbyPartitions,
    topicPrefix: home.topicPrefix,
    tableChecks,
    onFatal: (group, error) =>
      parts.onFatal(new Error(`${group} has failed for good: ${error.message}`, { cause: error })),
  };
}

const configPollMs = 100;
/** Every five seconds. */
const pollsPerReminder = 50;

/** The configuration in force; waits for the first one, and says so. */
async function awaitConfig(home: EngineHome, parts: ProcessParts): Promise<RouterConfig> {
  const { broker, topicPrefix, clock } = home;
  const { log, metrics, stopSignal } = parts;
  await ensureSinglePartitionTopic(broker, topics.config, topicPrefix);
  const { view, stop } = await followView(
    'process',
    topics.config,
    { broker, log, metrics, topicPrefix, tableChecks },
    parts.onFatal,
  );
  try {
    const read = createConfigReader(({ version }, error) =>
      log.error('a configuration cannot be read; waiting for another', { version, error }),
    );
    let current = read(view);
    for (let polls = 0; !current; polls++) {
      if (polls % pollsPerReminder === 0)
        log.warn('waiting for a configuration: `quantum-router config apply FILE` puts one in force');
      await sleep(clock, configPollMs);
      if (stopSignal.aborted) throw new Error('stopped while waiting for a configuration');
      current = read(view);
    }
    return current.config;
  } finally {
    await stop();
  }
}
