/** Whether a model that joins is adopted where it is better, or left where it is worse, when, and what trying it costs. */

/** Of one request: the probability of the newcomer, and what it is worth less than the best of the others (below 0: more). */
export interface Tried {
  readonly share: number;
  readonly lessThanBest: number;
}

export interface Fate {
  /** To most requests it is worth more than the best of the others. */
  readonly isBetter: boolean;
  /** Requests from its joining until it had most of those it is better for, or next to none of the others; null: never. */
  readonly settledAfter: number | null;
  /** Utility lost by it, over all requests. */
  readonly costs: number;
}

/** Requests over which shares are looked at. */
const window = 20;
const adoptedShare = 0.5;
const leftShare = 0.05;

export function newcomerFate(tried: readonly Tried[]): Fate {
  const isBetter = tried.filter(({ lessThanBest }) => lessThanBest < 0).length > tried.length / 2;
  const telling = tried.map(({ share, lessThanBest }) => (lessThanBest < 0 === isBetter ? share : null));
  // Looked at backwards: what has settled stays so to the end.
  let settledAfter: number | null = null;
  for (let at = tried.length - window; at >= 0; at--) {
    const shares = telling.slice(at, at + window).filter((share) => share !== null);
    const mean = shares.reduce((sum, share) => sum + share, 0) / Math.max(1, shares.length);
    if (shares.length > 0 && (isBetter ? mean < adoptedShare : mean > leftShare)) break;
    settledAfter = at;
  }
  const costs = tried.reduce((sum, { share, lessThanBest }) => sum + share * Math.max(0, lessThanBest), 0);
  return { isBetter, settledAfter, costs };
}
