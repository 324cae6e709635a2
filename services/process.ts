/** One service, or the gateway, as a process of its own on Kafka and Redis. */
import { randomUUID } from 'node:crypto';
import { type ProcessSettings, processSettings } from '../lib/config/process-settings';
import { allStrategyGroups, defaultStrategyGroup, type StrategyGroup } from '../lib/config/strategy-groups';
import { drainSignals } from '../lib/drain-signals';
import { assertKey } from '../lib/learning/features/encoder-key';
import { place } from '../lib/stream/placement';
import { type RunningEngine, runServices } from '../lib/stream/run-engine';
import { createLog } from '../lib/telemetry/log';
import { createMetrics } from '../lib/telemetry/metrics';
import { flushTraces } from '../lib/telemetry/tracing';
import { alertsGroup, alertWebhooksGroup } from './alerts/service';
import { analyticsGroup, analyticsRewardsGroup } from './analytics/service';
import { declareProcess, type ProcessParts, type RunningProcess } from './declare-process';
import { gatewayEdges } from './gateway/service';
import { guardProcess } from './guard-process';
import { distributedHome } from './home';
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

/** Sent to the parent process once, over the channel of `child_process.fork`. */
export interface ReadyMessage {
  readonly kind: 'ready';
  readonly url: string | null;
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
  for (const signal of [...drainSignals, 'SIGHUP'] as const) {
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

/**
 * An HTTP server, doors and tokens are a third of all code, and to read code is most of what a start costs: no other process
 * reads them, so that what starts after a fault leaves the processor to what decides.
 */
function readGateway() {
  const { startGateway } = require('./gateway-process') as typeof import('./gateway-process');
  return startGateway;
}

/** Resolves once the service is restored and reads (the gateway: listens). Rejects with a reason for people. */
export async function startProcess(
  name: ProcessName,
  settings: ProcessSettings,
  parts: ProcessParts,
): Promise<RunningProcess> {
  if (name === 'gateway') return readGateway()(settings, parts);
  const home = await distributedHome(settings, parts);
  try {
    const declared = await declareProcess(home, settings, parts);
    const { config } = declared;
    if (name === 'route-intake' || name === chainName || name === 'dqn-trainer') assertKey(config, settings.encoder);
    const { url, stop } = await startService(name, declared, settings);
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

async function startService(
  name: ProcessName,
  { definitions, host, declare }: Awaited<ReturnType<typeof declareProcess>>,
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
    const started = await runServices(own, host, {
      graph: definitions,
      edges: [gatewayEdges],
      placement,
      declareAnew: declare,
    });
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
