/** The least probability of each candidate. Collapse draws with it, and the learner counts on it when it paces spending. */

/** Exploration may spend at most this share of the budget. */
const explorationShare = 0.02;

/**
 * Per eligible candidate: its even share of `explorationFloor`, less for one so dear that exploring it would eat the budget.
 * `budgetUsd` and `costsUsd` are per request; `null` is no budget, a cost of 0 is an unknown one.
 */
export function budgetedFloors(
  explorationFloor: number,
  budgetUsd: number | null,
  costsUsd: readonly number[],
): number[] {
  const share = 1 / Math.max(1, costsUsd.length);
  return costsUsd.map((costUsd) => {
    const even = explorationFloor * share;
    return budgetUsd === null || costUsd <= 0 ? even : Math.min(even, (explorationShare * budgetUsd * share) / costUsd);
  });
}
