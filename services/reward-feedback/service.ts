import { anyTopic, defineService, due, on, type ServiceDefinition } from '../../lib/runtime/define-service';
import type {
  AwaitedOutcome,
  LearningEvent,
  RouteDecided,
  RouteOpened,
  RouteOutcome,
} from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { assignReward, rememberDecided, rememberOpened } from './assign-reward';
import { closeDecision } from './close-decision';

export interface RewardFeedbackOptions {
  /** How long a decision waits for outcomes and their corrections (`feedback.windowMs`). */
  readonly windowMs: number;
  /** Decisions waiting per partition (`feedback.maxAwaited`); the oldest are closed early beyond it. */
  readonly maxAwaited: number;
}

/**
 * Ids of written learning events that a task remembers. All tasks share the one partition of `learning.events`, so the
 * tail that each reads at start holds the others' events too: it must cover what all tasks together can have written
 * since the slowest of them last committed. Commits come every ~100 ms, so this is some seconds at full speed.
 */
const rememberedEvents = 16_384;

/** Window and limit are fixed when the service starts: rows are scheduled by them. A changed config needs a restart of the service. */
export function createRewardFeedback(options: RewardFeedbackOptions): ServiceDefinition {
  return defineService({
    group: 'reward-feedback',
    inputs: [
      on<RouteOpened, AwaitedOutcome>(topics.routeOpened, rememberOpened, { stateKey: (opened) => opened.requestId }),
      on<RouteDecided, AwaitedOutcome>(topics.routeDecided, rememberDecided, {
        stateKey: (decided) => decided.decisionId,
      }),
      on<RouteOutcome, AwaitedOutcome>(topics.routeOutcome, assignReward, {
        stateKey: (outcome) => outcome.decisionId,
        forwardMisplaced: true,
      }),
      due<AwaitedOutcome>(closeDecision),
    ],
    outputs: [
      anyTopic(topics.learningEvents),
      anyTopic(topics.modelObserved),
      anyTopic(topics.routeOutcomeLate),
      // Misplaced outcomes are forwarded to it.
      anyTopic(topics.routeOutcome),
    ],
    table: {
      topic: topics.awaitedOutcomes,
      dueAtMs: (row: AwaitedOutcome) => row.firstSeenMs + options.windowMs,
      maxRows: options.maxAwaited,
      closeEarlyWhenFull: true,
    },
    ownOutput: {
      topic: anyTopic(topics.learningEvents),
      idOf: (event: LearningEvent) => event.eventId,
      maxIds: rememberedEvents,
    },
  });
}
