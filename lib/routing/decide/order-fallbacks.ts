/** What to try when the drawn model fails: the best first, but other providers before the same one again. */
import type { Candidate, Fallback } from '../../topics/generated/messages';

/**
 * All other eligible candidates: each next one is of the provider named least so far (the drawn model counts), the one
 * of highest utility among those.
 */
export function orderFallbacks(
  candidates: readonly Candidate[],
  utilities: readonly number[],
  chosen: number,
): Fallback[] {
  const rest = candidates.flatMap((candidate, i) => (candidate.eligible && i !== chosen ? [i] : []));
  rest.sort((a, b) => utilities[b]! - utilities[a]! || a - b);
  const named = new Map([[candidates[chosen]!.provider, 1]]);
  const fallbacks: Fallback[] = [];
  while (rest.length > 0) {
    let next = 0;
    let least = Number.POSITIVE_INFINITY;
    for (let at = 0; at < rest.length && least > 0; at++) {
      const count = named.get(candidates[rest[at]!]!.provider) ?? 0;
      if (count >= least) continue;
      next = at;
      least = count;
    }
    const { model, provider } = candidates[rest.splice(next, 1)[0]!]!;
    named.set(provider, (named.get(provider) ?? 0) + 1);
    fallbacks.push({ model, provider });
  }
  return fallbacks;
}
