/**
 * A decision again, with something else wanted of it: another preference, other limits, other prices. Pure: the opened event
 * is changed and everything after it computed anew, by the functions that decide. What the request was known by (its
 * features, with the circumstances of then) stays as it was.
 */
import { dictionaryOf } from '../../dictionary';
import type { Candidate, Limits, Preference, RouteOpened } from '../../topics/generated/messages';
import { judgeAsked } from '../judge/judge-thread';
import type { LearnedPolicy } from '../judge/strategy';
import type { BarKind } from '../open/bar';
import { type AbleModel, type Eligibility, eligibilityOf, noCandidateError } from '../open/eligibility';
import { type RecomputedDecision, recomputeDecision } from './decide';

/** What is left out stays as it was. */
type Changed<T> = { readonly [Key in keyof T]?: T[Key] | undefined };

export interface Change {
  readonly preference: Changed<Preference>;
  readonly limits: Changed<Limits>;
  /** By what the prices of models are multiplied. */
  readonly priceFactors: ReadonlyMap<string, number>;
}

export type WhatIf =
  | { readonly kind: 'decision'; readonly decision: RecomputedDecision }
  /** With that wanted, nobody may serve. `field` is what shuts most models out. */
  | { readonly kind: 'refused'; readonly reason: string; readonly field: string };

/** `learned`: the weights that the request was judged with; null where there were none. */
export function whatIf(opened: RouteOpened, change: Change, learned: LearnedPolicy | null): WhatIf {
  const limits = changed(opened.limits, change.limits);
  const eligible = eligibleUnder(limits, opened, change.priceFactors);
  const error = noCandidateError(eligible);
  if (error) return { kind: 'refused', ...error };
  const other: RouteOpened = {
    ...opened,
    candidates: [...eligible.candidates],
    limits,
    preference: preferenceUnder(opened, change),
    // What was cached is of what was asked then.
    cached: null,
    cachedValues: null,
  };
  return { kind: 'decision', decision: recomputeDecision(other, judgeAsked(other, learned)) };
}

/** What would be wanted of the request; all weights may be 0. */
export function preferenceUnder({ preference }: Pick<RouteOpened, 'preference'>, change: Change): Preference {
  return changed(preference, change.preference);
}

function changed<T extends object>(was: T, by: Changed<T>): T {
  return { ...was, ...dictionaryOf(Object.entries(by).filter(([, value]) => value !== undefined)) };
}

/** What bars a candidate whatever the limits are. */
const lastingKinds: ReadonlySet<string> = new Set<BarKind>([
  'lacking',
  'tooLong',
  'tooComplex',
  'returning',
  'limited',
  'resting',
]);

/** What a limit shut out may come in again; what shut out for any other reason stays so. */
function eligibleUnder(limits: Limits, opened: RouteOpened, priceFactors: ReadonlyMap<string, number>): Eligibility {
  const { sessionSpentUsd, promptTokens } = opened;
  const before = opened.candidates.map((candidate) => priced(candidate, priceFactors.get(candidate.model) ?? 1));
  // Of a record from before bars were pinned nobody knows what shut its candidate out.
  const staysOut = ({ eligible, bar }: Candidate): boolean => !eligible && (bar === null || lastingKinds.has(bar.kind));
  const admitted = new Set(
    before.flatMap(({ eligible, health }, i) => (eligible && health === 'HALF_OPEN' ? [i] : [])),
  );
  const models = before.map(
    (candidate): AbleModel => ({
      name: candidate.model,
      apis: candidate.bar?.kind === 'embedsOnly' ? ['embeddings'] : undefined,
      capabilities: staysOut(candidate) ? [] : ['able'],
      contextTokens: Number.POSITIVE_INFINITY,
    }),
  );
  const free = before.map((candidate) => ({ ...candidate, eligible: true, ineligibleReason: null, bar: null }));
  const asked = { limits, promptTokens, expectedOutputTokens: null, requiredCapabilities: ['able'], complexity: null };
  const found = eligibilityOf(free, models, asked, { sessionSpentUsd, admitted });
  const candidates = found.candidates.map((candidate, i) =>
    staysOut(before[i]!)
      ? { ...candidate, ineligibleReason: before[i]!.ineligibleReason, bar: before[i]!.bar }
      : candidate,
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
