/**
 * The set of risk: the candidates among which, with the stated probability, an answer is that is good enough. The learner has
 * calibrated how far below the best a model may be predicted (`set-gaps.ts`); what to do with the set is the configuration's.
 */

import { ownEntry } from '../../dictionary';
import type { GoodSet, RouteOpened, ThreadScore } from '../../topics/generated/messages';
import { certain } from '../judge/distribution';
import { learnedStrategy } from '../judge/strategies/strategies';

export interface Restricted {
  readonly goodSet: GoodSet | null;
  /** What to draw from: the given distribution, or all on the model that the rule takes. */
  readonly probabilities: readonly number[];
}

/** `threads` are those that succeeded. No set without a learned judgement, and none before its size is known. */
export function restrictToSet(
  opened: RouteOpened,
  threads: readonly ThreadScore[],
  probabilities: readonly number[],
): Restricted {
  const { sets, candidates, tuning } = opened;
  const none = { goodSet: null, probabilities };
  if (!sets) return none;
  const gap = ownEntry(tuning.setGaps, String(sets.coverage));
  const learned = threads.find(({ strategy }) => strategy === learnedStrategy);
  if (gap === undefined || !learned || learned.coldStart) return none;
  const members = membersOf(opened, learned.qualities, gap);
  const taken = takenBy(opened, members);
  const models = members.map((i) => candidates[i]!.model);
  const goodSet = { coverage: sets.coverage, models, taken: taken < 0 ? null : sets.choose };
  return { goodSet, probabilities: taken < 0 ? probabilities : certain(candidates.length, taken) };
}

/** Indices of the eligible candidates that are predicted no further below the best of them than the gap. */
function membersOf({ candidates }: RouteOpened, qualities: readonly number[], gap: number): number[] {
  let best = -Infinity;
  for (let i = 0; i < candidates.length; i++) if (candidates[i]!.eligible) best = Math.max(best, qualities[i]!);
  const members: number[] = [];
  for (let i = 0; i < candidates.length; i++)
    if (candidates[i]!.eligible && best - qualities[i]! <= gap) members.push(i);
  return members;
}

/** Index of the candidate that the rule takes in place of a draw; -1: none. */
function takenBy({ sets, candidates }: RouteOpened, members: readonly number[]): number {
  if (sets?.choose === 'cheapest') {
    return members.reduce(
      (least, i) => (least < 0 || candidates[i]!.expectedCostUsd < candidates[least]!.expectedCostUsd ? i : least),
      -1,
    );
  }
  if (sets?.choose !== 'safe' || members.length <= sets.mostModels) return -1;
  return candidates.findIndex(({ model, eligible }) => eligible && model === sets.safeModel);
}
