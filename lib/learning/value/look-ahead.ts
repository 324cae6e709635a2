/**
 * Where a value is more than a reward: with a session discount the network says of a session's request what it earns and
 * what it leaves to those after it. Whoever compares predictions with single rewards has to leave these out.
 */
import type { FoldParts } from '../fold/learner-state';
import type { ReplayRow } from '../fold/replay';

/** Requests that a value looks ahead at most, for bounds of what is possible: later ones hardly depend on this one. */
const mostRequests = 10;

/** Whether values of this row's request include what follows it. */
export function looksAhead({ options }: Pick<FoldParts, 'options'>, row: Pick<ReplayRow, 'eligible'>): boolean {
  return row.eligible !== null && options.config.sessionDiscount > 0;
}

/** How many rewards a value may sum up. */
export function reachOf({ options }: Pick<FoldParts, 'options'>): number {
  return Math.min(mostRequests, 1 / Math.max(1 / mostRequests, 1 - options.config.sessionDiscount));
}
