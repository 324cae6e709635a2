/** What to try when the drawn model fails: the best first, but other providers before the same one again. */
import type { Candidate, Fallback } from '../../topics/generated/messages';

/** Reused from one decision to the next: with hundreds of candidates the room that sorting takes is more than what comes of it. */
interface Scratch {
  /** Utility of each candidate. */
  utilities: Float64Array;
  /** Candidates, the best first. */
  order: Int32Array;
  /** Where runs are merged to. */
  merged: Int32Array;
  /** Of each candidate. */
  rounds: Int32Array;
  /** Of each round: how many are in it, then where the next one of it goes. */
  places: Int32Array;
}

let scratch = scratchFor(0);

function scratchFor(count: number): Scratch {
  return {
    utilities: new Float64Array(count),
    order: new Int32Array(count),
    merged: new Int32Array(count),
    rounds: new Int32Array(count),
    places: new Int32Array(count + 1),
  };
}

/**
 * All other eligible candidates: each next one is of the provider named least so far (the drawn model counts), the one
 * of highest utility among those.
 *
 * So every round names each provider's best that is left, those of the drawn model's provider a round later: a candidate's
 * round is the number of better ones of its provider, and within a round the better ones come first.
 */
export function orderFallbacks(
  candidates: readonly Candidate[],
  utilities: readonly number[],
  chosen: number,
): Fallback[] {
  if (scratch.order.length < candidates.length) scratch = scratchFor(candidates.length);
  const count = sortByUtility(candidates, utilities, chosen);
  const { order, rounds, places } = scratch;
  places.fill(0, 0, count + 2);
  const named = new Map([[candidates[chosen]!.provider, 1]]);
  for (let at = 0; at < count; at++) {
    const { provider } = candidates[order[at]!]!;
    const round = named.get(provider) ?? 0;
    named.set(provider, round + 1);
    rounds[at] = round;
    places[round + 1]!++;
  }
  for (let round = 1; round <= count; round++) places[round]! += places[round - 1]!;
  const fallbacks = new Array<Fallback>(count);
  for (let at = 0; at < count; at++) {
    const { model, provider } = candidates[order[at]!]!;
    fallbacks[places[rounds[at]!]!++] = { model, provider };
  }
  return fallbacks;
}

/** Writes all other eligible candidates to `order`, the first of equal ones first, and returns how many there are. */
function sortByUtility(candidates: readonly Candidate[], given: readonly number[], chosen: number): number {
  let count = 0;
  for (let i = 0; i < candidates.length; i++) {
    scratch.utilities[i] = given[i]!;
    if (candidates[i]!.eligible && i !== chosen) scratch.order[count++] = i;
  }
  // Runs of twice the length each time: a merge keeps equal ones in their order.
  for (let run = 1; run < count; run *= 2) {
    for (let start = 0; start < count; start += 2 * run) merge(start, start + run, Math.min(count, start + 2 * run));
    const { order, merged } = scratch;
    scratch.order = merged;
    scratch.merged = order;
  }
  return count;
}

/** Merges the sorted runs [start, middle) and [middle, end) of `order` into `merged`. */
function merge(start: number, middle: number, end: number): void {
  const { utilities, order, merged } = scratch;
  let left = start;
  let right = middle;
  for (let at = start; at < end; at++) {
    const isLeft = right >= end || (left < middle && !(utilities[order[right]!]! > utilities[order[left]!]!));
    merged[at] = isLeft ? order[left++]! : order[right++]!;
  }
}
