/** Whether two figures put the same rows first, and how sure that is. */
import type { Random } from '../../lib/ports/random';
import { percentileInterval } from './percentile-interval';

export interface Interval {
  readonly value: number;
  /** 95 %, percentile bootstrap over the rows. */
  readonly low: number;
  readonly high: number;
}

/** Spearman's correlation, -1..1: Pearson's of the ranks, ties at their mean rank; 0 where one of them never differs. */
export function rankCorrelation(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length || a.length === 0) throw new RangeError(`cannot pair ${a.length} rows with ${b.length}`);
  const [x, y] = [ranksOf(a), ranksOf(b)];
  // Ranks of n rows have this mean, whatever the ties.
  const mean = (a.length - 1) / 2;
  let [both, squaresX, squaresY] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    both += (x[i]! - mean) * (y[i]! - mean);
    squaresX += (x[i]! - mean) ** 2;
    squaresY += (y[i]! - mean) ** 2;
  }
  return squaresX > 0 && squaresY > 0 ? both / Math.sqrt(squaresX * squaresY) : 0;
}

/** The correlations of `a` and of `b` with `truth`, and how much higher that of `a` is: on the same resampled rows, so that luck they share cancels. */
export function compareRankCorrelations(
  a: readonly number[],
  b: readonly number[],
  truth: readonly number[],
  { resamples, random }: { readonly resamples: number; readonly random: Random },
): { readonly a: Interval; readonly b: Interval; readonly difference: Interval } {
  const [ofA, ofB] = [rankCorrelation(a, truth), rankCorrelation(b, truth)];
  const drawn = Array.from({ length: resamples }, () => {
    const rows = truth.map(() => random.integer(truth.length));
    const again = (values: readonly number[]): number[] => rows.map((row) => values[row]!);
    return [rankCorrelation(again(a), again(truth)), rankCorrelation(again(b), again(truth))] as const;
  });
  const interval = (value: number, of: (pair: readonly [number, number]) => number): Interval => {
    const [low, high] = percentileInterval(drawn.map(of).sort((one, other) => one - other));
    return { value, low, high };
  };
  return {
    a: interval(ofA, ([one]) => one),
    b: interval(ofB, ([, other]) => other),
    difference: interval(ofA - ofB, ([one, other]) => one - other),
  };
}

function ranksOf(values: readonly number[]): Float64Array {
  const order = values.map((_, i) => i).sort((i, j) => values[i]! - values[j]!);
  const ranks = new Float64Array(values.length);
  for (let from = 0; from < order.length; ) {
    let to = from;
    while (to + 1 < order.length && values[order[to + 1]!] === values[order[from]!]) to++;
    for (let i = from; i <= to; i++) ranks[order[i]!] = (from + to) / 2;
    from = to + 1;
  }
  return ranks;
}
