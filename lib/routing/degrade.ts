/**
 * The degradation ladder: learned weights, last good weights, static strategies, cheapest healthy candidate. Says on which
 * step the threads of a request stand, and supplies a judgement where none of them has one.
 */
import type { Degradation, RouteOpened, ThreadScore } from '../topics/generated/messages';
import { certain } from './distribution';
import { balanced } from './strategies/balanced';
import { expectedQualities, staticJudgement } from './strategies/expectations';
import { learnedStrategy } from './strategies/strategies';
import type { Judgement } from './strategy';

export interface Step {
  readonly degradedTo: Degradation;
  /** Judgement made here because no thread succeeded; null when one did. */
  readonly standIn: ThreadScore | null;
}

/** `threads` has one entry per asked strategy, in declared order. */
export function degrade(opened: RouteOpened, threads: readonly ThreadScore[]): Step {
  if (threads.some((thread) => thread.status === 'SUCCESS'))
    return { degradedTo: stepOf(opened, threads), standIn: null };
  const staticsDied = threads.some((thread) => thread.strategy !== learnedStrategy);
  // Static strategies had their chance in their threads. If none was asked (only the learned one, or nothing because the
  // request is overdue), one is judged here.
  return staticsDied
    ? { degradedTo: 'CHEAPEST_HEALTHY', standIn: scoreOf('CHEAPEST_HEALTHY', cheapestHealthy(opened)) }
    : { degradedTo: 'STATIC_STRATEGIES', standIn: scoreOf('BALANCED', balanced(opened, null)) };
}

function stepOf(opened: RouteOpened, threads: readonly ThreadScore[]): Degradation {
  const learned = threads.find((thread) => thread.strategy === learnedStrategy);
  // Who does not ask for the learned strategy misses nothing.
  if (!learned) return 'NONE';
  if (learned.status !== 'SUCCESS') return 'STATIC_STRATEGIES';
  return learned.policySha256 === opened.policySha256 ? 'NONE' : 'LAST_GOOD_WEIGHTS';
}

/** All on the cheapest eligible candidate, the healthiest before the cheapest; ties go to the faster. */
export function cheapestHealthy(opened: RouteOpened): Judgement {
  const { candidates } = opened;
  const rank = { CLOSED: 0, HALF_OPEN: 1, OPEN: 2 } as const;
  let best = -1;
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[i]!;
    if (!candidate.eligible) continue;
    const known = candidates[best];
    const better =
      !known ||
      (rank[candidate.health] - rank[known.health] ||
        candidate.expectedCostUsd - known.expectedCostUsd ||
        candidate.expectedLatencyMs - known.expectedLatencyMs) < 0;
    if (better) best = i;
  }
  if (best < 0) throw new Error('no eligible candidate');
  return staticJudgement(opened, expectedQualities(opened), certain(candidates.length, best));
}

function scoreOf(strategy: string, judgement: Judgement): ThreadScore {
  return {
    strategy,
    status: 'SUCCESS',
    probabilities: [...judgement.probabilities],
    utilities: [...judgement.utilities],
    qualities: [...judgement.qualities],
    confidence: judgement.confidence,
    durationMs: 0,
    error: null,
    policySha256: null,
    coldStart: false,
  };
}
