/**
 * The candidates of a request: every configured model with price, health and expectations as they are now, and whether
 * limits, capabilities, context size and health allow it. Intake pins the result in `route.opened`.
 */
import type { ModelConfig, RouterConfig } from '../../config/router-config';
import { ownEntry } from '../../dictionary';
import type { Random } from '../../ports/random';
import { ratioAt, unpricedFactor } from '../../reward/price-unit';
import type {
  Breaker,
  Candidate,
  DecayedStats,
  Health,
  Limits,
  ModelProfile,
  RouteRequested,
  Tuning,
} from '../../topics/generated/messages';

/** What is known about the models at this moment. */
export interface World {
  readonly config: RouterConfig;
  readonly profileOf: (model: string) => ModelProfile | undefined;
  readonly tuning: Pick<Tuning, 'costRatios' | 'priceFactors'>;
  readonly nowMs: number;
}

/** What eligibility and expectations depend on besides the world. */
export interface CandidateRequest
  extends Pick<RouteRequested, 'expectedOutputTokens' | 'requiredCapabilities' | 'limits'> {
  readonly taskType: string;
  readonly promptTokens: number;
}

/** The request a catalogue price is measured with, in tokens. */
export const nominalInputTokens = 750;
const nominalOutputTokens = 250;

/** An average over all tasks counts like this many observations of one task, and a declared latency or length like this many of all. */
const overallPseudoCount = 8;
const configPseudoCount = 8;
/** Two imagined successes in front of every model's calls, so that one failure is not an error rate of 1. */
const errorPseudoCount = 2;

const openReason = 'health: OPEN';
const waitingReason = 'health: HALF_OPEN, not chosen to probe';
const liftedReason = 'nothing healthier is left';

/** One candidate per configured model, in config order. HALF_OPEN ones are ineligible until `admitProbes`. */
export function buildCandidates(world: World, request: CandidateRequest): Candidate[] {
  const providerHealth = providerHealthOf(world);
  return world.config.models.map((model) => {
    const profile = world.profileOf(model.name);
    const factor = priceFactor(model);
    const task = profile && ownEntry(profile.tasks, request.taskType);
    const declared = ownEntry(model.taskQuality, request.taskType) ?? model.expectedQuality;
    const quality = expectedQuality(model, declared, world.config.learning.priorObservations, profile, task);
    const outputTokens = request.expectedOutputTokens ?? expectedOutputTokens(model, profile, task);
    const candidate: Candidate = {
      model: model.name,
      provider: model.provider,
      eligible: true,
      ineligibleReason: null,
      health: worse(
        profile ? healthAt(profile.breaker, world.nowMs) : 'CLOSED',
        providerHealth.get(model.provider)?.health ?? 'CLOSED',
      ),
      expectedCostUsd: expectedCostUsd(model, world.tuning, factor, request.promptTokens, outputTokens, profile),
      expectedLatencyMs: shrunkMean(model.expectedLatencyMs, profile?.overall, task, 'latencyMs', 'latencyWeight'),
      expectedQuality: quality.mean,
      errorRate: profile
        ? (profile.overall.errorRate * profile.overall.weight) / (profile.overall.weight + errorPseudoCount)
        : 0,
      observations: quality.observations,
      priceFactor: factor,
      declared: {
        quality: declared,
        costUsd: priceOf(model, request.promptTokens, request.expectedOutputTokens ?? model.expectedOutputTokens),
        latencyMs: model.expectedLatencyMs,
      },
    };
    const outputNeeded = request.expectedOutputTokens ?? 0;
    candidate.ineligibleReason =
      outsideLimits(candidate, request.limits) ??
      missingCapability(model, request.requiredCapabilities) ??
      tooLong(model, request.promptTokens + outputNeeded) ??
      unhealthy(candidate.health);
    candidate.eligible = candidate.ineligibleReason === null;
    return candidate;
  });
}

/** USD for the nominal request at the catalogue price; 1 where no price is known, so that ratios are then costs. */
export function priceFactor(model: Pick<ModelConfig, 'price'>): number {
  return priceOf(model, nominalInputTokens, nominalOutputTokens) || unpricedFactor;
}

/**
 * Lets each waiting HALF_OPEN candidate in with probability `probeShare`, changing `candidates` in place. True when it
 * let any in.
 */
export function admitProbes(candidates: readonly Candidate[], probeShare: number, random: Random): boolean {
  let admitted = false;
  for (const candidate of candidates) {
    if (candidate.ineligibleReason !== waitingReason || random.next() >= probeShare) continue;
    candidate.eligible = true;
    candidate.ineligibleReason = null;
    admitted = true;
  }
  return admitted;
}

/**
 * Shuts out, in place, every candidate whose expected cost is more than the session has left, whatever its health. True
 * when it shut any out. Call it before `admitProbes`, and `liftHealthFilter` once more after it.
 */
