/** Every service of the engine, declared with its settings. What there is to see of the system starts here. */
import type { RouterConfig } from '../lib/config/router-config';
import { strategyNames } from '../lib/config/router-config';
import type { KeyValue } from '../lib/ports/key-value';
import type { WeightsSource } from '../lib/routing/weights-source';
import type { ServiceDefinition } from '../lib/runtime/define-service';
import type { Metrics } from '../lib/telemetry/metrics';
import { createDqnTrainer, type DqnTrainerOptions } from './dqn-trainer/service';
import { createModelProfiler } from './model-profiler/service';
import { createRewardFeedback } from './reward-feedback/service';
import { createRouteCollapse } from './route-collapse/service';
import { createRouteIntake } from './route-intake/service';
import { createStrategyThreads, defaultStrategyGroup } from './strategy-threads/service';

export interface ServiceParts {
  readonly config: RouterConfig;
  /** Holds the routing cache. */
  readonly keyValue: KeyValue;
  /** Where strategy threads get learned weights. */
  readonly weights: WeightsSource;
  readonly trainer: DqnTrainerOptions;
  readonly metrics: Metrics;
}

export function declareServices({ config, keyValue, weights, trainer, metrics }: ServiceParts): ServiceDefinition[] {
  return [
    createRouteIntake({
      keyValue,
      strategyGroups: [{ group: defaultStrategyGroup, strategies: strategyNames }],
      maxSessions: config.limits.maxSessions,
      sessionTtlMs: config.limits.sessionTtlMs,
      metrics,
    }),
    createStrategyThreads({ weights, clock: trainer.clock }),
    createRouteCollapse({ maxPendingRoutes: config.limits.maxPendingRoutes, cacheTtlMs: config.cache.ttlMs, metrics }),
    createRewardFeedback({ ...config.feedback, metrics }),
    createModelProfiler({ metrics }),
    createDqnTrainer(trainer),
  ];
}
