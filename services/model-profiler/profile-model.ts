/** One observation's effect on its provider's row: the model's statistics, its breaker and its provider's. */
import { maxModels, type RouterConfig } from '../../lib/config/router-config';
import { dictionaryOf, ownEntry } from '../../lib/dictionary';
import { addTime } from '../../lib/routing/open/latency-sketch';
import type {
  Breaker,
  Capacity,
  ModelObserved,
  ModelProfile,
  ProviderProfiles,
} from '../../lib/topics/generated/messages';
import { asDeclared } from './as-declared';
import { asOfNow } from './as-of-now';
import { boundTasks, tasksAfter } from './bound-tasks';
import {
  afterCall,
  afterWait,
  type CallResult,
  closedBreaker,
  isOfKnownOutage,
  modelBreakerSettings,
  providerBreakerSettings,
} from './breaker';
import { modelCapacityAfter, providerCapacityAfter } from './capacity';
import { afterObservation, decayOf, noStats, thoughtBefore, thoughtOfTask } from './observe';

/** What the profiler needs of the configuration. */
export type ProfilerSettings = Pick<
  RouterConfig,
  'models' | 'providerRateLimits' | 'breaker' | 'profileHalfLifeObservations' | 'profileHalfLifeMs'
>;

/** A changed row and the profiles to publish because of it. */
export interface Profiled {
  readonly row: ProviderProfiles;
  readonly changed: readonly ModelProfile[];
}

/** A configuration has no more models; of a provider's row those not seen for longest go. */
const maxModelsOfProvider = maxModels;

export function profileModel(
  before: ProviderProfiles | undefined,
  reported: ModelObserved,
  settings: ProfilerSettings,
  nowMs: number,
): Profiled {
  // A caller whose clock is ahead would make everything look old.
  const observed = reported.observedAtMs > nowMs ? { ...reported, observedAtMs: nowMs } : reported;
  const row = before
    ? asOfNow(before, nowMs)
    : {
        provider: observed.provider,
        breaker: closedBreaker(nowMs),
        models: dictionaryOf<string, ModelProfile>(),
        capacity: null,
      };
  const model = settings.models.find(({ name }) => name === observed.model);
  const known = ownEntry(row.models, observed.model) ?? newProfile(observed, row.breaker, nowMs);
  const profile = model ? asDeclared(known, model) : known;
  const decay = decayOf(settings.profileHalfLifeObservations, settings.profileHalfLifeMs);
  const thought = thoughtBefore(model);
  const breakers = breakersAfter(row, profile, observed, settings, nowMs);
  const next: ModelProfile = {
    ...profile,
    ...(isEcho(row, profile, observed, nowMs)
      ? {}
      : {
          overall: afterObservation(profile.overall, observed, decay, thought),
          tasks: tasksAfter(profile.tasks, observed, decay, thoughtOfTask(thought, profile.overall)),
        }),
    firstTokens:
      observed.firstTokenMs === null || observed.status !== 'SUCCESS'
        ? profile.firstTokens
        : addTime(profile.firstTokens, observed.firstTokenMs, decay.perCall),
    breaker: breakers.model,
    capacity: modelCapacityAfter(profile.capacity, observed, model?.rateLimits ?? null, nowMs),
    updatedAtMs: nowMs,
  };
  const providerLimits = ownEntry(settings.providerRateLimits, observed.provider) ?? null;
  return withProvider(
    { ...row, models: bounded(withModel(row.models, next), observed) },
    { breaker: breakers.provider, capacity: providerCapacityAfter(row.capacity, observed, providerLimits, nowMs) },
    before && row !== before ? 'all' : [observed.model],
    nowMs,
  );
}

/** What time alone does to a row: breakers whose wait is over become HALF_OPEN. */
export function profilesAfterWait(before: ProviderProfiles, nowMs: number): Profiled {
  const row = asOfNow(before, nowMs);
  const models = new Map(Object.entries(row.models));
  const changed: string[] = [];
  for (const profile of Object.values(row.models)) {
    const breaker = afterWait(profile.breaker, nowMs);
    if (breaker === profile.breaker) continue;
    models.set(profile.model, { ...profile, breaker, updatedAtMs: nowMs });
    changed.push(profile.model);
  }
  const provider = { breaker: afterWait(row.breaker, nowMs), capacity: row.capacity };
  return withProvider({ ...row, models: dictionaryOf(models) }, provider, row !== before ? 'all' : changed, nowMs);
}

/** When the next wait of a row's breakers is over, in milliseconds since the epoch; null when none is OPEN. */
export function nextProbeAtMs(row: ProviderProfiles): number | null {
  let next = row.breaker.probeAtMs;
  for (const { breaker } of Object.values(row.models)) {
    if (breaker.probeAtMs !== null && (next === null || breaker.probeAtMs < next)) next = breaker.probeAtMs;
  }
  return next;
}

