/** What to try when the drawn model fails: the best first, but other providers before the same one again. */
import type { Candidate, Fallback } from '../../topics/generated/messages';

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
  const order: number[] = [];
  for (let i = 0; i < candidates.length; i++) if (candidates[i]!.eligible && i !== chosen) order.push(i);
  order.sort((a, b) => utilities[b]! - utilities[a]! || a - b);
  const named = new Map([[candidates[chosen]!.provider, 1]]);
  const rounds: Fallback[][] = [];
  for (const i of order) {
    const { model, provider } = candidates[i]!;
    const round = named.get(provider) ?? 0;
    named.set(provider, round + 1);
    while (rounds.length <= round) rounds.push([]);
    rounds[round]!.push({ model, provider });
  }
  return rounds.flat();
}
