/**
 * The declaration of alerts. One task sees all reports of processes in one order, so there is one judge of every rule; what it
 * knows otherwise are tables of single partitions. What it says goes to the log, and everybody reads it there.
 */

import { countInvalidConfig, createConfigReader } from '../../lib/config/current-config';
import type { Environment } from '../../lib/config/expand-references';
import { type RuleName, ruleNames } from '../../lib/config/schema/alert-schema';
import type { Clock } from '../../lib/ports/clock';
import {
  type Context,
  defineService,
  on,
  process,
  type Result,
  type ServiceDefinition,
} from '../../lib/stream/define-service';
import type { Log } from '../../lib/telemetry/log';
import type { Metrics } from '../../lib/telemetry/metrics';
import type { Alert, AlertRuleState, EngineVitals } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { createDeliverer } from './deliver';
import { evaluate } from './evaluate';

export const alertsGroup = 'alerts';
export const alertWebhooksGroup = 'alert-webhooks';

export function createAlerts({ metrics }: { readonly metrics: Metrics }): ServiceDefinition {
  const readConfig = createConfigReader(countInvalidConfig(metrics, alertsGroup));
  const judge = (row: AlertRuleState | undefined, vitals: EngineVitals, context: Context): Result<AlertRuleState> => {
    const config = readConfig(context.view(topics.config))?.config;
    if (!config) return { kind: 'drop', reason: 'no-configuration' };
    const name = context.rowKey as RuleName;
    const around = {
      ...{ nowMs: context.nowMs, config, vitals },
      windows: () => context.view(topics.analyticsRecent).values(),
      rewards: () => context.view(topics.analyticsRecentRewards).values(),
      profiles: () => context.view(topics.modelProfile).values(),
      budgets: () => context.view(topics.budgetStates).values(),
    };
    const result = evaluate(row, name, around, [...context.view(topics.alertSilences).values()]);
    if (result.kind === 'done' && result.state)
      metrics.set(
        'quantum_router_alerts_ringing',
        { rule: name },
        result.state.subjects.filter(({ alert }) => alert).length,
      );
    return result;
  };
  return defineService({
    group: alertsGroup,
    lingerMs: 500,
    inputs: [on<EngineVitals, AlertRuleState>(topics.engineVitals, judge, { stateKey: () => ruleNames })],
    views: [
      topics.config,
      topics.analyticsRecent,
      topics.analyticsRecentRewards,
      topics.modelProfile,
      topics.budgetStates,
      topics.alertSilences,
    ],
    outputs: [topics.alerts],
    table: { topic: topics.alertRules, maxRows: ruleNames.length },
  });
}

export interface AlertWebhooksOptions {
  readonly metrics: Metrics;
  readonly log: Log;
  readonly clock: Clock;
  /** Where secrets and secret addresses are, by the names that the configuration gives. */
  readonly environment: Environment;
}

/** Tells webhooks: a stage of its own, so that whoever answers slowly holds up nothing else. */
export function createAlertWebhooks(options: AlertWebhooksOptions): ServiceDefinition {
  const readConfig = createConfigReader(countInvalidConfig(options.metrics, alertWebhooksGroup));
  const deliverer = createDeliverer(options);
  return defineService({
    group: alertWebhooksGroup,
    lingerMs: 100,
    maxBatchRecords: 32,
    inputs: [
      process<Alert>(
        topics.alerts,
        async (batch, context) => {
          const webhooks = readConfig(context.view(topics.config))?.config.alerts.webhooks ?? [];
          await deliverer.deliver(
            batch.map(({ event }) => event),
            webhooks,
            context.nowMs,
          );
          return [];
        },
        {
          onStop: async () => {
            deliverer.stop();
            return [];
          },
          onLost: () => deliverer.stop(),
        },
      ),
    ],
    views: [topics.config],
    outputs: [],
  });
}
