/** The end of the wait for outcomes. A decision nobody judged is closed as such: a missing reward is an event of its own, never a 0. */
import type { Context, Emit, Result } from '../../lib/stream/define-service';
import { emit } from '../../lib/stream/define-service';
import type {
  AwaitedOutcome,
  LearningEvent,
  ReplacedOutcome,
  RouteOutcome,
  RouteRefused,
} from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { outcomeId, wholeOf } from './merge-reports';
import { closedId, isRewarded } from './reward';

/**
 * Called when the window of a row has passed, or before that when the table is full. The row goes; with it what could
 * still have been corrected, so corrections that come now are late.
 */
export function closeDecision(
  row: AwaitedOutcome,
  context: Pick<Context, 'alreadyEmitted' | 'nowMs'>,
): Result<AwaitedOutcome> {
  if (!row.event) {
    const missing = row.opened
      ? 'its decision was never seen'
      : row.decided
        ? 'its request was never seen opened'
        : 'its decision is unknown';
    return {
      kind: 'done',
      state: null,
      emit: row.outcomes.map((outcome) => lateOutcome(outcome, missing, context.nowMs)),
    };
  }
  if (row.rewarded || context.alreadyEmitted(closedId(row.decisionId)) || rewardedBeforeCrash(row, context)) {
    return { kind: 'done', state: null };
  }
  const event = topics.learningEvents.codec.decode(row.event);
  const closed: LearningEvent = { ...event, replaces: unjudgedBefore(row, event), occurredAtMs: context.nowMs };
  return { kind: 'done', state: null, emit: [emit(topics.learningEvents, closed)] };
}

/**
 * A budget does not allow the request, so there will be no decision to wait for. Unless it was asked again and opened since:
 * who has been told of the refusal may agree to spend more, and topics are not read in one order.
 */
export function closeRefused(
  row: AwaitedOutcome | undefined,
  { refusedAtMs }: Pick<RouteRefused, 'refusedAtMs'>,
  context: Pick<Context, 'alreadyEmitted' | 'nowMs'>,
): Result<AwaitedOutcome> {
  if (!row || row.event || row.decided) return { kind: 'drop', reason: 'refused-request' };
  const { opened } = row;
  if (opened && opened.openedAtMs > refusedAtMs) return { kind: 'drop', reason: 'opened-since' };
  return closeDecision(row, context);
}

/** What an event without a judgement said of this decision before: its call has been counted already. */
function unjudgedBefore(row: AwaitedOutcome, event: LearningEvent): ReplacedOutcome | null {
  const said = wholeOf(row.outcomes.filter((outcome) => isRewarded(event, outcome)));
  return !said || (said.costUsd === null && said.latencyMs === null) ? null : { quality: null, costUsd: said.costUsd };
}

/**
 * After a crash the window may end before the outcome, whose reward is in the log already, is read again: then the row
 * does not know of it yet.
 */
function rewardedBeforeCrash(row: AwaitedOutcome, context: Pick<Context, 'alreadyEmitted'>): boolean {
  const seen = row.outcomes.some((outcome) => outcome.attempt === 1);
  return !seen && context.alreadyEmitted(outcomeId({ decisionId: row.decisionId, attempt: 1, revision: 0 }));
}

export function lateOutcome(outcome: RouteOutcome, reason: string, nowMs: number): Emit {
  return emit(topics.routeOutcomeLate, { outcome, reason, receivedAtMs: nowMs });
}
