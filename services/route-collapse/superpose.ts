/** Takes in what comes of a request, in any order: its opened record and the scores of its groups. */
import type { Context, Result } from '../../lib/stream/define-service';
import type { BudgetGrant, PendingRoute, RouteOpened, StrategyScored } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { askBudgets, refusalOf, releaseGrants, waitsForBudgets } from './ask-budgets';
import { maxGroups, scoredFault, shortened } from './check-scored';
import { collapse, isComplete } from './collapse';
import { isOpened } from './opened-route';

type Place = Pick<Context, 'topic' | 'offset' | 'nowMs' | 'alreadyEmitted'>;

/** The request itself. Decided at once when nothing is to be waited for or everything has come before it. */
export function superpose(
  pending: PendingRoute | undefined,
  opened: RouteOpened,
  context: Place,
): Result<PendingRoute> {
  if (context.alreadyEmitted(opened.requestId)) return { kind: 'drop', reason: 'alreadyDecided' };
  if (pending?.opened) return { kind: 'drop', reason: 'duplicate' };
  if (!opened.candidates.some((candidate) => candidate.eligible)) {
    return { kind: 'deadLetter', reason: 'no candidate is eligible', field: 'candidates' };
  }
  const route = pending ?? nothingYet(opened.requestId, context.nowMs);
  const scored = route.scored.filter(({ group }) => opened.strategyGroups.includes(group));
  return next(
    { ...route, opened, scored, positions: { ...route.positions, [context.topic]: context.offset } },
    context,
  );
}

/** One group's scores. They may come before the request; the first of a group counts. */
export function addScore(
  pending: PendingRoute | undefined,
  scored: StrategyScored,
  context: Place,
): Result<PendingRoute> {
  if (context.alreadyEmitted(scored.requestId)) return { kind: 'drop', reason: 'late' };
  const fault = scoredFault(scored);
  if (fault) return { kind: 'deadLetter', reason: `${fault.field} ${fault.reason}`, field: fault.field };
  const route = pending ?? nothingYet(scored.requestId, context.nowMs);
  const asked = route.opened?.strategyGroups.includes(scored.group) ?? route.scored.length < maxGroups;
  if (!asked) return { kind: 'drop', reason: 'not-asked' };
  if (route.scored.some((other) => other.group === scored.group)) return { kind: 'drop', reason: 'duplicate' };
  const positions = { ...route.positions, [`${context.topic}/${scored.group}`]: context.offset };
  return next(
    { ...route, scored: [...route.scored, shortened(scored)], positions, lastScoredAtMs: context.nowMs },
    context,
  );
}

/** What one budget answers. The first answer of an account counts. */
export function addGrant(pending: PendingRoute | undefined, grant: BudgetGrant, context: Place): Result<PendingRoute> {
  if (context.alreadyEmitted(grant.requestId, topics.routeDecided)) return { kind: 'drop', reason: 'late' };
  // Refused, or not yet read again after a restart, and then asked anew: nothing may stay reserved for it.
  const isRefused = context.alreadyEmitted(grant.requestId, topics.routeRefused);
  if (isRefused || !pending?.opened) return { kind: 'done', emit: releaseGrants([grant], grant, context) };
  const isAsked = pending.opened.budgets.some(({ account }) => account === grant.account);
  if (!isAsked) return { kind: 'drop', reason: 'not-asked' };
  if (pending.grants.some(({ account }) => account === grant.account)) return { kind: 'drop', reason: 'duplicate' };
  return next({ ...pending, grants: [...pending.grants, grant] }, context);
}

function next(route: PendingRoute, context: Place): Result<PendingRoute> {
  if (!isOpened(route)) return { kind: 'done', state: route };
  const refused = refusalOf(route, context);
  if (refused) return refused;
  if (waitsForBudgets(route)) return route.asks === 0 ? askBudgets(route, context) : { kind: 'done', state: route };
  const isDue = context.nowMs >= route.firstSeenMs + route.opened.threadTimeoutMs;
  return isDue || isComplete(route) ? collapse(route, context) : { kind: 'done', state: route };
}

function nothingYet(requestId: string, nowMs: number): PendingRoute {
  return {
    requestId,
    opened: null,
    scored: [],
    firstSeenMs: nowMs,
    positions: {},
    lastScoredAtMs: 0,
    grants: [],
    asks: 0,
  };
}
