/**
 * Asks the engine behind the door which models to call, in which order. Where it does not answer in time the configured
 * order stands in: a call is worth more than the best choice of model for it.
 */
import type { Context } from '@opentelemetry/api';
import { termsOf } from '../../../lib/budgets/terms-of';
import { BudgetRefusedError, DecisionTimeoutError, RequestRefusedError } from '../../../lib/client/router-client';
import type { CurrentConfig } from '../../../lib/config/current-config';
import { RecordTooLargeError } from '../../../lib/ports/broker';
import { eligibilityOf } from '../../../lib/routing/open/eligibility';
import { contentHashOf } from '../../../lib/topics/content-hash';
import type { RouteDecided, RouteRequested } from '../../../lib/topics/generated/messages';
import { checkRequest } from '../decisions/check-request';
import { admissionsNow, asIntakeSees, candidatesNow } from '../decisions/expect-candidates';
import { routeOnce } from '../decisions/route-once';
import type { GatewayContext } from '../endpoint';
import { budgetRefused, HttpError, noEligibleCandidate } from '../http/http-error';
import { createTurns } from './take-turns';

export interface ModelOrder {
  /** Null where the configured order stands in. */
  readonly decision: RouteDecided | null;
  /** Names of models, the first to be called first. */
  readonly models: readonly string[];
  /** Why the engine has no say in it; null where it has. */
  readonly degraded: 'not-ready' | 'overloaded' | 'no-decision' | 'log-unavailable' | null;
}

export interface EngineAsker {
  /** Throws an HttpError where the request can never be served under this configuration. */
  ask(request: RouteRequested, current: CurrentConfig, traced: Context): Promise<ModelOrder>;
}

/** After so many calls in a row without a decision it is waited no longer than for the threads, until one comes again. */
const patientMisses = 3;

export function createEngineAsker(context: GatewayContext): EngineAsker {
  const { settings, underWay } = context;
  const turns = createTurns(context.clock, settings.callsAtOnce);
  let misses = 0;
  let wasReady = false;

  const without = (degraded: ModelOrder['degraded'], request: RouteRequested, current: CurrentConfig): ModelOrder => {
    // Only the engine knows what is left of a budget, and a call that nobody has reserved for could overspend it.
    const [budget] = termsOf(current.config.budgets, request, 0, context.clock.nowMs());
    if (budget)
      throw new HttpError('budget_unknown', `the engine cannot say now whether the budget ${budget.budget} allows it`);
    return { decision: null, models: configuredOrder(context, current, request), degraded };
  };

  return {
    async ask(request, current, traced) {
      checkRequest(context, current, request);
      if (!wasReady) {
        if (context.waitingFor().length > 0) return without('not-ready', request, current);
        wasReady = true;
      }
      const threadsMs = request.threadTimeoutMs ?? current.config.threadTimeoutMs;
      const timeoutMs = threadsMs + (misses < patientMisses ? settings.decisionGraceMs : settings.hastyGraceMs);
      try {
        const contentHash = (): string => contentHashOf(request);
        const decision = await turns.take(() => {
          if (underWay.size >= settings.maxInFlight) return Promise.resolve(null);
          return routeOnce(context, request, contentHash, timeoutMs, traced);
        });
        if (decision === null) return without('overloaded', request, current);
        misses = 0;
        const models = [decision.model, ...decision.fallbacks.map(({ model }) => model)];
        return { decision, models, degraded: null };
      } catch (error) {
        if (error instanceof BudgetRefusedError) throw budgetRefused(error.refused);
        if (error instanceof RequestRefusedError) throw noEligibleCandidate(error.field ?? '', error.reason);
        // Nobody could ever decide it: that is said rather than to call without a decision each time.
        if (error instanceof HttpError || error instanceof RecordTooLargeError) throw error;
        misses++;
        return without(error instanceof DecisionTimeoutError ? 'no-decision' : 'log-unavailable', request, current);
      }
    },
  };
}

/** The models that limits, capabilities and health allow, in the order of the configuration. */
function configuredOrder(context: GatewayContext, { config }: CurrentConfig, request: RouteRequested): string[] {
  const asked = asIntakeSees(request, config);
  const expected = candidatesNow(context, config, asked);
  const { candidates } = eligibilityOf(expected, config.models, asked, null, admissionsNow(context, config));
  return candidates.filter(({ eligible }) => eligible).map(({ model }) => model);
}
