/** The deadline of a pending route: decided with what is there; scores without a request are forgotten. */
import type { Context, Result } from '../../lib/stream/define-service';
import type { PendingRoute } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { askAgainAtMs, askBudgets, releaseGrants, unanswered, waitsForBudgets } from './ask-budgets';
import { collapse } from './collapse';
import { isOpened } from './opened-route';

/** Scores whose request never comes (it was decided long ago, or lost) must not stay for ever. */
const orphanMs = 10_000;

/** On collapse's own clock. What waits for its budgets has no choice but to wait on. */
export function deadlineMs(route: PendingRoute): number {
  if (waitsForBudgets(route)) return askAgainAtMs(route);
  return route.firstSeenMs + (route.opened ? route.opened.threadTimeoutMs : orphanMs);
}

export function expire(route: PendingRoute, context: Pick<Context, 'nowMs' | 'alreadyEmitted'>): Result<PendingRoute> {
  // An earlier owner of the partition refused it, and was gone before it could commit that.
  if (context.alreadyEmitted(route.requestId, topics.routeRefused))
    return { kind: 'done', state: null, emit: route.opened ? releaseGrants(route.grants, route.opened, context) : [] };
  if (isOpened(route) && waitsForBudgets(route)) return unanswered(route, context) ?? askBudgets(route, context);
  return isOpened(route) ? collapse(route, context) : { kind: 'done', state: null };
}
