/** The deadline of a pending route: decided with what is there; scores without a request are forgotten. */
import type { Context, Result } from '../../lib/stream/define-service';
import type { PendingRoute } from '../../lib/topics/generated/messages';
import { collapse, isOpened } from './collapse';

/** Scores whose request never comes (it was decided long ago, or lost) must not stay for ever. */
const orphanMs = 10_000;

/** On collapse's own clock. */
export function deadlineMs(route: PendingRoute): number {
  return route.firstSeenMs + (route.opened ? route.opened.threadTimeoutMs : orphanMs);
}

export function expire(route: PendingRoute, context: Pick<Context, 'nowMs'>, cacheTtlMs: number): Result<PendingRoute> {
  return isOpened(route) ? collapse(route, context, cacheTtlMs) : { kind: 'done', state: null };
}
