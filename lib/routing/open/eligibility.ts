/**
 * Which candidates may serve a request, and what bars the others: the request's limits, capabilities, context size, what its
 * session has left, health, and what models and providers can take. The last two, and a few slow answers, never leave a
 * request without a candidate alone: then the least bad are let in.
 */
import type { ModelConfig } from '../../config/router-config';
import type { Candidate, Limits, RouteRequested } from '../../topics/generated/messages';
import type { Admission } from './admission';
import { type Bar, type BarKind, pinnedBar } from './bar';
import type { ComplexityTerms } from './complexity';
import { copyCandidate } from './copy-candidate';
import { describeBar, describeLift } from './describe-bar';

/** What eligibility depends on besides the candidates. */
export interface EligibilityRequest
  extends Pick<RouteRequested, 'expectedOutputTokens' | 'requiredCapabilities' | 'limits'> {
  readonly promptTokens: number;
  /** What the configuration's limits on complexity are held against; null where none can apply. */
  readonly complexity: ComplexityTerms | null;
}

/** What is known only when the request is opened. */
export interface AtOpening {
  /** Spent by the request's session before, in USD. */
  readonly sessionSpentUsd: number;
  /** Positions of candidates that only a share of the requests may use, this one among them. */
  readonly admitted: ReadonlySet<number>;
}

/** What eligibility depends on of what is configured of a model. */
export type AbleModel = Pick<ModelConfig, 'name' | 'apis' | 'capabilities' | 'contextTokens'>;

/** Arrays are in the order of the candidates. */
export interface Eligibility {
  /** As they are pinned, with `eligible`, `bar` and `ineligibleReason`. Shared like those given: change none. */
  readonly candidates: readonly Candidate[];
  /** Null for whoever may serve without being lifted. */
  readonly bars: readonly (Bar | null)[];
  /** Whether health, capacity and slow tails alone would have left nobody. */
  readonly lifted: boolean;
}

const waiting: Bar = { field: 'health', kind: 'waiting' };
const broken: Bar = { field: 'health', kind: 'open' };
const beforeOpening: AtOpening = { sessionSpentUsd: 0, admitted: new Set() };

/**
 * Pure. `candidates` are as `expectCandidates` gives them, `models` what is configured of each. Without `opening` the
 * session is left out of account and nobody probes. `admissions` are those of the models, null for whoever takes all.
 */
export function eligibilityOf(
  candidates: readonly Candidate[],
  models: readonly AbleModel[],
  request: EligibilityRequest,
  opening: AtOpening | null = null,
  admissions: readonly (Admission | null)[] | null = null,
): Eligibility {
  const { sessionSpentUsd, admitted } = opening ?? beforeOpening;
  const sessionLimitUsd = opening ? request.limits.maxSessionCostUsd : null;
  const isLimited = limitsAnything(request.limits);
  const tokens = request.promptTokens + (request.expectedOutputTokens ?? 0);
  let free = 0;
  let barred: (Bar | null)[] | null = null;
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[i]!;
    const bar =
      (isLimited ? limitBar(candidate, request.limits) : null) ??
      embeddingBar(models[i]!, request.limits) ??
      capabilityBar(models[i]!, request.requiredCapabilities) ??
      contextBar(models[i]!, tokens) ??
      (request.complexity ? complexityBar(models[i]!, request.complexity) : null) ??
      sessionBar(candidate, sessionLimitUsd, sessionSpentUsd) ??
      (admitted.has(i) ? null : (healthBar(candidate) ?? capacityBar(admissions?.[i] ?? null)));
    if (bar === null) {
      free++;
      continue;
    }
    barred ??= new Array<Bar | null>(candidates.length).fill(null);
    barred[i] = bar;
  }
  if (barred === null) return { candidates, bars: noBars(candidates.length), lifted: false };
  const lift = free > 0 ? null : leastBad(barred);
  return {
    candidates: candidates.map((candidate, i) => pinned(candidate, barred[i]!, lift)),
    bars: barred,
    lifted: lift !== null,
  };
}

/** Positions of the candidates that a share of the requests may use, and nothing else bars. */
export function waitingCandidates({ bars, lifted }: Eligibility): number[] {
  // Whoever waits has been let in without a draw where nothing healthier is left.
  if (lifted) return [];
  const found: number[] = [];
  for (let i = 0; i < bars.length; i++) if (bars[i] && sharedKinds.has(bars[i]!.kind)) found.push(i);
  return found;
}

const sharedKinds: ReadonlySet<BarKind> = new Set(['waiting', 'returning', 'limited']);

/** Whether a candidate of a record was let in for want of a healthier one. */
export function isLifted(candidate: Candidate): boolean {
  return candidate.eligible && candidate.ineligibleReason !== null;
}

/** Why no candidate is eligible, with the field to change; null while there is one. */
export function noCandidateError({ candidates, bars, lifted }: Eligibility): { field: string; reason: string } | null {
  if (lifted || bars.length === 0 || bars.includes(null)) return null;
  const fields = bars.map((bar) => bar!.field);
  const shutOut = (field: string): number => fields.filter((other) => other === field).length;
  // The field that shuts out most models is the one to change.
  const field = fields.reduce((most, other) => (shutOut(other) > shutOut(most) ? other : most));
  const shown = candidates.slice(0, 10).map((candidate, i) => `${candidate.model} (${describeBar(bars[i]!)})`);
  const more = candidates.length > shown.length ? ` and ${candidates.length - shown.length} more` : '';
  return { field, reason: `no eligible candidate: ${shown.join(', ')}${more}` };
}