export function limitSession(candidates: readonly Candidate[], limitUsd: number | null, spentUsd: number): boolean {
  if (limitUsd === null) return false;
  const leftUsd = Math.max(0, limitUsd - spentUsd);
  let limited = false;
  for (const candidate of candidates) {
    const mayServe = candidate.eligible || isUnhealthy(candidate);
    if (!mayServe || candidate.expectedCostUsd <= leftUsd) continue;
    candidate.eligible = false;
    candidate.ineligibleReason = `limits.maxSessionCostUsd: expected $${short(candidate.expectedCostUsd)} is over the $${short(leftUsd)} left of $${short(limitUsd)}`;
    limited = true;
  }
  return limited;
}

/** Whether health alone keeps this candidate out. */
function isUnhealthy({ ineligibleReason }: Candidate): boolean {
  return ineligibleReason === waitingReason || ineligibleReason === openReason;
}

/**
 * When health alone leaves no candidate, lets the least bad in (HALF_OPEN before OPEN), in place; their
 * `ineligibleReason` then says so although they are eligible. True when it had to.
 */
export function liftHealthFilter(candidates: readonly Candidate[]): boolean {
  if (candidates.some((candidate) => candidate.eligible)) return false;
  const waiting = candidates.filter((candidate) => candidate.ineligibleReason === waitingReason);
  const leastBad =
    waiting.length > 0 ? waiting : candidates.filter((candidate) => candidate.ineligibleReason === openReason);
  for (const candidate of leastBad) {
    candidate.eligible = true;
    candidate.ineligibleReason = `health: ${candidate.health}, but ${liftedReason}`;
  }
  return leastBad.length > 0;
}

/** Whether `liftHealthFilter` let this candidate in. */
export function isLifted(candidate: Candidate): boolean {
  return candidate.eligible && candidate.ineligibleReason !== null;
}

/** Why no candidate is eligible, with the field to change; null while there is one. */
export function noCandidateError(candidates: readonly Candidate[]): { field: string; reason: string } | null {
  if (candidates.some((candidate) => candidate.eligible)) return null;
  const reasons = candidates.map((candidate) => candidate.ineligibleReason!);
  const fields = reasons.map((reason) => reason.slice(0, reason.indexOf(':')));
  const shutOut = (field: string): number => fields.filter((other) => other === field).length;
  // The field that shuts out most models is the one to change.
  const field = fields.reduce((most, other) => (shutOut(other) > shutOut(most) ? other : most));
  const shown = candidates.slice(0, 10).map((candidate, i) => `${candidate.model} (${reasons[i]})`);
  const more = candidates.length > shown.length ? ` and ${candidates.length - shown.length} more` : '';
  return { field, reason: `no eligible candidate: ${shown.join(', ')}${more}` };
}

interface ProviderHealth {
  readonly health: Health;
  readonly changedAtMs: number;
}

/** Every profile carries its provider's breaker as it was when the profile was written: the newest is right. */
function providerHealthOf(world: World): Map<string, ProviderHealth> {
  const newest = new Map<string, ProviderHealth>();
  for (const model of world.config.models) {
    const breaker = world.profileOf(model.name)?.providerBreaker;
    if (!breaker) continue;
    const known = newest.get(model.provider);
    if (known && known.changedAtMs >= breaker.changedAtMs) continue;
    newest.set(model.provider, { health: healthAt(breaker, world.nowMs), changedAtMs: breaker.changedAtMs });
  }
  return newest;
}

/** Without traffic nobody writes a new profile, so an open breaker's waiting time ends here. */
function healthAt(breaker: Breaker, nowMs: number): Health {
  const mayProbe = breaker.health === 'OPEN' && breaker.probeAtMs !== null && breaker.probeAtMs <= nowMs;
  return mayProbe ? 'HALF_OPEN' : breaker.health;
}

function worse(a: Health, b: Health): Health {
  if (a === 'OPEN' || b === 'OPEN') return 'OPEN';
  return a === 'HALF_OPEN' || b === 'HALF_OPEN' ? 'HALF_OPEN' : 'CLOSED';
}

function priceOf(model: Pick<ModelConfig, 'price'>, inputTokens: number, outputTokens: number): number {
  const { inputPerMillionUsd, outputPerMillionUsd, perRequestUsd } = model.price;
  return (inputTokens * inputPerMillionUsd + outputTokens * outputPerMillionUsd) / 1e6 + perRequestUsd;
}

/**
 * The task's mean, shrunk to what is declared of it and to how far the model is off what is declared of it in all tasks:
 * a model that is good at one task is not thought good at another that nobody declares it for.
 */
