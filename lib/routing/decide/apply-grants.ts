/** What the budgets of a request leave of its candidates: none dearer than was granted, and always the cheapest. */
import type { BudgetGrant, Candidate, RouteOpened } from '../../topics/generated/messages';
import type { Bar } from '../open/bar';
import { barredBy } from '../open/eligibility';

/** The opened event as it is drawn from; the same one where no budget bars anybody. */
export function applyGrants(opened: RouteOpened, grants: readonly BudgetGrant[]): RouteOpened {
  if (grants.length === 0) return opened;
  const { candidates } = opened;
  const cheapest = cheapestOf(candidates);
  const barred = candidates.map((candidate, i) => {
    if (!candidate.eligible || i === cheapest) return candidate;
    for (const grant of grants) {
      const bar = barOf(candidate, grant);
      if (bar !== null) return barredBy(candidate, bar);
    }
    return candidate;
  });
  return barred.every((candidate, i) => candidate === candidates[i]) ? opened : { ...opened, candidates: barred };
}

/** Expected costs of the eligible candidates, in USD; 0 where there is none. */
export function costRange({ candidates }: Pick<RouteOpened, 'candidates'>): {
  cheapestUsd: number;
  dearestUsd: number;
} {
  const costs = candidates.filter(({ eligible }) => eligible).map(({ expectedCostUsd }) => expectedCostUsd);
  return costs.length === 0
    ? { cheapestUsd: 0, dearestUsd: 0 }
    : { cheapestUsd: Math.min(...costs), dearestUsd: Math.max(...costs) };
}

function cheapestOf(candidates: readonly Candidate[]): number {
  let best = -1;
  for (const [i, { eligible, expectedCostUsd }] of candidates.entries())
    if (eligible && (best < 0 || expectedCostUsd < candidates[best]!.expectedCostUsd)) best = i;
  return best;
}

function barOf({ expectedCostUsd }: Candidate, { budget, verdict, grantedUsd }: BudgetGrant): Bar | null {
  if (verdict === 'CHEAPEST') return { field: 'budgets', kind: 'cheapestOnly', budget };
  if (grantedUsd === null || expectedCostUsd <= grantedUsd) return null;
  return { field: 'budgets', kind: 'overGranted', budget, expectedUsd: expectedCostUsd, grantedUsd };
}
