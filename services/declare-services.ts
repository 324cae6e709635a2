/** Every service of the engine, declared with its settings. What there is to see of the system starts here. */

import type { Environment } from '../lib/config/expand-references';
import type { RouterConfig } from '../lib/config/router-config';
import { startSettingsOf } from '../lib/config/start-settings';
import { allStrategyGroups, defaultStrategyGroup, type StrategyGroup } from '../lib/config/strategy-groups';
import type { Encoder } from '../lib/learning/features/encoder-key';
import type { KeyValue } from '../lib/ports/key-value';
import type { WeightsSource } from '../lib/routing/judge/weights-source';
import type { ServiceDefinition } from '../lib/stream/define-service';
import type { Host } from '../lib/stream/host';
import type { Metrics } from '../lib/telemetry/metrics';
import { createBlobStore } from '../lib/weights/blob-store';
import { createWeightsSource } from '../lib/weights/weights-source';
import { createAlerts, createAlertWebhooks } from './alerts/service';
import { createAnalytics, createAnalyticsRewards } from './analytics/service';
import { createBudgets } from './budgets/service';
import { createFold, type TrainerHost } from './dqn-trainer/fold/create-fold';
import { createDqnTrainer, type DqnTrainerOptions } from './dqn-trainer/service';
import { createExperiments } from './experiments/service';
import { createModelProfiler } from './model-profiler/service';
import { createProviderProbes } from './provider-probes/service';
import { createRewardFeedback } from './reward-feedback/service';
import { createRouteCollapse } from './route-collapse/service';
import { createRouteIntake } from './route-intake/service';
import { createStrategyThreads } from './strategy-threads/service';

export interface ServiceParts {
  readonly config: RouterConfig;
  /** Holds the routing cache. */
  readonly keyValue: KeyValue;
  /** Where strategy threads get learned weights. */
  readonly weights: WeightsSource;
  readonly trainer: DqnTrainerOptions;
  readonly metrics: Metrics;
  /** With the installation's key; left out without one. */
  readonly encoder?: Encoder | null;
  /** Strategies that have a group of their own, apart from the others. */
  readonly ownStrategyGroups?: readonly StrategyGroup[];
  /** Where secrets of webhooks and keys of providers are; by default there are none. */
  readonly environment?: Environment;
}

/** Where strategy threads of one host get learned weights. */
export function weightsOn({ broker, keyValue, clock, log, metrics, topicPrefix }: Host): WeightsSource {
  return createWeightsSource(createBlobStore({ broker, keyValue, clock, log, topicPrefix }), { log, metrics });
}

/** All services on the ports of one host, with blobs and weights between them. */
export function declareOn(
  host: Host,
  config: RouterConfig,
  trainer: TrainerHost,
  encoder: Encoder | null = null,
  ownStrategyGroups: readonly StrategyGroup[] = [],
  environment: Environment = {},
  weights: WeightsSource = weightsOn(host),
): ServiceDefinition[] {
  const { broker, keyValue, clock, log, metrics, topicPrefix, elapsedMs } = host;
  const blobs = createBlobStore({ broker, keyValue, clock, log, topicPrefix });
  return declareServices({
    config,
    keyValue,
    weights,
    metrics,
    trainer: { broker, blobs, startFold: createFold(trainer), log, metrics, clock, elapsedMs, topicPrefix, encoder },
    encoder,
    ownStrategyGroups,
    environment,
  });
}

export function declareServices({
  config,
  keyValue,
  weights,
  trainer,
  metrics,
  encoder = null,
  ownStrategyGroups = [],
  environment = {},
}: ServiceParts): ServiceDefinition[] {
  const strategyGroups = allStrategyGroups(ownStrategyGroups);
  const { maxSessions, sessionTtlMs, maxPendingRoutes, cacheTtlMs, windowMs, maxAwaited } = startSettingsOf(config);
  return [
    createRouteIntake({
      keyValue,
      strategyGroups,
      maxSessions,
      sessionTtlMs,
      metrics,
      encoder,
    }),
    ...strategyGroups.map(({ group, strategies }) =>
      createStrategyThreads({
        ...{ group, strategies, weights, clock: trainer.clock, cache: { ttlMs: cacheTtlMs, metrics } },
        // A group that is made on an old log would otherwise score again what was decided long ago.
        startAt: group === defaultStrategyGroup ? 'earliest' : 'latest',
      }),
    ),
    createRouteCollapse({ maxPendingRoutes, metrics }),
    createBudgets({ metrics }),
    createRewardFeedback({ windowMs, maxAwaited, metrics }),
    createExperiments({ metrics }),
    createModelProfiler({ metrics }),
    createProviderProbes({ metrics, log: trainer.log, clock: trainer.clock, environment }),
    createDqnTrainer(trainer),
    createAnalytics(),
    createAnalyticsRewards({ metrics }),
    createAlerts({ metrics }),
    createAlertWebhooks({ metrics, log: trainer.log, clock: trainer.clock, environment }),
  ];
}
