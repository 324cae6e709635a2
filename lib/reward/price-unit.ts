/**
 * What a learned cost ratio means. It is cost divided by the price factor of its request, so that a price change needs no
 * relearning; but that holds only as long as the factor keeps its unit. Where a price appears, disappears or is corrected by
 * orders of magnitude, what calls cost has not changed: then the cost itself is kept, and not the ratio.
 */

/** Price factor of a model without a price: its ratios are costs in USD. */
export const unpricedFactor = 1;

/** No real price changes by more: this is tokens instead of millions of tokens, cents instead of dollars. */
const largestPriceChange = 100;

/** A ratio learned at one price factor, as it is to be multiplied by the factor now. */
export function ratioAt(ratio: number, learnedFactor: number, factorNow: number): number {
  return isSameUnit(learnedFactor, factorNow) ? ratio : (ratio * learnedFactor) / factorNow;
}

function isSameUnit(a: number, b: number): boolean {
  if ((a === unpricedFactor) !== (b === unpricedFactor)) return false;
  return Math.max(a, b) <= largestPriceChange * Math.min(a, b);
}
