/** Refuses at the door what intake would send to the dead letters, by the same functions, so that nothing lands on the topic. */
import type { CurrentConfig } from '../../../lib/config/current-config';
import { eligibilityOf, embedsOnly, noCandidateError } from '../../../lib/routing/open/eligibility';
import { validateRequest } from '../../../lib/routing/open/validate-request';
import type { RouteRequested } from '../../../lib/topics/generated/messages';
import type { GatewayContext } from '../endpoint';
import { invalidField, noEligibleCandidate } from '../http/http-error';
import { asIntakeSees, candidatesNow, promptTokensOf } from './expect-candidates';

/** Throws an HttpError naming the field when the request can never be routed under this configuration. */
export function checkRequest(context: GatewayContext, current: CurrentConfig, request: RouteRequested): void {
  const fault = validateRequest(request, current.config);
  if (fault) throw invalidField(fault.field, fault.reason);
  const isSomebodyThere = current.config.models.some((model) => !embedsOnly(model));
  const isLimited = isConstrained(request) || current.config.complexityLimits.length > 0;
  if (isSomebodyThere && !isLimited && smallestContext(current) >= promptTokensOf(request)) return;
  const asked = asIntakeSees(request, current.config);
  const candidates = candidatesNow(context, current.config, asked);
  // Bad health is no fault of the request, and bars nobody when nothing healthier is left.
  const none = noCandidateError(eligibilityOf(candidates, current.config.models, asked));
  if (none) throw noEligibleCandidate(none.field, none.reason);
}

/** Most requests limit nothing; for them only the size of the prompt could leave no candidate. */
function isConstrained({ limits, requiredCapabilities, expectedOutputTokens }: RouteRequested): boolean {
  return (
    limits.maxCostUsd !== null ||
    limits.maxSessionCostUsd !== null ||
    limits.maxLatencyMs !== null ||
    requiredCapabilities.length > 0 ||
    expectedOutputTokens !== null ||
    limits.allowedModels.length +
      limits.deniedModels.length +
      limits.allowedProviders.length +
      limits.deniedProviders.length >
      0
  );
}

function smallestContext(current: CurrentConfig): number {
  return current.config.models.reduce((least, model) => Math.min(least, model.contextTokens), Number.POSITIVE_INFINITY);
}