function expectedQuality(
  model: ModelConfig,
  declared: number,
  priorObservations: number,
  profile: ModelProfile | undefined,
  task: DecayedStats | undefined,
): { mean: number; observations: number } {
  const overallWeight = profile?.overall.qualityWeight ?? 0;
  // What all tasks together say counts as at most `overallPseudoCount` observations of this one.
  const borrowed = (overallPseudoCount * overallWeight) / (overallWeight + priorObservations);
  const base = Math.max(0, Math.min(1, declared + surprise(model, profile, priorObservations)));
  return {
    mean: task
      ? (task.quality * task.qualityWeight + base * overallPseudoCount) / (task.qualityWeight + overallPseudoCount)
      : base,
    observations: (task?.qualityWeight ?? 0) + borrowed,
  };
}

/** By how much a model's judged answers have been better than declared, shrunk to nothing by the prior. */
function surprise(model: ModelConfig, profile: ModelProfile | undefined, priorObservations: number): number {
  if (!profile) return 0;
  let sum = 0;
  let weight = 0;
  const add = (declared: number, { quality, qualityWeight }: DecayedStats): void => {
    sum += qualityWeight * (quality - declared);
    weight += qualityWeight;
  };
  // Where nothing is declared by task the mean over all is enough.
  if (Object.keys(model.taskQuality).length === 0) add(model.expectedQuality, profile.overall);
  else
    for (const task in profile.tasks)
      add(ownEntry(model.taskQuality, task) ?? model.expectedQuality, profile.tasks[task]!);
  return sum / (weight + priorObservations);
}

function expectedOutputTokens(
  model: ModelConfig,
  profile: ModelProfile | undefined,
  task: DecayedStats | undefined,
): number {
  return shrunkMean(model.expectedOutputTokens, profile?.overall, task, 'outputTokens', 'outputTokensWeight');
}

function shrunkMean(
  prior: number,
  overall: DecayedStats | undefined,
  task: DecayedStats | undefined,
  mean: 'latencyMs' | 'outputTokens',
  weight: 'latencyWeight' | 'outputTokensWeight',
): number {
  const base = overall
    ? (overall[mean] * overall[weight] + prior * configPseudoCount) / (overall[weight] + configPseudoCount)
    : prior;
  if (!task) return base;
  return (task[mean] * task[weight] + base * overallPseudoCount) / (task[weight] + overallPseudoCount);
}

/** Learned ratio times price now, else tokens times price, else what calls have cost, else 0. */
function expectedCostUsd(
  model: ModelConfig,
  tuning: World['tuning'],
  factor: number,
  promptTokens: number,
  outputTokens: number,
  profile: ModelProfile | undefined,
): number {
  const ratio = ownEntry(tuning.costRatios, model.name);
  if (ratio !== undefined) return ratioAt(ratio, ownEntry(tuning.priceFactors, model.name) ?? factor, factor) * factor;
  const priced = priceOf(model, promptTokens, outputTokens);
  if (priced > 0) return priced;
  return profile && profile.overall.costWeight > 0 ? profile.overall.costUsd : 0;
}

/** Reasons begin with the path of the request's field they come from: `noCandidateError` reads it. */
function outsideLimits(candidate: Candidate, limits: Limits): string | null {
  if (limits.deniedModels.includes(candidate.model)) return 'limits.deniedModels: denied';
  if (limits.deniedProviders.includes(candidate.provider)) return 'limits.deniedProviders: denied';
  if (limits.allowedModels.length > 0 && !limits.allowedModels.includes(candidate.model)) {
    return 'limits.allowedModels: not allowed';
  }
  if (limits.allowedProviders.length > 0 && !limits.allowedProviders.includes(candidate.provider)) {
    return 'limits.allowedProviders: not allowed';
  }
  if (limits.maxCostUsd !== null && candidate.expectedCostUsd > limits.maxCostUsd) {
    return `limits.maxCostUsd: expected $${short(candidate.expectedCostUsd)} is over $${short(limits.maxCostUsd)}`;
  }
  if (limits.maxLatencyMs !== null && candidate.expectedLatencyMs > limits.maxLatencyMs) {
    return `limits.maxLatencyMs: expected ${Math.round(candidate.expectedLatencyMs)} ms is over ${limits.maxLatencyMs} ms`;
  }
  return null;
}

function missingCapability(model: ModelConfig, required: readonly string[]): string | null {
  const missing = required.find((capability) => !model.capabilities.includes(capability));
  return missing === undefined ? null : `requiredCapabilities: lacks ${missing}`;
}

function tooLong(model: ModelConfig, tokens: number): string | null {
  return tokens > model.contextTokens ? `contextTokens: ${tokens} tokens do not fit its ${model.contextTokens}` : null;
}

function unhealthy(health: Health): string | null {
  if (health === 'CLOSED') return null;
  return health === 'OPEN' ? openReason : waitingReason;
}

function short(usd: number): string {
  return String(Number(usd.toPrecision(3)));
}
