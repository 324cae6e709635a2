import type { Contribution } from '../../lib/analytics/window';
import { spans, windowKeys } from '../../lib/analytics/window';
import { countInvalidConfig, createConfigReader } from '../../lib/config/current-config';
import type { UtilityWeights } from '../../lib/routing/judge/utility';
import { utilityWeights } from '../../lib/routing/judge/utility';
import {
  type Context,
  defineService,
  due,
  on,
  type PartOf,
  type ServiceDefinition,
  type TableDefinition,
} from '../../lib/stream/define-service';
import type { Metrics } from '../../lib/telemetry/metrics';
import type { Topic } from '../../lib/topics/define-topic';
import type { AnalyticsWindow } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { addAllUp, addUp, countable, dueAtMs, maxAheadMs, passTime } from './add-up';
import {
  type DecidedPart,
  type LearnedPart,
  type OpenedPart,
  ofDecided,
  ofLate,
  ofLearned,
  ofObserved,
  ofOpened,
} from './contributions';

export const analyticsGroup = 'analytics';
export const analyticsRewardsGroup = 'analytics-rewards';

/** Rows gather this long: a row that changed a hundred times is written once. */
const lingerMs = 500;

/** Every window that there can be: those that are kept, and those of clocks that are ahead. */
const maxRows = spans.reduce((rows, { spanMs, keptMs }) => rows + Math.ceil((keptMs + maxAheadMs) / spanMs) + 2, 0);

function windowTable(topic: TableDefinition<AnalyticsWindow>['topic']): TableDefinition<AnalyticsWindow> {
  return { topic, dueAtMs, maxRows };
}

/** An input whose records add to the rows of one time, a row of each span: many at once, or each by itself. */
function added<E>(
  topic: Topic<E>,
  addedBy: (event: E, context: Pick<Context, 'view'>) => Contribution | null,
  atMs: (event: E) => number,
  part?: PartOf<E>,
) {
  return on<E, AnalyticsWindow>(topic, (row, event, context) => addUp(row, addedBy(event, context), context), {
    stateKey: (event) => windowKeys(atMs(event)),
    ...(part && { part }),
    sums: { addedBy: (event, context) => countable(addedBy(event, context)), addTo: addAllUp },
  });
}

const openedPart: PartOf<OpenedPart> = { taskType: true, openedAtMs: true };
const decidedPart: PartOf<DecidedPart> = {
  model: true,
  provider: true,
  strategy: true,
  tenantId: true,
  degradedTo: true,
  cacheHit: true,
  explorationFloor: true,
  decidedAtMs: true,
  candidates: { model: true, eligible: true, propensity: true, expectedCostUsd: true },
  stagesMs: { total: true },
  exposures: { experiment: true, arm: true },
};
const learnedPart: PartOf<LearnedPart> = {
  kind: true,
  openedAtMs: true,
  taskType: true,
  tenantId: true,
  strategy: true,
  arms: true,
  model: true,
  models: true,
  expectedCostsUsd: true,
  quality: true,
  costUsd: true,
  latencyMs: true,
  preference: true,
  replaces: true,
};

/** What was decided, what was called, and what came too late, by window. */
export function createAnalytics(): ServiceDefinition {
  return defineService({
    group: analyticsGroup,
    lingerMs,
    inputs: [
      added<OpenedPart>(topics.routeOpened, ofOpened, ({ openedAtMs }) => openedAtMs, openedPart),
      added<DecidedPart>(topics.routeDecided, ofDecided, ({ decidedAtMs }) => decidedAtMs, decidedPart),
      added(topics.modelObserved, ofObserved, ({ observedAtMs }) => observedAtMs),
      added(topics.routeOutcomeLate, ofLate, ({ receivedAtMs }) => receivedAtMs),
      due<AnalyticsWindow>((row, context) => passTime(row, topics.analyticsRecent, context)),
    ],
    outputs: [topics.analyticsRecent],
    table: windowTable(topics.analyticsWindows),
  });
}

/** What answers were worth, by window: the log of learning has one partition, so this is a stage of its own. */
export function createAnalyticsRewards({ metrics }: { readonly metrics: Metrics }): ServiceDefinition {
  const readConfig = createConfigReader(countInvalidConfig(metrics, analyticsRewardsGroup));
  const weightsOf = (context: Pick<Context, 'view'>) => {
    const scale = readConfig(context.view(topics.config))?.config.utilityScale ?? { costUsd: 0.01, latencyMs: 10_000 };
    return ({ preference }: LearnedPart): UtilityWeights => utilityWeights(preference, scale, 0);
  };
  return defineService({
    group: analyticsRewardsGroup,
    lingerMs,
    inputs: [
      added<LearnedPart>(
        topics.learningEvents,
        (event, context) => ofLearned(event, weightsOf(context)),
        ({ openedAtMs }) => openedAtMs,
        learnedPart,
      ),
      due<AnalyticsWindow>((row, context) => passTime(row, topics.analyticsRecentRewards, context)),
    ],
    views: [topics.config],
    outputs: [topics.analyticsRecentRewards],
    table: windowTable(topics.analyticsRewards),
  });
}
