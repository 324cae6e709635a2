import { spans, windowKeys } from '../../lib/analytics/window';
import { countInvalidConfig, createConfigReader } from '../../lib/config/current-config';
import type { UtilityWeights } from '../../lib/routing/judge/utility';
import { utilityWeights } from '../../lib/routing/judge/utility';
import {
  type Context,
  defineService,
  due,
  on,
  type ServiceDefinition,
  type TableDefinition,
} from '../../lib/stream/define-service';
import type { Metrics } from '../../lib/telemetry/metrics';
import type {
  AnalyticsWindow,
  LearningEvent,
  ModelObserved,
  RouteDecided,
  RouteOpened,
} from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { addUp, dueAtMs, maxAheadMs, passTime } from './add-up';
import { ofDecided, ofLearned, ofObserved, ofOpened } from './contributions';

export const analyticsGroup = 'analytics';
export const analyticsRewardsGroup = 'analytics-rewards';

/** Rows gather this long: a row that changed a hundred times is written once. */
const lingerMs = 500;

/** Every window that there can be: those that are kept, and those of clocks that are ahead. */
const maxRows = spans.reduce((rows, { spanMs, keptMs }) => rows + Math.ceil((keptMs + maxAheadMs) / spanMs) + 2, 0);

function windowTable(topic: TableDefinition<AnalyticsWindow>['topic']): TableDefinition<AnalyticsWindow> {
  return { topic, dueAtMs, maxRows };
}

/** A record concerns a row of each span, one after the other: what it adds is worked out for the first. */
function onceEach<E, C>(addedBy: (event: E) => C): (event: E) => C {
  let newest: { readonly event: E; readonly added: C } | null = null;
  return (event) => {
    if (newest?.event !== event) newest = { event, added: addedBy(event) };
    return newest.added;
  };
}

/** What was decided and what was called, by window. */
export function createAnalytics(): ServiceDefinition {
  const opened = onceEach(ofOpened);
  const decided = onceEach(ofDecided);
  const observed = onceEach(ofObserved);
  return defineService({
    group: analyticsGroup,
    lingerMs,
    inputs: [
      on<RouteOpened, AnalyticsWindow>(
        topics.routeOpened,
        (row, event, context) => addUp(row, opened(event), context),
        {
          stateKey: (opened) => windowKeys(opened.openedAtMs),
        },
      ),
      on<RouteDecided, AnalyticsWindow>(
        topics.routeDecided,
        (row, event, context) => addUp(row, decided(event), context),
        { stateKey: (decided) => windowKeys(decided.decidedAtMs) },
      ),
      on<ModelObserved, AnalyticsWindow>(
        topics.modelObserved,
        (row, event, context) => addUp(row, observed(event), context),
        { stateKey: (observed) => windowKeys(observed.observedAtMs) },
      ),
      due<AnalyticsWindow>((row, context) => passTime(row, topics.analyticsRecent, context)),
    ],
    outputs: [topics.analyticsRecent],
    table: windowTable(topics.analyticsWindows),
  });
}

/** What answers were worth, by window: the log of learning has one partition, so this is a stage of its own. */
export function createAnalyticsRewards({ metrics }: { readonly metrics: Metrics }): ServiceDefinition {
  const readConfig = createConfigReader(countInvalidConfig(metrics, analyticsRewardsGroup));
  const weightsOf = (context: Context) => {
    const scale = readConfig(context.view(topics.config))?.config.utilityScale ?? { costUsd: 0.01, latencyMs: 10_000 };
    return ({ preference }: LearningEvent): UtilityWeights => utilityWeights(preference, scale, 0);
  };
  return defineService({
    group: analyticsRewardsGroup,
    lingerMs,
    inputs: [
      on<LearningEvent, AnalyticsWindow>(
        topics.learningEvents,
        (row, event, context) => addUp(row, ofLearned(event, weightsOf(context)), context),
        { stateKey: (event) => windowKeys(event.openedAtMs) },
      ),
      due<AnalyticsWindow>((row, context) => passTime(row, topics.analyticsRecentRewards, context)),
    ],
    views: [topics.config],
    outputs: [topics.analyticsRecentRewards],
    table: windowTable(topics.analyticsRewards),
  });
}
