import type { BudgetConfig } from '../../../lib/config/router-config';

/** A budget of a USD a month for every tenant. */
export function budgetOf(changes: Partial<BudgetConfig> = {}): BudgetConfig {
  return {
    name: 'month',
    scope: 'tenant',
    period: 'month',
    limitUsd: 1,
    limitTokens: null,
    limitCalls: null,
    softShare: 0.8,
    atSoft: 'warn',
    atLimit: 'refuse',
    pace: 'none',
    holdMs: 60_000,
    ...changes,
  };
}
