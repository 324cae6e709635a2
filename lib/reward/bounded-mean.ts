/**
 * How far one report may move an expectation. Anybody who knows a decision's id may report any number, and what is capped
 * when it is reported (`plausible-outcome.ts`) may still be a thousand times too much: sums have to take that, since such
 * calls exist, but what is expected of the next call must not follow one report. So an expectation rises by a share of
 * itself at most. That is a bound on the step and not on the figure: among many reports one weighs little, and then calls far
 * off the mean count in full, as a mean needs them to; and who is a hundred times dearer than declared is known to be so
 * after some ten or twenty reports in a row. Downwards a mean of amounts needs no such bound: it never falls below what
 * the other reports say.
 */

/** An expectation rises by so much of itself at most, at one report. */
const mostRise = 0.25;

/** A mean of amounts, drawn towards what is thought beforehand. */
export interface ExpectedAmount {
  readonly mean: number;
  /** Of the reports that it is of, the new one left out. */
  readonly weight: number;
  /** What is thought beforehand, and of how many reports that counts. */
  readonly prior: number;
  readonly priorWeight: number;
}

/** The figure as it may go into the mean, with weight 1: what was said, or as much as lets the expectation rise by its share. */
export function boundedAmount(said: number, { mean, weight, prior, priorWeight }: ExpectedAmount): number {
  const total = weight + priorWeight;
  const expected = (mean * weight + prior * priorWeight) / total;
  return Math.min(said, expected * (1 + mostRise * (total + 1)));
}
