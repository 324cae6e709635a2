/**
 * The one function from what came of a call to what it was worth, in two steps:
 *
 *     quality = sum of weight * part / sum of weight                            0..1, null when nobody judged
 *     reward  = wq * quality - (wc / scale.costUsd + lambda) * costUsd - wl * latencyMs / scale.latencyMs
 *
 * The first step is made once, where an outcome meets its decision, under the weights in force then (`reward.weights`); the
 * log keeps its result. The second (`utility.ts`) is made wherever something is chosen or compared, under the request's own
 * preference (wq, wc, wl) and the budget's price lambda. In between everything that is learned is learned apart: quality
 * and cost by heads of their own, latency by the profiler. So another preference or price needs no new training.
 */

import { type UtilityWeights, utilityOf } from '../routing/judge/utility';
import type { RouteOutcome } from '../topics/generated/messages';

/** Weight of each part of a judgement, at least 0: `quality` is the outcome's own, any other the reward part of that name. */
export type RewardWeights = Readonly<Record<string, number>>;

/** A part without a weight counts like any other: what was reported is meant to count, until somebody says otherwise. */
const unlistedWeight = 1;

/**
 * Quality of an outcome, 0..1, or null where nobody judged; a missing judgement is never 0.
 * - SUCCESS, CANCELLED: the weighted mean of all parts given. Cancelling alone is no judgement.
 * - FAILURE, TIMEOUT: 0, whatever else was said. The caller got no answer.
 * - RATE_LIMITED: null. It says something of the provider's capacity (the breaker hears of it), nothing of an answer.
 */
export function qualityOf(
  outcome: Pick<RouteOutcome, 'status' | 'quality' | 'rewardParts'>,
  weights: RewardWeights,
): number | null {
  if (outcome.status === 'FAILURE' || outcome.status === 'TIMEOUT') return 0;
  if (outcome.status === 'RATE_LIMITED') return null;
  let sum = 0;
  let total = 0;
  const add = (name: string, value: number): void => {
    const weight = Object.hasOwn(weights, name) ? weights[name]! : unlistedWeight;
    sum += weight * value;
    total += weight;
  };
  if (outcome.quality !== null) add('quality', outcome.quality);
  for (const [name, value] of Object.entries(outcome.rewardParts)) add(name, value);
  // Parts of weight 0 are for the record: with nothing else, nobody has judged.
  return total > 0 ? sum / total : null;
}

/** What is known of a call once its parts have become a quality, as learning events carry it. */
export interface JudgedCall {
  /** 0..1; null when nobody judged. */
  readonly quality: number | null;
  /** USD; null when unknown. */
  readonly costUsd: number | null;
  /** Milliseconds; null when unknown. */
  readonly latencyMs: number | null;
}

/**
 * What a call was worth to its request, in units of utility; null where nobody judged. An unknown cost counts as the
 * expected one, an unknown latency as none.
 */
export function rewardOf(call: JudgedCall, weights: UtilityWeights, expectedCostUsd: number): number | null {
  if (call.quality === null) return null;
  return utilityOf(weights, call.quality, call.costUsd ?? expectedCostUsd, call.latencyMs ?? 0);
}
