/**
 * A decision again, with something else wanted of it: another preference, other limits, other prices. Pure: the opened event
 * is changed and everything after it computed anew, by the functions that decide. What the request was known by (its
 * features, with the circumstances of then) stays as it was.
 */
import type { StrategyName } from '../../config/router-config';
import { strategyNames } from '../../config/router-config';
import type { Candidate, Limits, Preference, RouteOpened } from '../../topics/generated/messages';
import { judgeThread } from '../judge/judge-thread';
import { strategies } from '../judge/strategies/strategies';
import type { LearnedPolicy } from '../judge/strategy';
import { type Eligibility, eligibilityOf, noCandidateError } from '../open/eligibility';
import { type RecomputedDecision, recomputeDecision } from './decide';

export interface Change {
  readonly preference: Preference | null;
  /** Instead of all limits of the request; null: as they were. */
  readonly limits: Limits | null;
  /** By what the prices of models are multiplied. */
  readonly priceFactors: ReadonlyMap<string, number>;
}

export type WhatIf =
  | { readonly kind: 'decision'; readonly decision: RecomputedDecision }
  /** With that wanted, nobody may serve. `field` is what shuts most models out. */
  | { readonly kind: 'refused'; readonly reason: string; readonly field: string };

/** `learned`: the weights that the request was judged with; null where there were none. */
export function whatIf(opened: RouteOpened, change: Change, learned: LearnedPolicy | null): WhatIf {
  const limits = change.limits ?? opened.limits;
  const eligible = eligibleUnder(limits, opened, change.priceFactors);
  const error = noCandidateError(eligible);
  if (error) return { kind: 'refused', ...error };
  const changed: RouteOpened = {
    ...opened,
    candidates: [...eligible.candidates],
    limits,
    preference: change.preference ?? opened.preference,
    // What was cached is of what was asked then.
    cached: null,
    cachedValues: null,
  };
  const threads = opened.strategies
    .filter((strategy): strategy is StrategyName => (strategyNames as readonly string[]).includes(strategy))
    .map((strategy) => judgeThread(strategy, changed, learned, strategies));
  return { kind: 'decision', decision: recomputeDecision(changed, threads) };
}

/** What a limit shut out may come in again; what shut out for any other reason stays so. */
function eligibleUnder(limits: Limits, opened: RouteOpened, priceFactors: ReadonlyMap<string, number>): Eligibility {
  const { sessionSpentUsd, promptTokens } = opened;
  const before = opened.candidates.map((candidate) => priced(candidate, priceFactors.get(candidate.model) ?? 1));
  const lacks = (candidate: Candidate): boolean =>
    !candidate.eligible && /^(requiredCapabilities|contextTokens|capacity):/.test(candidate.ineligibleReason ?? '');
  const admitted = new Set(
    before.flatMap(({ eligible, health }, i) => (eligible && health === 'HALF_OPEN' ? [i] : [])),
  );
  const models = before.map((candidate) => ({
    name: candidate.model,
    apis: undefined,
    capabilities: lacks(candidate) ? [] : ['able'],
    contextTokens: Number.POSITIVE_INFINITY,
  }));
  const free = before.map((candidate) => ({ ...candidate, eligible: true, ineligibleReason: null }));
  const asked = { limits, promptTokens, expectedOutputTokens: null, requiredCapabilities: ['able'] };
  const found = eligibilityOf(free, models, asked, { sessionSpentUsd, admitted });
  const candidates = found.candidates.map((candidate, i) =>
    lacks(before[i]!) ? { ...candidate, ineligibleReason: before[i]!.ineligibleReason } : candidate,
  );
  return { ...found, candidates };
}

function priced(candidate: Candidate, factor: number): Candidate {
  if (factor === 1) return candidate;
  const { declared, expectedCostUsd, priceFactor } = candidate;
  return {
    ...candidate,
    expectedCostUsd: expectedCostUsd * factor,
    priceFactor: priceFactor * factor,
    declared: declared && { ...declared, costUsd: declared.costUsd * factor },
  };
}