function pinned(candidate: Candidate, bar: Bar | null, lift: BarKind | null): Candidate {
  if (bar === null) return candidate;
  if (bar.kind !== lift) return barredBy(candidate, bar);
  const lifted = copyCandidate(candidate);
  lifted.ineligibleReason = describeLift(candidate, bar);
  lifted.bar = pinnedBar(bar);
  return lifted;
}

/** The candidate as it is written where this bars it. */
export function barredBy(candidate: Candidate, bar: Bar): Candidate {
  const barred = copyCandidate(candidate);
  barred.eligible = false;
  barred.ineligibleReason = describeBar(bar);
  barred.bar = pinnedBar(bar);
  return barred;
}

/** Who is let in where nobody is eligible, the first of these that there is; null where these are not all there is. */
function leastBad(bars: readonly (Bar | null)[]): BarKind | null {
  return leastBadFirst.find((kind) => bars.some((bar) => bar?.kind === kind)) ?? null;
}

const leastBadFirst: readonly BarKind[] = ['slowTail', 'returning', 'limited', 'waiting', 'resting', 'open'];

let bars: readonly null[] = [];

/** As most requests have them. */
function noBars(count: number): readonly null[] {
  if (bars.length !== count) bars = new Array<null>(count).fill(null);
  return bars;
}

function limitsAnything(limits: Limits): boolean {
  return (
    limits.maxCostUsd !== null ||
    limits.maxLatencyMs !== null ||
    limits.deniedModels.length +
      limits.deniedProviders.length +
      limits.allowedModels.length +
      limits.allowedProviders.length >
      0
  );
}

function limitBar(candidate: Candidate, limits: Limits): Bar | null {
  const { model, provider, expectedCostUsd, expectedLatencyMs, p95LatencyMs } = candidate;
  if (limits.deniedModels.includes(model)) return { field: 'limits.deniedModels', kind: 'denied' };
  if (limits.deniedProviders.includes(provider)) return { field: 'limits.deniedProviders', kind: 'denied' };
  if (limits.allowedModels.length > 0 && !limits.allowedModels.includes(model))
    return { field: 'limits.allowedModels', kind: 'notAllowed' };
  if (limits.allowedProviders.length > 0 && !limits.allowedProviders.includes(provider))
    return { field: 'limits.allowedProviders', kind: 'notAllowed' };
  if (limits.maxCostUsd !== null && expectedCostUsd > limits.maxCostUsd)
    return {
      field: 'limits.maxCostUsd',
      kind: 'tooDear',
      expectedUsd: expectedCostUsd,
      limitUsd: limits.maxCostUsd,
    };
  if (limits.maxLatencyMs !== null && expectedLatencyMs > limits.maxLatencyMs)
    return {
      field: 'limits.maxLatencyMs',
      kind: 'tooSlow',
      expectedMs: expectedLatencyMs,
      limitMs: limits.maxLatencyMs,
    };
  if (limits.maxLatencyMs !== null && p95LatencyMs !== null && p95LatencyMs > limits.maxLatencyMs)
    return { field: 'limits.maxLatencyMs', kind: 'slowTail', p95Ms: p95LatencyMs, limitMs: limits.maxLatencyMs };
  return null;
}

/** A model that can only embed answers nobody: it is for those who name it. */
function embeddingBar(model: AbleModel, { allowedModels }: Limits): Bar | null {
  if (!embedsOnly(model) || allowedModels.includes(model.name)) return null;
  return { field: 'limits.allowedModels', kind: 'embedsOnly' };
}

export function embedsOnly({ apis }: Pick<ModelConfig, 'apis'>): boolean {
  return apis?.every((api) => api === 'embeddings') ?? false;
}

function capabilityBar(model: AbleModel, required: readonly string[]): Bar | null {
  for (const capability of required)
    if (model.capabilities?.includes(capability) === false)
      return { field: 'requiredCapabilities', kind: 'lacking', capability };
  return null;
}

function contextBar({ contextTokens }: AbleModel, tokens: number): Bar | null {
  return tokens > contextTokens ? { field: 'contextTokens', kind: 'tooLong', tokens, contextTokens } : null;
}

function complexityBar({ name }: AbleModel, { value, limits }: ComplexityTerms): Bar | null {
  const limit = limits.find(({ above, models }) => value > above && !models.includes(name));
  return limit ? { field: 'complexity', kind: 'tooComplex', value, above: limit.above } : null;
}

function sessionBar({ expectedCostUsd }: Candidate, limitUsd: number | null, spentUsd: number): Bar | null {
  if (limitUsd === null) return null;
  const leftUsd = Math.max(0, limitUsd - spentUsd);
  return expectedCostUsd > leftUsd
    ? { field: 'limits.maxSessionCostUsd', kind: 'overspent', expectedUsd: expectedCostUsd, leftUsd, limitUsd }
    : null;
}

function healthBar({ health }: Candidate): Bar | null {
  if (health === 'CLOSED') return null;
  return health === 'OPEN' ? broken : waiting;
}

function capacityBar(admission: Admission | null): Bar | null {
  // Whoever waits is half open, which health has said.
  if (admission === null || admission.kind === 'waiting') return null;
  return { field: 'capacity', kind: admission.kind, share: admission.share };
}
