/** Takes in what comes of a request, in any order: its opened record and the scores of its groups. */
import type { Context, Result } from '../../lib/stream/define-service';
import type { PendingRoute, RouteOpened, StrategyScored } from '../../lib/topics/generated/messages';
import { maxGroups, scoredFault, shortened } from './check-scored';
import { collapse, isComplete, isOpened } from './collapse';

type Place = Pick<Context, 'topic' | 'offset' | 'nowMs' | 'alreadyEmitted'>;

/** The request itself. Decided at once when nothing is to be waited for or everything has come before it. */
export function superpose(
  pending: PendingRoute | undefined,
  opened: RouteOpened,
  context: Place,
  cacheTtlMs: number,
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
    cacheTtlMs,
  );
}

/** One group's scores. They may come before the request; the first of a group counts. */
export function addScore(
  pending: PendingRoute | undefined,
  scored: StrategyScored,
  context: Place,
  cacheTtlMs: number,
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
    cacheTtlMs,
  );
}

function next(route: PendingRoute, context: Place, cacheTtlMs: number): Result<PendingRoute> {
  return isOpened(route) && isComplete(route) ? collapse(route, context, cacheTtlMs) : { kind: 'done', state: route };
}

function nothingYet(requestId: string, nowMs: number): PendingRoute {
  return { requestId, opened: null, scored: [], firstSeenMs: nowMs, positions: {}, lastScoredAtMs: 0 };
}
