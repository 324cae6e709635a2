/** One service, or the gateway, as a process of its own on Kafka and Redis. */
import { randomUUID } from 'node:crypto';
import { systemClock, systemIds } from '../lib/adapters/system';
import { createConfigReader } from '../lib/config/current-config';
import { type ProcessSettings, processSettings } from '../lib/config/process-settings';
import type { RouterConfig } from '../lib/config/router-config';
import { startSettingsOf } from '../lib/config/start-settings';
import { allStrategyGroups, defaultStrategyGroup, type StrategyGroup } from '../lib/config/strategy-groups';
import { tableChecks } from '../lib/config/table-checks';
import { assertKey } from '../lib/learning/features/encoder-key';
import { sleep } from '../lib/ports/clock';
import { seededRandom } from '../lib/random/seeded';
import { defaultRuntimeLimits, type Host } from '../lib/stream/host';
import { place } from '../lib/stream/placement';
import { ensureServiceTopics, type RunningEngine, runServices } from '../lib/stream/run-engine';
import { validateGraph } from '../lib/stream/validate-graph';
import { followView } from '../lib/stream/view';
import { createLog, type Log } from '../lib/telemetry/log';
import { createMetrics, type Metrics } from '../lib/telemetry/metrics';
import { flushTraces } from '../lib/telemetry/tracing';
import { ensureSinglePartitionTopic } from '../lib/topics/ensure-topic';
import { topics } from '../lib/topics/topics';
import { alertsGroup, alertWebhooksGroup } from './alerts/service';
import { analyticsGroup, analyticsRewardsGroup } from './analytics/service';
import { declareOn } from './declare-services';
import { createGateway } from './gateway/gateway';
import { openDoor } from './gateway/open-door';
import { gatewayEdges } from './gateway/service';
import { awaitLog, readConfigFile } from './gateway/standby/stand-in';
import { guardProcess } from './guard-process';
import { distributedHome, type EngineHome } from './home';
import { chainName, type PlacementName, placements } from './placements';
import { providerProbesGroup } from './provider-probes/service';
import { reportVitals } from './report-vitals';
import { serveProbes } from './serve-probes';

/** The processes of the separate placement. */
export const processNames = [
  'gateway',
  'route-intake',
  'strategy-threads',
  'route-collapse',
  'budgets',
  'reward-feedback',
  'experiments',
  'model-profiler',
  'dqn-trainer',
  'analytics',
  'alerts',
] as const;
export type ProcessName = (typeof processNames)[number] | typeof chainName;

/** A process and the consumer group that it works in. */
export interface GroupProcess {
  readonly process: ProcessName;
  /** Without prefix; null for the gateway, which follows topics as a whole. */
  readonly group: string | null;
}

/** The processes that an engine consists of, one for each consumer group and one for the gateway. */
export function processesOf(placement: PlacementName, ownStrategyGroups: readonly StrategyGroup[]): GroupProcess[] {
  const hosted = allStrategyGroups(ownStrategyGroups).map(({ group }) => group);
  const shared = placements[placement];
  const processes = new Map<string, GroupProcess>();
  for (const name of processNames) {
    const groups = name === defaultStrategyGroup ? hosted : [name];
    for (const group of groups) {
      const task = shared.find(({ stages }) => stages.includes(group));
      if (task) processes.set(task.name, { process: chainName, group: task.group });
      else processes.set(group, { process: name, group: name === 'gateway' ? null : group });
    }
  }
  return [...processes.values()];
}

/** The process that a group of stages runs in. */
export function processOf(group: string): string {
  if (group === analyticsRewardsGroup) return analyticsGroup;
  if (group === providerProbesGroup) return 'model-profiler';
  return group === alertWebhooksGroup ? alertsGroup : group;
}

export interface RunningProcess {
  /** Of the gateway, or of the probes; null where neither was asked for. */
  readonly url: string | null;
  /** Drains, flushes, commits, leaves, closes. */
  stop(): Promise<void>;
}

/** Sent to the parent process once, over the channel of `child_process.fork`. */
export interface ReadyMessage {
  readonly kind: 'ready';
  readonly url: string | null;
}

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

/** What `main.ts` calls: runs until a signal or a fatal error, and ends the process. */
export async function runProcess(
  name: ProcessName,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<never> {
  const stop = new AbortController();
  let exitCode = 0;
  // A supervisor that is gone would leave us to nobody.
  process.on('disconnect', () => stop.abort());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // The second time it is meant.
      if (stop.signal.aborted) process.exit(130);
      stop.abort();
    });
  }
  try {
    const settings = processSettings(environment);
    const log = createLog({ level: settings.logLevel, nowMs: () => Date.now() }).child({ process: name });
    const onFatal = (error: Error): void => {
      log.error('the process ends: something has failed for good', { error });
      exitCode = 1;
      stop.abort();
    };
    const metrics = createMetrics();
    guardProcess({ log, metrics, onFatal });
    const running = await startProcess(name, settings, {
      log,
      metrics,
      onFatal,
      environment,
      stopSignal: stop.signal,
    });
    log.info('process ready', { url: running.url });
    // To a supervisor, where there is one.
    process.send?.({ kind: 'ready', url: running.url } satisfies ReadyMessage);
    await new Promise<void>((resolve) => {
      if (stop.signal.aborted) resolve();
      stop.signal.addEventListener('abort', () => resolve(), { once: true });
    });
    log.info('process stops: finishing what is under way');
    await running.stop();
  } catch (error) {
    if (!stop.signal.aborted || exitCode !== 0) {
      process.stderr.write(`${name}: ${(error as Error).message}\n`);
      exitCode = 1;
    }
  }
  await flushTraces();
  process.exit(exitCode);
}

