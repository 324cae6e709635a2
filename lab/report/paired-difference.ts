/** Paired comparison of two policies judged on the same rows: luck they share cancels. */
import { seededRandom } from '../../lib/random/seeded';
import { leastResamples, percentileInterval } from './percentile-interval';

export interface PairedDifference {
  readonly rows: number;
  /** Mean of a - b per row. */
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly method: 'normal' | 'bootstrap';
}

/**
 * 95 % confidence interval of the mean difference: normal approximation, or the percentile bootstrap when `bootstrap` is
 * given. Rows are treated as independent, which a learner's are only nearly. Throws RangeError for unequal or no rows.
 */
export function pairedDifference(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  bootstrap?: { readonly resamples: number; readonly seed: number },
): PairedDifference {
  const rows = a.length;
  if (rows !== b.length || rows === 0) throw new RangeError(`cannot pair ${rows} rows with ${b.length}`);
  const differences = Float64Array.from({ length: rows }, (_, i) => a[i]! - b[i]!);
  const mean = differences.reduce((sum, value) => sum + value, 0) / rows;
  if (bootstrap !== undefined) {
    const [low, high] = bootstrapInterval(differences, bootstrap.resamples, bootstrap.seed);
    return { rows, mean, low, high, method: 'bootstrap' };
  }
  const squares = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const halfWidth = rows > 1 ? 1.96 * Math.sqrt(squares / (rows - 1) / rows) : Number.POSITIVE_INFINITY;
  return { rows, mean, low: mean - halfWidth, high: mean + halfWidth, method: 'normal' };
}

function bootstrapInterval(differences: Float64Array, resamples: number, seed: number): readonly [number, number] {
  if (!Number.isInteger(resamples) || resamples < leastResamples) {
    throw new RangeError(`resamples must be an integer of at least ${leastResamples}, not ${resamples}`);
  }
  const random = seededRandom(seed, 'paired bootstrap');
  const means = new Float64Array(resamples);
  for (let r = 0; r < resamples; r++) {
    let sum = 0;
    for (let i = 0; i < differences.length; i++) sum += differences[random.integer(differences.length)]!;
    means[r] = sum / differences.length;
  }
  return percentileInterval(means.sort());
}
