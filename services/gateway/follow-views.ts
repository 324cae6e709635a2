/** The tables that a gateway answers from, each followed from its beginning. */
import { tableChecks } from '../../lib/config/table-checks';
import type { Broker } from '../../lib/ports/broker';
import { type FollowedView, followView } from '../../lib/stream/view';
import type { Log } from '../../lib/telemetry/log';
import type { Metrics } from '../../lib/telemetry/metrics';
import type { Topic } from '../../lib/topics/define-topic';
import { topics } from '../../lib/topics/topics';
import { followAnalytics } from './follow-analytics';

export interface FollowedLog {
  readonly broker: Broker;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly topicPrefix: string;
}

export type GatewayViews = Awaited<ReturnType<typeof followViews>>;

/** Resolves once everything that was there at the call has been read. `onFailed` is told when following one of them ends. */
export async function followViews(followed: FollowedLog, onFailed: (error: Error) => void) {
  const host = { ...followed, tableChecks };
  const open: Pick<FollowedView<unknown>, 'stop'>[] = [];
  const follow = async <T>(topic: Topic<T>) => {
    const { view, stop } = await followView('gateway', topic, host, onFailed);
    open.push({ stop });
    return view;
  };
  const config = await follow(topics.config);
  const profiles = await follow(topics.modelProfile);
  const tuning = await follow(topics.tuning);
  const budgets = await follow(topics.budgetStates);
  const keys = await follow(topics.accessKeys);
  const experiments = await follow(topics.experimentStates);
  const alerts = await follow(topics.alerts);
  const silences = await follow(topics.alertSilences);
  const followedResponses = await follow(topics.followedResponses);
  const analytics = await followAnalytics(host, onFailed);
  open.push(analytics);
  return {
    ...{ config, profiles, tuning, budgets, keys, experiments, alerts, silences, followedResponses },
    /** Windows of the analytics service. */
    windows: analytics.store,
    async stop(): Promise<void> {
      for (const one of open) await one.stop();
    },
  };
}
