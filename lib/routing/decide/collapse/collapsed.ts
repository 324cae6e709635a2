/** What a collapse returns, and the mixture most of them are made of. */
import { zeros } from '../../../doubles';
import type { RouteOpened, ThreadScore } from '../../../topics/generated/messages';
import { indexOfLargest, normalised } from '../../judge/distribution';

/** Arrays per candidate are aligned with `opened.candidates`, `weights` with the threads. */
export interface Collapsed {
  /** Distribution before limits, health and exploration. */
  readonly probabilities: readonly number[];
  readonly qualities: readonly number[];
  readonly utilities: readonly number[];
  /** Each thread's share in the result; sums to 1. */
  readonly weights: readonly number[];
  readonly leadingStrategy: string;
  /** How sure the threads are of their utilities, by weight; 0..1. */
  readonly confidence: number;
}

/** A pure function; `threads` are those that succeeded, in declared order, at least one. */
export type Collapse = (opened: RouteOpened, threads: readonly ThreadScore[]) => Collapsed;

/** Mean of distributions, utilities and qualities by `weights` (0 or more; all 0 counts as all equal). */
export function mixture(threads: readonly ThreadScore[], weights: readonly number[]): Collapsed {
  const usable = weights.some((weight) => weight > 0);
  const shares = normalised(usable ? weights : threads.map(() => 1));
  return {
    probabilities: weightedMean(threads, 'probabilities', shares),
    qualities: weightedMean(threads, 'qualities', shares),
    utilities: weightedMean(threads, 'utilities', shares),
    weights: shares,
    leadingStrategy: threads[indexOfLargest(shares)]!.strategy,
    confidence: threads.reduce((sum, thread, i) => sum + shares[i]! * thread.confidence, 0),
  };
}

/** One thread takes all. */
export function winnerTakesAll(threads: readonly ThreadScore[], winner: number): Collapsed {
  return mixture(
    threads,
    threads.map((_, i) => (i === winner ? 1 : 0)),
  );
}

function weightedMean(
  threads: readonly ThreadScore[],
  list: 'probabilities' | 'qualities' | 'utilities',
  shares: readonly number[],
): number[] {
  const mean = zeros(threads[0]![list].length);
  for (let at = 0; at < threads.length; at++) {
    const share = shares[at]!;
    if (share === 0) continue;
    const values = threads[at]![list];
    for (let i = 0; i < mean.length; i++) mean[i]! += share * values[i]!;
  }
  return mean;
}
