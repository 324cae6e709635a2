import { countInvalidConfig, createConfigReader } from '../../lib/config/current-config';
import { defaultRewardWeights } from '../../lib/config/router-config';
import {
  type Context,
  defineService,
  due,
  on,
  type ServiceDefinition,
  whenWritten,
} from '../../lib/stream/define-service';
import type { Metrics } from '../../lib/telemetry/metrics';
import type {
  AwaitedOutcome,
  LearningEvent,
  ModelObserved,
  RouteDecided,
  RouteOpened,
  RouteOutcome,
  RouteRefused,
} from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { assignReward, type Knows, rememberDecided, rememberOpened } from './assign-reward';
import { closeDecision, closeRefused } from './close-decision';
import { familyOfReport } from './merge-reports';

export interface RewardFeedbackOptions {
  /** How long a decision waits for outcomes and their corrections (`feedback.windowMs`). */
  readonly windowMs: number;
  /** Decisions waiting per partition (`feedback.maxAwaited`); the oldest are closed early beyond it. */
  readonly maxAwaited: number;
  readonly metrics: Metrics;
}

/**
 * Ids of written learning events that a task remembers. All tasks share the one partition of `learning.events`, so the
 * tail that each reads at start holds the others' events too: it must cover what all tasks together can have written
 * since the slowest of them last committed. Commits come every second at the latest, and this is some seconds at full speed.
 */
const rememberedEvents = 16_384;

/** What says when a row is due. */
const duePart = { firstSeenMs: true } as const;

/**
 * Window and limit are fixed when the service starts: rows are scheduled by them, and a changed one needs a restart of the
 * service. The weights of the reward's parts follow the configuration; events that are written keep their quality.
 */
export function createRewardFeedback(options: RewardFeedbackOptions): ServiceDefinition {
  const readConfig = createConfigReader(countInvalidConfig(options.metrics, 'reward-feedback'));
  const knows = (context: Context): Knows => {
    const config = readConfig(context.view(topics.config))?.config;
    return {
      alreadyEmitted: context.alreadyEmitted,
      emittedAlike: context.emittedAlike,
      nowMs: context.nowMs,
      rewardWeights: config?.reward.weights ?? defaultRewardWeights,
      modelOf: (model) => config?.models.find(({ name }) => name === model) ?? null,
    };
  };
  return defineService({
    group: 'reward-feedback',
    lingerMs: 20,
    inputs: [
      on<RouteOpened, AwaitedOutcome>(
        topics.routeOpened,
        (row, opened, context) => rememberOpened(row, opened, knows(context)),
        {
          stateKey: (opened) => opened.requestId,
        },
      ),
      on<RouteDecided, AwaitedOutcome>(
        topics.routeDecided,
        (row, decided, context) => rememberDecided(row, decided, knows(context)),
        {
          stateKey: (decided) => decided.decisionId,
        },
      ),
      on<RouteOutcome, AwaitedOutcome>(
        topics.routeOutcome,
        (row, outcome, context) => assignReward(row, outcome, knows(context)),
        {
          stateKey: (outcome) => outcome.decisionId,
          forwardMisplaced: true,
        },
      ),
      on<RouteRefused, AwaitedOutcome>(
        topics.routeRefused,
        (row, refused, context) => closeRefused(row, refused, context),
        { stateKey: (refused) => refused.requestId },
      ),
      due<AwaitedOutcome>(closeDecision),
    ],
    views: [topics.config],
    outputs: [
      topics.learningEvents,
      topics.modelObserved,
      topics.routeOutcomeLate,
      topics.budgetEvents,
      topics.experimentObserved,
      // Misplaced outcomes are forwarded to it.
      topics.routeOutcome,
    ],
    table: {
      topic: topics.awaitedOutcomes,
      dueAtMs: (row: Pick<AwaitedOutcome, keyof typeof duePart>) => row.firstSeenMs + options.windowMs,
      maxRows: options.maxAwaited,
      closeEarlyWhenFull: true,
      // An outcome comes in a trace of its own, which links to the decision's.
      rowsKeepTrace: true,
      // Most have had their outcome, and wait the rest of the window for further reports.
      rowsRest: true,
      duePart,
    },
    // Money, and what comparisons rest on.
    writtenWithRows: [topics.budgetEvents, topics.experimentObserved],
    whenWritten: [whenWritten(topics.modelObserved, createCallCounter(options.metrics))],
    ownOutput: {
      topics: [topics.learningEvents],
      idOf: (event: Pick<LearningEvent, 'eventId'>) => event.eventId,
      idFields: ['eventId'],
      familyOf: familyOfReport,
      maxIds: rememberedEvents,
    },
  });
}

/** Counts calls where they are observed: by then the model is known to be a candidate, and corrections are told apart. */
function createCallCounter(metrics: Metrics): (observed: ModelObserved) => void {
  return ({ model, provider, status, revision, costUsd }) => {
    if (revision === 0) metrics.count('quantum_router_outcomes_total', { model, status });
    // An observation has a cost only when it tells one that was not known before: each call is counted once.
    if (costUsd !== null && costUsd > 0) metrics.count('quantum_router_spent_usd_total', { model, provider }, costUsd);
  };
}
