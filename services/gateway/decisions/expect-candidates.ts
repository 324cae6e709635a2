/** What a request may expect of every model now, by what this gateway has read of profiles and tuning. */
import type { RouterConfig } from '../../../lib/config/router-config';
import { admissionsOf } from '../../../lib/routing/open/admission';
import { type ExpectedRequest, expectCandidates } from '../../../lib/routing/open/candidates';
import { complexityTermsOf } from '../../../lib/routing/open/complexity';
import type { EligibilityRequest } from '../../../lib/routing/open/eligibility';
import { inferTask } from '../../../lib/routing/open/infer-task';
import { estimateTokens, lastAsked, textBytes } from '../../../lib/routing/open/request-text';
import type { Candidate, RouteRequested } from '../../../lib/topics/generated/messages';
import type { GatewayContext } from '../endpoint';

/** Which share of the requests may use each model now, in config order; null for all of them. */
export function admissionsNow({ profiles, clock }: GatewayContext, config: RouterConfig) {
  return admissionsOf({ config, profileOf: (model) => profiles.get(model), nowMs: clock.nowMs() });
}

/** One per configured model, in config order. */
export function candidatesNow(
  { profiles, tuning, clock }: GatewayContext,
  config: RouterConfig,
  asked: ExpectedRequest,
): readonly Candidate[] {
  const world = {
    config,
    profileOf: (model: string) => profiles.get(model),
    tuning: tuning.get('current') ?? { costRatios: {}, priceFactors: {} },
    nowMs: clock.nowMs(),
  };
  return expectCandidates(world, asked);
}

/** The request with what intake will make of its text: its task type, its tokens and, where it is limited, its complexity. */
export function asIntakeSees(
  request: RouteRequested,
  config: RouterConfig,
): RouteRequested & ExpectedRequest & EligibilityRequest {
  const taskType = inferTask(request.taskHint, lastAsked(request));
  const complexity = complexityTermsOf(config, request);
  return { ...request, taskType, promptTokens: promptTokensOf(request), complexity };
}

export function promptTokensOf(request: RouteRequested): number {
  return request.contextTokens ?? estimateTokens(textBytes(request));
}
