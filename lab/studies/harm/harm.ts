/** How far a run fell behind the static rules, from request to request. */

export interface Harm {
  /** Mean utility so far as a share of the static rules', at its least from the second hundred on; NaN for shorter runs. */
  readonly leastShare: number;
  /** Requests after which it was so. */
  readonly leastAt: number;
  /** Per request, over all of them. */
  readonly meanUtility: number;
  /** Of the static rules. */
  readonly rules: number;
  readonly utilities: Float64Array;
}

const everyRequests = 100;
const firstLook = 200;

/** Utilities per request, in the same order. */
export function harmOf(utilities: Float64Array, rules: Float64Array): Harm {
  let sum = 0;
  let rulesSum = 0;
  let leastShare = Number.NaN;
  let leastAt = 0;
  for (let i = 0; i < utilities.length; i++) {
    sum += utilities[i]!;
    rulesSum += rules[i]!;
    const played = i + 1;
    if (played < firstLook || played % everyRequests > 0) continue;
    const share = sum / rulesSum;
    if (leastAt > 0 && share >= leastShare) continue;
    leastShare = share;
    leastAt = played;
  }
  return { leastShare, leastAt, meanUtility: sum / utilities.length, rules: rulesSum / utilities.length, utilities };
}

/** Of the requests from one to another (exclusive). */
export function meanBetween(utilities: Float64Array, from: number, to: number): number {
  return utilities.subarray(from, to).reduce((sum, utility) => sum + utility, 0) / (to - from);
}
