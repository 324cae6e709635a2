/**
 * Whether a log can speak of a policy at all. Most of it follows from probabilities alone, so it cannot be fooled by the
 * luck of the draw: with a draw of weight 100 simply not having happened, everything *seen* looks fine.
 */
import { type ImportanceWeights, weightOf } from './importance-weights';
import type { PreparedLog } from './prepared-log';

export interface Support {
  readonly decisions: number;
  /** Decisions whose reward is known. */
  readonly judged: number;
  /** (sum w)² / sum w² over what was drawn (Kong 1992; Owen 2013, 9.3). */
  readonly effectiveSampleSize: number;
  /** What it should be, luck apart: decisions / mean of the expected w², exact from the probabilities. */
  readonly expectedSampleSize: number;
  readonly largestWeight: number;
  /** Its expectation is 1 when the logged probabilities are those that were drawn with. */
  readonly meanWeight: number;
  /** How far the mean weight is from its expectation, in its exact standard errors. */
  readonly meanWeightDeviation: number;
  /** Mean target probability on candidates that could not be drawn, or whose draws are never judged. */
  readonly unsupportedMass: number;
  /** Mean target probability on candidates so rare that nine of ten such logs hold no judged draw of any of them. */
  readonly unseenMass: number;
  /** Mean target probability that the cap on weights cuts off, luck apart. */
  readonly clippedMass: number;
}

export interface SupportLimits {
  readonly leastSampleSize: number;
  /** Share of the decisions. */
  readonly leastSampleShare: number;
  readonly mostUnsupportedMass: number;
  readonly mostUnseenMass: number;
  readonly mostMeanWeightDeviation: number;
}

export const defaultSupportLimits: SupportLimits = {
  // Below this the intervals cover less than they say, and are too wide to decide anything anyway.
  leastSampleSize: 20,
  leastSampleShare: 0.01,
  // The log is silent about this much of the policy: an error of up to so much of the rewards' range.
  mostUnsupportedMass: 0.01,
  mostUnseenMass: 0.05,
  // Chance alone takes a mean this far in about one of a million logs: the propensities are not what was drawn with.
  mostMeanWeightDeviation: 5,
};

export interface Refused {
  readonly kind: 'refused';
  /** For a person to read. */
  readonly reason: string;
}

export function supportOf(log: PreparedLog, { weights, target, cap }: ImportanceWeights): Support {
  const { decisions, seen, leastSeen } = log;
  let unsupported = 0;
  let unseen = 0;
  let clipped = 0;
  let kept = 0;
  let squares = 0;
  for (let at = 0; at < target.length; at++) {
    const wanted = target[at]!;
    if (wanted === 0) continue;
    const own = seen[at]!;
    if (own === 0) unsupported += wanted;
    else if (own < leastSeen) unseen += wanted;
    const weight = weightOf(wanted, own, cap);
    kept += own * weight;
    squares += own * weight * weight;
    if (own > 0) clipped += wanted - own * weight;
  }
  let sum = 0;
  let sumOfSquares = 0;
  let largestWeight = 0;
  for (const weight of weights) {
    sum += weight;
    sumOfSquares += weight * weight;
    largestWeight = Math.max(largestWeight, weight);
  }
  const rows = Math.max(1, decisions.length);
  const variance = Math.max(0, squares / rows - (kept / rows) ** 2) / rows;
  const distance = Math.abs(sum - kept) / rows;
  return {
    decisions: decisions.length,
    judged: log.judged,
    effectiveSampleSize: sumOfSquares > 0 ? sum ** 2 / sumOfSquares : 0,
    expectedSampleSize: squares > 0 ? kept ** 2 / squares : 0,
    largestWeight,
    meanWeight: sum / rows,
    // Rounding in sums of equal weights is no deviation.
    meanWeightDeviation: distance < 1e-9 ? 0 : distance / Math.sqrt(variance),
    unsupportedMass: unsupported / rows,
    unseenMass: unseen / rows,
    clippedMass: Math.max(0, clipped / rows),
  };
}

/** Why the log cannot speak of this policy; null when it can. */
export function refusalOf(support: Support, limits: SupportLimits): Refused | null {
  const refuse = (reason: string): Refused => ({ kind: 'refused', reason });
  if (support.judged === 0) return refuse(`none of ${support.decisions} logged decisions has a reward`);
  if (support.unsupportedMass > limits.mostUnsupportedMass) {
    return refuse(
      `${percent(support.unsupportedMass)} of the policy is on candidates that could not be drawn or are never judged (at most ${percent(limits.mostUnsupportedMass)})`,
    );
  }
  if (support.meanWeightDeviation > limits.mostMeanWeightDeviation) {
    return refuse(
      `the mean weight is ${support.meanWeight.toPrecision(3)}, ${support.meanWeightDeviation.toPrecision(2)} standard errors from what the logged propensities promise: they are not what was drawn with`,
    );
  }
  const sampleSize = Math.min(support.effectiveSampleSize, support.expectedSampleSize);
  const least = Math.max(limits.leastSampleSize, limits.leastSampleShare * support.decisions);
  if (sampleSize < least || sampleSize === 0) {
    return refuse(
      `effective sample size ${sampleSize.toPrecision(3)} of ${support.decisions} decisions, at least ${least.toPrecision(3)} is needed: log more decisions or raise the exploration floor`,
    );
  }
  if (support.unseenMass > limits.mostUnseenMass) {
    return refuse(
      `${percent(support.unseenMass)} of the policy is on candidates so improbable that no draw of such was to be expected in the whole log (at most ${percent(limits.mostUnseenMass)})`,
    );
  }
  return null;
}

function percent(share: number): string {
  return `${(100 * share).toPrecision(3)} %`;
}
