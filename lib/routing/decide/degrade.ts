/**
 * The degradation ladder: learned weights, last good weights, static strategies, cheapest healthy candidate. Says on which
 * step the threads of a request stand, and supplies a judgement where none of them has one.
 */
import type { StrategyName } from '../../config/router-config';
import type { Degradation, RouteOpened, ThreadScore } from '../../topics/generated/messages';
import { certain } from '../judge/distribution';
import { isKnown, judgedThread, judgeThread } from '../judge/judge-thread';
import { judgementFault } from '../judge/judgement-fault';
import { expectedQualities, staticJudgement } from '../judge/strategies/expectations';
import { learnedStrategy } from '../judge/strategies/strategies';
import type { Judgement } from '../judge/strategy';

export interface Step {
  readonly degradedTo: Degradation;
  /** Judgements made here because no thread succeeded; empty when one did. */
  readonly standIns: readonly ThreadScore[];
}

/** What is judged here where nothing else is left to ask: what the request wishes for, then what it is about. */
const lastResorts: readonly StrategyName[] = ['BALANCED', 'TASK_OPTIMIZED'];

/**
 * `threads` has one entry per asked strategy, in declared order. Static strategies are pure functions of the opened event
 * and take microseconds, so those whose threads did not answer are judged here: a late loop or a dead process must not
 * hand the request to the cheapest model.
 */
export function degrade(opened: RouteOpened, threads: readonly ThreadScore[]): Step {
  if (threads.some((thread) => thread.status === 'SUCCESS'))
    return { degradedTo: stepOf(opened, threads), standIns: [] };
  const unheard = threads.filter((thread) => thread.status === 'TIMEOUT').map((thread) => thread.strategy);
  const judged = judgeHere(opened, unheard.filter(isStatic));
  if (judged.length > 0) return { degradedTo: 'STATIC_STRATEGIES', standIns: judged };
  for (const strategy of lastResorts) {
    const standIns = judgeHere(opened, [strategy]);
    if (standIns.length > 0) return { degradedTo: 'STATIC_STRATEGIES', standIns };
  }
  return { degradedTo: 'CHEAPEST_HEALTHY', standIns: [judgedThread('CHEAPEST_HEALTHY', cheapestHealthy(opened), 0)] };
}

function isStatic(strategy: string): strategy is StrategyName {
  return strategy !== learnedStrategy && isKnown(strategy);
}

/** Those that come to a judgement. */
function judgeHere(opened: RouteOpened, names: readonly StrategyName[]): ThreadScore[] {
  return names
    .map((name) => judgeThread(name, opened, null))
    .filter((thread) => thread.status === 'SUCCESS' && judgementFault(opened, thread) === null);
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
