/** One instance of several that share a log on a virtual clock, each with all stages of the request path: it can vanish. */
import type { MemoryBroker } from '../lib/adapters/memory/memory-broker';
import type { RouterConfig } from '../lib/config/router-config';
import { defaultStrategyGroup } from '../lib/config/strategy-groups';
import { type Clock, sleep } from '../lib/ports/clock';
import type { Random } from '../lib/ports/random';
import { seededRandom } from '../lib/random/seeded';
import type { ServiceDefinition } from '../lib/stream/define-service';
import { defaultRuntimeLimits, type Host } from '../lib/stream/host';
import { runServices } from '../lib/stream/run-engine';
import { externallyWritten } from '../lib/stream/validate-graph';
import { createLog } from '../lib/telemetry/log';
import { createMetrics, type Metrics } from '../lib/telemetry/metrics';
import type { EngineHome } from '../services/home';
import { placements } from '../services/placements';
import { createRewardFeedback } from '../services/reward-feedback/service';
import { createRouteCollapse } from '../services/route-collapse/service';
import { createRouteIntake } from '../services/route-intake/service';
import { createStrategyThreads } from '../services/strategy-threads/service';
import { mortalHome } from './simulation';

export interface InstanceOptions {
  readonly ground: EngineHome;
  readonly random: Random;
  readonly seed: number;
  readonly config: RouterConfig;
  readonly partitions: number;
  /** What runs beside the request path. */
  readonly beside: (metrics: Metrics) => readonly ServiceDefinition[];
  /** Topics that nobody in it writes. */
  readonly external: readonly { readonly name: string }[];
  readonly onFatal: (why: string) => void;
}

export interface Instance {
  vanish(): void;
  stop(): Promise<void>;
}

export async function startInstance(options: InstanceOptions): Promise<Instance> {
  const { ground, random, seed, config, partitions } = options;
  const { home, vanish } = mortalHome(ground, ground.broker as MemoryBroker, random);
  const metrics = createMetrics();
  const host: Host = {
    broker: home.broker,
    keyValue: home.keyValue,
    clock: home.clock,
    elapsedMs: home.elapsedMs,
    createRandom: (...labels) => seededRandom(seed, ...labels),
    metrics,
    log: createLog({ level: 'silent' }),
    limits: defaultRuntimeLimits,
    requestPathPartitions: partitions,
    topicPrefix: '',
    onFatal: (group, error) => options.onFatal(`${group} failed for good: ${error.message}`),
  };
  const { limits, cache, feedback } = config;
  const strategyGroups = [{ group: defaultStrategyGroup, strategies: config.strategies }];
  const stages = [
    createRouteIntake({ keyValue: home.keyValue, strategyGroups, ...limits, metrics }),
    createStrategyThreads({
      weights: { load: () => Promise.resolve(null) },
      clock: home.clock,
      cache: { ttlMs: cache.ttlMs, metrics },
    }),
    createRouteCollapse({ maxPendingRoutes: limits.maxPendingRoutes, metrics }),
    createRewardFeedback({ ...feedback, metrics }),
    ...options.beside(metrics),
  ];
  const external = [...externallyWritten, ...options.external.map(({ name }) => name)];
  const running = await runServices(stages, host, { placement: placements.chained, external });
  return { vanish, stop: () => running.stop() };
}

/** A client that is told of a failure tries again. */
export async function persistently(clock: Clock, call: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await call();
      return;
    } catch {
      await sleep(clock, 5);
    }
  }
}
