/** Collapses one request: from what has come of its threads to the decision. */
import { replyToHeader } from '../../lib/client/router-client';
import { recomputeDecision } from '../../lib/routing/decide/decide';
import { isHit } from '../../lib/routing/open/is-hit';
import { type Context, emit, type Result } from '../../lib/stream/define-service';
import type { PendingRoute, StagesMs } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { takeBudgets } from './ask-budgets';
import type { OpenedRoute } from './opened-route';

/** Nothing more is to come: every group has scored, or there is nothing to wait for. */
export function isComplete({ opened, scored }: OpenedRoute): boolean {
  if (isHit(opened) || opened.strategies.length === 0) return true;
  return opened.strategyGroups.every((group) => scored.some((score) => score.group === group));
}

/** Decides with the threads that are there. The row goes. */
export function collapse(
  route: OpenedRoute,
  context: Pick<Context, 'nowMs'>,
): Extract<Result<PendingRoute>, { kind: 'done' }> {
  const { opened } = route;
  const decision = recomputeDecision(
    opened,
    route.scored.flatMap((scored) => scored.threads),
    route.grants,
  );
  // It was made for this call alone, so it is completed instead of copied.
  const decided = Object.assign(decision, {
    stagesMs: stagesOf(route, context.nowMs),
    positions: route.positions,
    decidedAtMs: context.nowMs,
  });
  const headers = opened.replyTo === null ? {} : { headers: { [replyToHeader]: opened.replyTo } };
  return {
    kind: 'done',
    state: null,
    emit: [emit(topics.routeDecided, decided, headers), ...takeBudgets(route, decision, context)],
  };
}

/** Clocks of different machines may disagree: no stage is below 0. */
function stagesOf({ opened, lastScoredAtMs }: OpenedRoute, nowMs: number): StagesMs {
  const scoredAtMs = lastScoredAtMs > 0 ? lastScoredAtMs : nowMs;
  return {
    queued: Math.max(0, opened.openedAtMs - opened.requestedAtMs),
    intake: opened.intakeMs,
    strategies: Math.max(0, scoredAtMs - opened.openedAtMs),
    collapse: Math.max(0, nowMs - scoredAtMs),
    total: Math.max(0, nowMs - opened.requestedAtMs),
  };
}
