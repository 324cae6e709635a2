/** Counts what budgets answer and are charged, by budget: owners of accounts are too many for labels. */
import type { Result } from '../../lib/stream/define-service';
import type { Count, Metrics } from '../../lib/telemetry/metrics';
import type { BudgetAccount, BudgetGrant } from '../../lib/topics/generated/messages';

export function createGrantCounter(metrics: Metrics): (grant: BudgetGrant) => void {
  return ({ budget, verdict, state, pricePerUsd }) => {
    metrics.count('quantum_router_budget_grants_total', { budget, verdict, level: state });
    if (pricePerUsd > 0) metrics.count('quantum_router_budget_paced_total', { budget });
  };
}

/** The result with what it charges the account, to be counted. */
export function withCharges(before: BudgetAccount | undefined, result: Result<BudgetAccount>): Result<BudgetAccount> {
  if (result.kind !== 'done') return result;
  const after = result.state;
  if (!before || !after || after.periodStartMs !== before.periodStartMs) return result;
  const labels = { budget: after.terms.budget };
  const grown: readonly (Count & { readonly by: number })[] = [
    { name: 'quantum_router_budget_spent_usd_total', labels, by: after.spentUsd - before.spentUsd },
    { name: 'quantum_router_budget_beyond_reserved_usd_total', labels, by: after.beyondUsd - before.beyondUsd },
    { name: 'quantum_router_budget_unreported_total', labels, by: after.unreported - before.unreported },
  ];
  return { ...result, counts: grown.filter(({ by }) => by > 0) };
}
