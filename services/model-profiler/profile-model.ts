/** One observation's effect on its provider's row: the model's statistics, its breaker and its provider's. */
import { maxModels, type RouterConfig } from '../../lib/config/router-config';
import { dictionaryOf, ownEntry } from '../../lib/dictionary';
import type { Breaker, ModelObserved, ModelProfile, ProviderProfiles } from '../../lib/topics/generated/messages';
import { boundTasks, tasksAfter } from './bound-tasks';
import {
  afterCall,
  afterWait,
  type CallResult,
  closedBreaker,
  modelBreakerSettings,
  providerBreakerSettings,
} from './breaker';
import { afterObservation, decayOf, noStats } from './observe';

/** What the profiler needs of the configuration. */
export type ProfilerSettings = Pick<RouterConfig, 'breaker' | 'profileHalfLifeObservations'>;

/** A changed row and the profiles to publish because of it. */
export interface Profiled {
  readonly row: ProviderProfiles;
  readonly changed: readonly ModelProfile[];
}

/** A configuration has no more models; of a provider's row those not seen for longest go. */
const maxModelsOfProvider = maxModels;

export function profileModel(
  before: ProviderProfiles | undefined,
  observed: ModelObserved,
  settings: ProfilerSettings,
  nowMs: number,
): Profiled {
  const row = before ?? {
    provider: observed.provider,
    breaker: closedBreaker(nowMs),
    models: dictionaryOf<string, ModelProfile>(),
  };
  const profile = ownEntry(row.models, observed.model) ?? newProfile(observed, row.breaker, nowMs);
  const decay = decayOf(settings.profileHalfLifeObservations);
  const breakers = breakersAfter(row, profile, observed, settings, nowMs);
  const next: ModelProfile = {
    ...profile,
    overall: afterObservation(profile.overall, observed, decay),
    tasks: tasksAfter(profile.tasks, observed, decay),
    breaker: breakers.model,
    updatedAtMs: nowMs,
  };
  return withProvider(
    { ...row, models: bounded(withModel(row.models, next), observed) },
    breakers.provider,
    [observed.model],
    nowMs,
  );
}

/** What time alone does to a row: breakers whose wait is over become HALF_OPEN. */
export function profilesAfterWait(row: ProviderProfiles, nowMs: number): Profiled {
  const models = new Map(Object.entries(row.models));
  const changed: string[] = [];
  for (const profile of Object.values(row.models)) {
    const breaker = afterWait(profile.breaker, nowMs);
    if (breaker === profile.breaker) continue;
    models.set(profile.model, { ...profile, breaker, updatedAtMs: nowMs });
    changed.push(profile.model);
  }
  return withProvider({ ...row, models: dictionaryOf(models) }, afterWait(row.breaker, nowMs), changed, nowMs);
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
  return observed.status === 'SUCCESS' ? 'success' : 'failure';
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
  const { observedAtMs } = observed;
  const model = afterCall(profile.breaker, result, observedAtMs, modelBreakerSettings(settings.breaker), nowMs);
  // One bad model is its own breaker's business: its provider opens only when another of its models fails too.
  const anotherFails = Object.values(row.models).some(
    (other) => other.model !== observed.model && other.breaker.failures > 0,
  );
  const providerSettings = providerBreakerSettings(settings.breaker);
  return { model, provider: afterCall(row.breaker, result, observedAtMs, providerSettings, nowMs, anotherFails) };
}

/** Profiles carry their provider's breaker, so a change of it concerns all of them. */
function withProvider(
  row: ProviderProfiles,
  breaker: Breaker,
  changedModels: readonly string[],
  nowMs: number,
): Profiled {
  if (breaker.health !== row.breaker.health || breaker.probeAtMs !== row.breaker.probeAtMs) {
    const changed = Object.values(row.models).map((profile) => ({
      ...profile,
      providerBreaker: breaker,
      updatedAtMs: nowMs,
    }));
    return { row: { ...row, breaker, models: byName(changed) }, changed };
  }
  const changed = changedModels.map((name) => ({ ...ownEntry(row.models, name)!, providerBreaker: breaker }));
  return { row: { ...row, breaker, models: { ...row.models, ...byName(changed) } }, changed };
}

function byName(profiles: readonly ModelProfile[]): Record<string, ModelProfile> {
  return dictionaryOf(profiles.map((profile) => [profile.model, profile] as const));
}
