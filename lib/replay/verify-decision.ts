/**
 * One decision against the records it was made from: the decision from the opened event and the recorded threads, the
 * threads from the opened event and the pinned weights. Pure; who finds the records is `verify.ts`.
 */
import { recomputeDecision } from '../routing/decide/decide';
import { isKnown, judgeThread } from '../routing/judge/judge-thread';
import { learnedStrategy } from '../routing/judge/strategies/strategies';
import type { LearnedPolicy } from '../routing/judge/strategy';
import type { WeightsPointer } from '../routing/judge/weights-source';
import type { RouteDecided, RouteOpened, StrategyScored, ThreadScore } from '../topics/generated/messages';
import { type Difference, differencesOf } from './differences';

/** What says when and where a decision was made; all else is recomputed. */
const unverifiedDecisionFields: ReadonlySet<string> = new Set(['stagesMs', 'positions', 'decidedAtMs']);
/** The time a thread took. */
const unverifiedThreadFields: ReadonlySet<string> = new Set(['durationMs']);

/** `scored` in the order in which collapse took the records up. */
export function verifyDecision(
  decided: RouteDecided,
  opened: RouteOpened,
  scored: readonly StrategyScored[],
): Difference[] {
  try {
    const threads = scored.flatMap((record) => record.threads);
    return differencesOf(decided, recomputeDecision(opened, threads, decided.budgets), unverifiedDecisionFields);
  } catch (error) {
    return [{ field: 'model', recorded: decided.model, recomputed: `cannot be decided: ${(error as Error).message}` }];
  }
}

/** Null: the thread is judged without weights. A null basis: the one the policy itself names. */
export function neededWeights(thread: ThreadScore, opened: RouteOpened): WeightsPointer | null {
  if (thread.strategy !== learnedStrategy || opened.policySha256 === null) return null;
  const pinned = { policySha256: opened.policySha256, basisSha256: opened.basisSha256 };
  if (thread.status !== 'SUCCESS') {
    // Weights that were not there then may be there now: the thread is right to have failed.
    return thread.error === judgeThread(learnedStrategy, opened, null).error ? null : pinned;
  }
  if (thread.policySha256 === null || thread.policySha256 === opened.policySha256) return pinned;
  // The last good weights, on the ladder's second step; only the policy is recorded.
  return { policySha256: thread.policySha256, basisSha256: null };
}

/** Null where the strategy is not one of ours, and so cannot be asked again. */
export function verifyThread(
  thread: ThreadScore,
  opened: RouteOpened,
  learned: LearnedPolicy | null,
): Difference[] | null {
  if (!isKnown(thread.strategy)) return null;
  return differencesOf(thread, judgeThread(thread.strategy, opened, learned), unverifiedThreadFields);
}