/** Resolves once the service is restored and reads (the gateway: listens). Rejects with a reason for people. */
export async function startProcess(
  name: ProcessName,
  settings: ProcessSettings,
  parts: ProcessParts,
): Promise<RunningProcess> {
  if (name === 'gateway') return startGateway(settings, parts);
  const home = await distributedHome(settings, parts);
  try {
    const { config, host, definitions } = await declare(home, settings, parts);
    if (name === 'route-intake' || name === chainName || name === 'dqn-trainer') assertKey(config, settings.encoder);
    const { url, stop } = await startService(name, definitions, host, settings);
    return {
      url,
      async stop() {
        await stop();
        await home.close();
      },
    };
  } catch (error) {
    await home.close();
    throw error;
  }
}

/** What runs under the configuration in force; waits for the first one. */
async function declare(home: EngineHome, settings: ProcessSettings, parts: ProcessParts) {
  const config = await awaitConfig(home, parts);
  const host = hostOf(home, settings, config, parts);
  const { encoder, ownStrategyGroups } = settings;
  const definitions = declareOn(host, config, 'worker', encoder, ownStrategyGroups, parts.environment);
  return { config, host, definitions };
}

type Definitions = ReturnType<typeof declareOn>;

async function startService(
  name: ProcessName,
  definitions: Definitions,
  host: Host,
  { http, metricsPort, strategyGroup }: ProcessSettings,
): Promise<RunningProcess> {
  let running: RunningEngine | null = null;
  // Before the service: a restore can be watched.
  const probes =
    metricsPort === null
      ? null
      : await serveProbes({
          host: http.host,
          port: metricsPort,
          metrics: host.metrics,
          log: host.log,
          ready: () => running?.ready() ?? false,
          status: () => running?.status() ?? [],
        });
  try {
    const placement = placements[name === chainName ? 'chained' : 'separate'];
    const wanted = name === defaultStrategyGroup ? strategyGroup : name;
    const own = place(definitions, placement)
      .filter((group) => processOf(group.name) === wanted)
      .flatMap(({ stages }) => stages);
    if (own.length === 0)
      throw new Error(`${wanted} has nothing to run: STRATEGY_GROUPS gives every strategy another group`);
    const started = await runServices(own, host, { graph: definitions, edges: [gatewayEdges], placement });
    running = started;
    const vitals = reportVitals({ ...host, process: `${wanted}-${randomUUID()}`, status: () => started.status() });
    return {
      url: probes?.url ?? null,
      async stop() {
        await vitals.stop();
        await started.stop();
        await probes?.stop();
      },
    };
  } catch (error) {
    await probes?.stop();
    throw error;
  }
}

/** The gateway waits for Kafka instead of ending: calls of models are answered meanwhile, where it is known which there are. */
async function startGateway(settings: ProcessSettings, parts: ProcessParts): Promise<RunningProcess> {
  const { http, kafka, standby, topicPrefix } = settings;
  // Before anything is started: a port that is taken ends the process at once, and probes hear that it is not ready yet.
  const door = await openDoor(http, parts.metrics, parts.log);
  const options = {
    ...{ clock: systemClock(), createId: systemIds(), metrics: parts.metrics, log: parts.log },
    ...{ requestPathPartitions: settings.partitions, topicPrefix, settings: http, standbyFile: standby.file, door },
    ...(parts.environment && { environment: parts.environment }),
  };
  let home: EngineHome | null = null;
  let retire = async (): Promise<void> => {};
  try {
    const awaited = await awaitLog<EngineHome>(() => distributedHome(settings, parts), {
      ...options,
      ...{ logName: `Kafka at ${kafka.brokers.join(', ')}`, stopSignal: parts.stopSignal },
      givenConfig: async () =>
        standby.configFile === null ? null : readConfigFile(standby.configFile, parts.environment ?? {}),
    });
    ({ home, retire } = awaited);
    const { host, definitions } = await declare(home, settings, parts);
    validateGraph([gatewayEdges, ...definitions], host);
    // Its own and no others: it may have no right even to see those of the services.
    await ensureServiceTopics([gatewayEdges], host);
    const gateway = await createGateway({
      ...options,
      broker: home.broker,
      ...(home.tokenBuckets && { tokenBuckets: home.tokenBuckets }),
      untold: awaited.untold,
      onFailed: parts.onFatal,
    });
    const retired = retire();
    const { close } = home;
    return {
      url: gateway.url,
      async stop() {
        await gateway.stop();
        await retired;
        await close();
      },
    };
  } catch (error) {
    await door.close();
    await retire();
    await home?.close();
    throw error;
  }
}

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
