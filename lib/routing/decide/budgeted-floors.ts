/** What a budget leaves of exploration: of the floor under every candidate, and of the even shares of a cold start. */
import type { RouteOpened } from '../../topics/generated/messages';
import { normalised } from '../judge/distribution';

/** Exploration may spend at most this share of the budget. */
const explorationShare = 0.02;

/** In a cold start a candidate's even share may cost so many times its part of the budget. */
const coldStartBudgets = 4;

/**
 * Collapse draws with these floors, and the learner counts on them when it paces spending. Per eligible candidate: its even share of `explorationFloor`, less for one so dear that exploring it would eat the budget.
 * `budgetUsd` and `costsUsd` are per request; `null` is no budget, a cost of 0 is an unknown one.
 */
export function budgetedFloors(
  explorationFloor: number,
  budgetUsd: number | null,
  costsUsd: readonly number[],
): number[] {
  return costsUsd.map((costUsd) => budgetedFloor(explorationFloor, budgetUsd, costsUsd.length, costUsd));
}

/** The floor of one of so many eligible candidates, by what it is expected to cost. */
export function budgetedFloor(
  explorationFloor: number,
  budgetUsd: number | null,
  eligible: number,
  costUsd: number,
): number {
  const share = 1 / Math.max(1, eligible);
  const even = explorationFloor * share;
  return budgetUsd === null || costUsd <= 0 ? even : Math.min(even, (explorationShare * budgetUsd * share) / costUsd);
}

/**
 * The distribution of a cold start: even, but less for a candidate known to be so dear that a few calls of it would eat
 * the budget of hundreds of requests. All zero when nobody is eligible.
 */
export function coldStartShares({
  candidates,
  budgetUsdPerRequest,
}: Pick<RouteOpened, 'candidates' | 'budgetUsdPerRequest'>): number[] {
  const weights = candidates.map(({ eligible, expectedCostUsd }) => {
    if (!eligible) return 0;
    if (budgetUsdPerRequest === null || expectedCostUsd <= 0) return 1;
    return Math.min(1, (coldStartBudgets * budgetUsdPerRequest) / expectedCostUsd);
  });
  return weights.some((weight) => weight > 0) ? normalised(weights) : weights;
}