function newProfile(observed: ModelObserved, providerBreaker: Breaker, nowMs: number): ModelProfile {
  return {
    model: observed.model,
    provider: observed.provider,
    overall: noStats(),
    tasks: dictionaryOf(),
    breaker: closedBreaker(nowMs),
    providerBreaker,
    capacity: null,
    providerCapacity: null,
    declaredVersion: null,
    declaredPrice: null,
    firstTokens: null,
    updatedAtMs: nowMs,
  };
}

function withModel(models: ProviderProfiles['models'], profile: ModelProfile): Record<string, ModelProfile> {
  return dictionaryOf([...Object.entries(models), [profile.model, profile] as const]);
}

/** Within what one row holds: see `bound-tasks.ts`. The model just observed is never the one that goes. */
function bounded(models: Record<string, ModelProfile>, observed: ModelObserved): Record<string, ModelProfile> {
  const profiles = Object.values(models);
  if (profiles.length > maxModelsOfProvider) {
    const oldest = profiles
      .filter(({ model }) => model !== observed.model)
      .reduce((a, b) => (b.updatedAtMs < a.updatedAtMs ? b : a));
    return boundTasks(dictionaryOf(Object.entries(models).filter(([name]) => name !== oldest.model)), observed);
  }
  return boundTasks(models, observed);
}

/** A correction is no call; a cancelled call says nothing of health. */
function callResultOf(observed: ModelObserved): CallResult | null {
  if (observed.revision > 0 || observed.status === 'CANCELLED') return null;
  if (observed.status === 'RATE_LIMITED') return 'refusal';
  return observed.status === 'SUCCESS' ? 'success' : 'failure';
}

/**
 * By the caller's clock; when it ended where it is not known how long it took. Not before its request was opened: a caller may
 * count its own waiting as latency, or report at once what would have taken a minute.
 */
function startOf({ observedAtMs, latencyMs, openedAtMs }: ModelObserved): number {
  return Math.max(observedAtMs - (latencyMs ?? 0), openedAtMs ?? Number.NEGATIVE_INFINITY);
}

/** A failed call of an outage that is known: hundreds of them may have hung when it began. */
function isEcho(row: ProviderProfiles, { breaker }: ModelProfile, observed: ModelObserved, nowMs: number): boolean {
  const result = callResultOf(observed);
  if (result === null || result === 'success') return false;
  return [breaker, row.breaker].some((one) => isOfKnownOutage(one, startOf(observed), nowMs));
}

function breakersAfter(
  row: ProviderProfiles,
  profile: ModelProfile,
  observed: ModelObserved,
  settings: ProfilerSettings,
  nowMs: number,
): { model: Breaker; provider: Breaker } {
  const result = callResultOf(observed);
  if (result === null) return { model: afterWait(profile.breaker, nowMs), provider: afterWait(row.breaker, nowMs) };
  const startedAtMs = startOf(observed);
  const model = afterCall(profile.breaker, result, startedAtMs, modelBreakerSettings(settings.breaker), nowMs);
  // One bad model is its own breaker's business: its provider opens only when another of its models fails too.
  const anotherFails = Object.values(row.models).some(
    (other) => other.model !== observed.model && other.breaker.failures > 0,
  );
  const providerSettings = providerBreakerSettings(settings.breaker);
  return { model, provider: afterCall(row.breaker, result, startedAtMs, providerSettings, nowMs, anotherFails) };
}

/** Profiles carry their provider's breaker and capacity, so a change of them concerns all of its models. */
function withProvider(
  row: ProviderProfiles,
  { breaker, capacity }: { readonly breaker: Breaker; readonly capacity: Capacity | null },
  changedModels: readonly string[] | 'all',
  nowMs: number,
): Profiled {
  const shared = { providerBreaker: breaker, providerCapacity: capacity };
  const isNews =
    changedModels === 'all' ||
    breaker.health !== row.breaker.health ||
    breaker.probeAtMs !== row.breaker.probeAtMs ||
    (capacity?.share ?? 1) !== (row.capacity?.share ?? 1);
  if (isNews) {
    const changed = Object.values(row.models).map((profile) => ({ ...profile, ...shared, updatedAtMs: nowMs }));
    return { row: { ...row, breaker, capacity, models: byName(changed) }, changed };
  }
  const changed = changedModels.map((name) => ({ ...ownEntry(row.models, name)!, ...shared }));
  return { row: { ...row, breaker, capacity, models: { ...row.models, ...byName(changed) } }, changed };
}

function byName(profiles: readonly ModelProfile[]): Record<string, ModelProfile> {
  return dictionaryOf(profiles.map((profile) => [profile.model, profile] as const));
}
