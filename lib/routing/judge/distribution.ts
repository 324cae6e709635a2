/** Distributions over candidates as plain arrays, in the order of `opened.candidates`; ineligible ones always get 0. */
import { zeros } from '../../doubles';
import type { Candidate } from '../../topics/generated/messages';

type Eligible = readonly Pick<Candidate, 'eligible'>[];

/** The same probability for every eligible candidate; all zero when there is none. */
export function uniform(candidates: Eligible): number[] {
  let count = 0;
  for (let i = 0; i < candidates.length; i++) if (candidates[i]!.eligible) count++;
  const shares = zeros(candidates.length);
  for (let i = 0; i < shares.length; i++) if (candidates[i]!.eligible) shares[i] = 1 / count;
  return shares;
}

/** Softmax of `scores` over eligible candidates; `temperature` is in units of the score. */
export function softmax(candidates: Eligible, scores: readonly number[], temperature: number): number[] {
  const best = indexOfBest(candidates, scores);
  const weights = zeros(candidates.length);
  if (best < 0) return weights;
  const top = scores[best]!;
  let sum = 0;
  for (let i = 0; i < weights.length; i++) {
    const weight = candidates[i]!.eligible ? Math.exp((scores[i]! - top) / temperature) : 0;
    weights[i] = weight;
    sum += weight;
  }
  for (let i = 0; i < weights.length; i++) weights[i] = weights[i]! / sum;
  return weights;
}

/** Everything on one candidate. */
export function certain(count: number, index: number): number[] {
  const probabilities = zeros(count);
  probabilities[index] = 1;
  return probabilities;
}

/** Scaled to sum 1. The sum must be above 0. */
export function normalised(weights: readonly number[]): number[] {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += weights[i]!;
  const scaled = zeros(weights.length);
  for (let i = 0; i < scaled.length; i++) scaled[i] = weights[i]! / sum;
  return scaled;
}

/** First index of the highest score among eligible candidates; -1 when there is none. */
export function indexOfBest(candidates: Eligible, scores: readonly number[]): number {
  let best = -1;
  for (let i = 0; i < candidates.length; i++) {
    if (candidates[i]!.eligible && (best < 0 || scores[i]! > scores[best]!)) best = i;
  }
  return best;
}

/** First index of the largest value; -1 of an empty array. */
export function indexOfLargest(values: readonly number[]): number {
  let best = values.length > 0 ? 0 : -1;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

/** Sums may be off by rounding, and by what JSON or another language makes of it. */
const sumTolerance = 1e-6;

/**
 * Why these numbers are no distribution over the candidates, or null: one finite number of 0 or more for each, all together
 * 1, and something of it on a candidate that can be drawn. Whatever enters from elsewhere is asked this first.
 */
export function distributionFault(probabilities: readonly number[], candidates: Eligible): string | null {
  if (probabilities.length !== candidates.length)
    return `judged ${probabilities.length} candidates of ${candidates.length}`;
  let total = 0;
  let eligible = 0;
  for (let i = 0; i < candidates.length; i++) {
    const probability = probabilities[i]!;
    if (!Number.isFinite(probability)) return 'judgement is not finite';
    if (probability < 0) return 'probability below 0';
    total += probability;
    if (candidates[i]!.eligible) eligible += probability;
  }
  if (Math.abs(total - 1) > sumTolerance) return `probabilities sum to ${total}`;
  return eligible > 0 ? null : 'no eligible candidate has a probability';
}

/** Whether a number is a share, 0 to 1, up to rounding. */
export function isShare(value: number): boolean {
  return value >= -sumTolerance && value <= 1 + sumTolerance;
}
