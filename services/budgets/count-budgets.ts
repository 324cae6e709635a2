/** Counts what budgets answer and are charged, by budget: owners of accounts are too many for labels. */
import type { Result } from '../../lib/stream/define-service';
import type { Metrics } from '../../lib/telemetry/metrics';
import type { BudgetAccount, BudgetGrant } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';

export function createBudgetCounter(
  metrics: Metrics,
): (before: BudgetAccount | undefined, result: Result<BudgetAccount>) => void {
  return (before, result) => {
    if (result.kind !== 'done') return;
    for (const { topic, value } of result.emit ?? []) {
      if (topic.name !== topics.budgetGrants.name) continue;
      const { budget, verdict, state, pricePerUsd } = value as BudgetGrant;
      metrics.count('quantum_router_budget_grants_total', { budget, verdict, level: state });
      if (pricePerUsd > 0) metrics.count('quantum_router_budget_paced_total', { budget });
    }
    const after = result.state;
    if (!before || !after || after.periodStartMs !== before.periodStartMs) return;
    const { budget } = after.terms;
    const grown = (by: number, count: (by: number) => void): void => {
      if (by > 0) count(by);
    };
    grown(after.spentUsd - before.spentUsd, (by) =>
      metrics.count('quantum_router_budget_spent_usd_total', { budget }, by),
    );
    grown(after.beyondUsd - before.beyondUsd, (by) =>
      metrics.count('quantum_router_budget_beyond_reserved_usd_total', { budget }, by),
    );
    grown(after.unreported - before.unreported, (by) =>
      metrics.count('quantum_router_budget_unreported_total', { budget }, by),
    );
  };
}
