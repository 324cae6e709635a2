/** The budgets of a pending route: asked when it is first seen and again while they do not answer, and told what became of it. */
import { refuse } from '../../lib/budgets/refuse';
import { costRange } from '../../lib/routing/decide/apply-grants';
import { type Context, type Emit, emit, type Result } from '../../lib/stream/define-service';
import type { BudgetEvent, BudgetGrant, PendingRoute, RouteDecided } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import type { OpenedRoute } from './opened-route';

/**
 * Times since the request was first seen. A record may be lost with the process that wrote it, a partition may be moving, and
 * at the end of a budget there is no answer while others decide: so it is asked again. Whether a budget allows it nobody else
 * can say: after the last time the request is refused. A gateway waits a little longer than that.
 */
const askAgainAfterMs = [100, 300, 1_000, 2_000] as const;

type Now = Pick<Context, 'nowMs'>;
type Asking = Pick<BudgetGrant, 'requestId' | 'routingKey'>;

export function waitsForBudgets({ opened, grants }: PendingRoute): boolean {
  return opened !== null && opened.budgets.length > grants.length;
}

/** When it is next asked, or given up. */
export function askAgainAtMs({ firstSeenMs, asks }: PendingRoute): number {
  return firstSeenMs + (askAgainAfterMs[asks - 1] ?? askAgainAfterMs.at(-1)!);
}

/** Asks the accounts that have not answered. */
export function askBudgets(route: OpenedRoute, { nowMs }: Now): Result<PendingRoute> & { kind: 'done' } {
  const { opened, grants } = route;
  const costs = costRange(opened);
  const asked = opened.budgets.filter(({ account }) => !grants.some((grant) => grant.account === account));
  return {
    kind: 'done',
    state: { ...route, asks: route.asks + 1 },
    emit: asked.map((terms) => toAccount(terms.account, opened, 'ASKED', nowMs, { terms, ...costs })),
  };
}

/** Null while there is no reason to refuse it. */
export function refusalOf(route: OpenedRoute, context: Now): (Result<PendingRoute> & { kind: 'done' }) | null {
  const no = route.grants.find(({ verdict }) => verdict === 'REFUSED' || verdict === 'ASK');
  return no ? refused(route, no, context) : null;
}

/** The accounts did not answer in time. */
export function unanswered(route: OpenedRoute, context: Now): (Result<PendingRoute> & { kind: 'done' }) | null {
  return route.asks >= askAgainAfterMs.length ? refused(route, null, context) : null;
}

function refused(route: OpenedRoute, no: BudgetGrant | null, { nowMs }: Now): Result<PendingRoute> & { kind: 'done' } {
  const { opened } = route;
  const silent = opened.budgets.find(({ account }) => !route.grants.some((grant) => grant.account === account));
  const record = refuse(
    opened,
    {
      code: no === null ? 'budget_unknown' : no.verdict === 'ASK' ? 'budget_approval_needed' : 'budget_exhausted',
      account: no?.account ?? silent?.account ?? '',
      reason: no?.reason ?? `whether the budget ${silent?.budget ?? ''} allows it could not be found out in time`,
      retryAtMs: no?.retryAtMs ?? null,
    },
    nowMs,
  );
  return { kind: 'done', state: null, emit: [record, ...releaseGrants(route.grants, opened, { nowMs })] };
}

/** Tells the accounts what the decision is expected to cost. */
export function takeBudgets(
  { opened, grants }: OpenedRoute,
  decision: Pick<RouteDecided, 'model'>,
  { nowMs }: Now,
): Emit[] {
  if (grants.length === 0) return [];
  const usd = opened.candidates.find(({ model }) => model === decision.model)?.expectedCostUsd ?? null;
  return grants.map((grant) => toAccount(grant.account, opened, 'TAKEN', nowMs, { usd }));
}

/** What was reserved for a request that will not be decided. */
export function releaseGrants(grants: readonly BudgetGrant[], request: Asking, { nowMs }: Now): Emit[] {
  return grants
    .filter(({ verdict }) => verdict === 'GRANTED' || verdict === 'CHEAPEST')
    .map(({ account }) => toAccount(account, request, 'RELEASED', nowMs));
}

function toAccount(
  account: string,
  { requestId, routingKey }: Asking,
  kind: BudgetEvent['kind'],
  atMs: number,
  says: Partial<Pick<BudgetEvent, 'terms' | 'cheapestUsd' | 'dearestUsd' | 'usd'>> = {},
): Emit {
  return emit(topics.budgetEvents, {
    account,
    requestId,
    kind,
    routingKey,
    terms: null,
    cheapestUsd: 0,
    dearestUsd: 0,
    usd: null,
    tokens: null,
    reportId: '',
    atMs,
    ...says,
  });
}
