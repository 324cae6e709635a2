/** Which budgets a request is under, and on which terms: the configuration as it is when the request is opened. */
import type { BudgetConfig } from '../config/router-config';
import type { BudgetState, BudgetTerms } from '../topics/generated/messages';
import { userKey } from '../topics/user-key';
import { paceOf } from './pace';

/** Who asks, as far as the request says. */
export interface Spender {
  readonly tenantId: string | null;
  readonly userId: string | null;
  readonly sessionId: string | null;
  /** Somebody has agreed to spend more where a budget asks for that. */
  readonly budgetApproved: boolean | null;
}

const none: readonly BudgetTerms[] = [];

/**
 * `tokens`: expected of the request, read and written. `stateOf`: how an account stood lately, which sets the price of budgets
 * that are paced. In the order of the configuration.
 */
export function termsOf(
  budgets: readonly BudgetConfig[],
  spender: Spender,
  tokens: number,
  nowMs: number,
  stateOf: (account: string) => BudgetState | undefined = () => undefined,
): readonly BudgetTerms[] {
  if (budgets.length === 0) return none;
  return budgets.flatMap((budget) => {
    const owner = ownerOf(budget, spender);
    if (owner === null) return [];
    const terms = oneOf(budget, owner, spender, tokens, nowMs);
    return [budget.pace === 'even' ? { ...terms, pricePerUsd: priceOf(terms, stateOf(terms.account), nowMs) } : terms];
  });
}

/** Null where the budget does not concern the request. */
function ownerOf(budget: BudgetConfig, { tenantId, userId, sessionId }: Spender): string | null {
  const ids = { tenant: tenantId, user: userId, session: sessionId };
  const id = ids[budget.scope];
  if (id === null || (budget.of !== undefined && budget.of !== id)) return null;
  return budget.scope === 'user' ? userKey(tenantId, id) : id;
}

function oneOf(
  budget: BudgetConfig,
  owner: string,
  { budgetApproved }: Spender,
  tokens: number,
  nowMs: number,
): BudgetTerms {
  const { name, scope, limitUsd, limitTokens, limitCalls, softShare, atSoft, atLimit, holdMs } = budget;
  const { startMs, endMs } = periodAt(budget.period, nowMs);
  return {
    account: `${name}/${owner}`,
    budget: name,
    scope,
    owner,
    limitUsd,
    limitTokens,
    limitCalls,
    softShare,
    atSoft,
    atLimit: atLimit === 'ask' && budgetApproved === true ? 'approved' : atLimit,
    periodStartMs: startMs,
    periodEndMs: endMs,
    holdMs,
    tokens,
    pricePerUsd: 0,
  };
}

/** What was spent in another period says nothing of this one. */
function priceOf({ limitUsd, periodStartMs }: BudgetTerms, state: BudgetState | undefined, nowMs: number): number {
  if (!state || state.periodStartMs !== periodStartMs) return 0;
  return paceOf({ ...state, limitUsd }, nowMs)?.pricePerUsd ?? 0;
}

/** The budget that an account belongs to. */
export function budgetOf(account: string): string {
  return account.slice(0, Math.max(0, account.indexOf('/')));
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;

/** Of the calendar, in UTC: everybody's month ends at the same moment. */
function periodAt(period: BudgetConfig['period'], nowMs: number): { startMs: number; endMs: number | null } {
  switch (period) {
    case 'hour':
    case 'day': {
      const lengthMs = period === 'hour' ? hourMs : dayMs;
      const startMs = Math.floor(nowMs / lengthMs) * lengthMs;
      return { startMs, endMs: startMs + lengthMs };
    }
    case 'month': {
      const date = new Date(nowMs);
      const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
      return { startMs: Date.UTC(year, month), endMs: Date.UTC(year, month + 1) };
    }
    case 'none':
      return { startMs: 0, endMs: null };
  }
}
