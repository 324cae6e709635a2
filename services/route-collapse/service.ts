/** The declaration of route-collapse: opened requests and scores in, one decision per request out, by the deadline. */
import { createRefusalCounter } from '../../lib/budgets/count-refusal';
import { defineService, due, on, type ServiceDefinition, whenWritten } from '../../lib/stream/define-service';
import type { Metrics } from '../../lib/telemetry/metrics';
import type {
  BudgetGrant,
  PendingRoute,
  RouteDecided,
  RouteOpened,
  RouteRefused,
  StrategyScored,
} from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { createDecisionCounter } from './count-decisions';
import { deadlineMs, expire } from './expire';
import { addGrant, addScore, superpose } from './superpose';

export interface RouteCollapseOptions {
  /** Requests being decided per partition; at this many no more are taken in until some are decided. */
  readonly maxPendingRoutes: number;
  readonly metrics: Metrics;
}

/** Decisions, and refusals, per partition that are recognised when their records come again. */
const maxRememberedDecisions = 20_000;

export function createRouteCollapse(options: RouteCollapseOptions): ServiceDefinition {
  const { maxPendingRoutes, metrics } = options;
  return defineService({
    group: 'route-collapse',
    inputs: [
      on<RouteOpened, PendingRoute>(
        topics.routeOpened,
        (pending, opened, context) => superpose(pending, opened, context),
        { stateKey: (opened) => opened.requestId },
      ),
      on<StrategyScored, PendingRoute>(
        topics.strategyScored,
        (pending, scored, context) => addScore(pending, scored, context),
        { stateKey: (scored) => scored.requestId },
      ),
      on<BudgetGrant, PendingRoute>(
        topics.budgetGrants,
        (pending, grant, context) => addGrant(pending, grant, context),
        { stateKey: (grant) => grant.requestId },
      ),
      due<PendingRoute>((route, context) => expire(route, context)),
    ],
    outputs: [topics.routeDecided, topics.routeRefused, topics.budgetEvents],
    table: {
      topic: topics.pendingRoutes,
      dueAtMs: deadlineMs,
      maxRows: maxPendingRoutes,
      pauseWhenFull: [topics.routeOpened],
      rowsKeepTrace: true,
    },
    whenWritten: [
      whenWritten(topics.routeDecided, createDecisionCounter(metrics)),
      whenWritten(topics.routeRefused, createRefusalCounter(metrics)),
    ],
    // Who was told that a request is refused is not told later where it goes: budgets, and the caller, go by the first answer.
    ownOutput: {
      topics: [topics.routeDecided, topics.routeRefused],
      idOf: (answered: Pick<RouteDecided | RouteRefused, 'requestId'>) => answered.requestId,
      idFields: ['requestId'],
      maxIds: maxRememberedDecisions,
    },
  });
}
