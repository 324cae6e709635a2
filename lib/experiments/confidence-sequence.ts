/**
 * Intervals and p-values of a mean that may be looked at after every observation, and acted on. Asymptotic confidence
 * sequences (Waudby-Smith, Arbour, Sinha, Kennedy, Ramdas, "Time-uniform central limit theory and asymptotic confidence
 * sequences", Annals of Statistics 2024, Theorem 2.2): with probability 1 - alpha the truth lies in the interval at all times
 * at once. The p-value is that of the normal mixture sequential probability ratio test they are the inverse of (Robbins 1970;
 * Johari, Koomen, Pekelis, Walsh, "Always valid inference", Operations Research 2022).
 */
import { type Moments, varianceOf } from './moments';

export interface Interval {
  readonly lower: number;
  readonly upper: number;
}

/** With fewer values than this the variance is hardly known: nothing is said. */
export const fewestValues = 200;

const wholeLine: Interval = { lower: Number.NEGATIVE_INFINITY, upper: Number.POSITIVE_INFINITY };

/**
 * The mixture's scale, which decides at how many values the interval is tightest for its level (equation 12 there); it is
 * valid at every other number as well.
 */
export function mixtureScale(tightestAt: number, alpha: number): number {
  const bits = -2 * Math.log(alpha);
  return Math.sqrt((bits + Math.log(bits + 1)) / tightestAt);
}

/** Of the mean of what the values are drawn from. `alpha` is the chance of ever missing it. */
export function intervalOf(values: Moments, alpha: number, scale: number): Interval {
  const { count, mean } = values;
  if (count < fewestValues) return wholeLine;
  const spread = count * scale * scale + 1;
  const margin =
    Math.sqrt(varianceOf(values)) *
    Math.sqrt(((2 * spread) / (count * count * scale * scale)) * Math.log(Math.sqrt(spread) / alpha));
  return { lower: mean - margin, upper: mean + margin };
}

/**
 * How much the values speak against a mean of `null`, as the logarithm of the mixture's likelihood ratio. Under it the ratio
 * ever reaches 1/p with probability p, so e to the minus of the largest so far is a p-value at any time.
 */
export function evidenceAgainst(nullMean: number, values: Moments, scale: number): number {
  const { count, mean } = values;
  const variance = varianceOf(values);
  if (count < fewestValues || variance === 0) return 0;
  const spread = count * scale * scale + 1;
  const distance = mean - nullMean;
  return (count * count * scale * scale * distance * distance) / (2 * variance * spread) - Math.log(spread) / 2;
}
