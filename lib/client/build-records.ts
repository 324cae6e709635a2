/**
 * Complete requests and outcomes from the few fields somebody cares about. Everything left out takes the default of
 * its Avro schema, so that TypeScript, Python and Java clients leave out the same.
 */

import type { Limits, RouteDecided, RouteOutcome, RouteRequested } from '../topics/generated/messages';
import { defaultsOf, noLimits } from '../topics/schema-defaults';

/** A request: its id, when it was made, one of `prompt`, `messages` and `features`, and whatever else is wanted. */
export type RequestFields = Partial<Omit<RouteRequested, 'limits'>> &
  Pick<RouteRequested, 'requestId' | 'requestedAtMs'> & { readonly limits?: Partial<Limits> };

/** How a call ended and when; `model` where it was not the decided one. Leave out what nobody knows: it is never read as 0. */
export type OutcomeFields = Partial<Omit<RouteOutcome, 'decisionId' | 'routingKey'>> &
  Pick<RouteOutcome, 'status' | 'occurredAtMs'>;

const requestDefaults = defaultsOf('RouteRequested') as Omit<RouteRequested, 'requestId' | 'requestedAtMs' | 'limits'>;
const outcomeDefaults = defaultsOf('RouteOutcome') as Omit<
  RouteOutcome,
  'decisionId' | 'model' | 'status' | 'occurredAtMs'
>;

/** The record for `route.requested`. */
export function routeRequest(fields: RequestFields): RouteRequested {
  return { ...requestDefaults, ...fields, limits: { ...noLimits, ...fields.limits } };
}

/** The record for `route.outcome` of one call that `decision` led to. */
export function routeOutcome(
  decision: Pick<RouteDecided, 'decisionId' | 'routingKey' | 'model' | 'fallbacks'>,
  fields: OutcomeFields,
): RouteOutcome {
  const { decisionId, routingKey } = decision;
  const model = fields.model ?? decision.model;
  return { ...outcomeDefaults, attempt: attemptOf(decision, model), ...fields, decisionId, routingKey, model };
}

/** Which attempt a call of this model was: 1 the decided model, then the fallbacks in order, then any other. */
export function attemptOf(decision: Pick<RouteDecided, 'model' | 'fallbacks'>, model: string): number {
  if (model === decision.model) return 1;
  const fallback = decision.fallbacks.findIndex((candidate) => candidate.model === model);
  return fallback >= 0 ? fallback + 2 : decision.fallbacks.length + 2;
}
