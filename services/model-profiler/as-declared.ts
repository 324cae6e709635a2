/** What experience is worth after the configuration has said something new of a model: what it is not about stays. */
import type { ModelConfig } from '../../lib/config/router-config';
import { dictionaryOf } from '../../lib/dictionary';
import type { DecayedStats, ModelProfile } from '../../lib/topics/generated/messages';
import { noStats } from './observe';

/**
 * Another version is another model: how it answers has to be seen anew, while its provider is as healthy as it was, and takes
 * as much. At another price only what calls cost is of the past.
 */
export function asDeclared(profile: ModelProfile, model: ModelConfig): ModelProfile {
  const version = model.version ?? null;
  const declared = { declaredVersion: version, declaredPrice: JSON.stringify(model.price) };
  // A profile from before this was kept is of whatever is configured now.
  if (profile.declaredPrice === null) return { ...profile, ...declared };
  if (profile.declaredVersion !== version)
    return { ...profile, ...declared, overall: noStats(), tasks: dictionaryOf(), firstTokens: null };
  if (profile.declaredPrice === declared.declaredPrice) return profile;
  const tasks = Object.entries(profile.tasks).map(([task, stats]) => [task, withoutCosts(stats)] as const);
  return { ...profile, ...declared, overall: withoutCosts(profile.overall), tasks: dictionaryOf(tasks) };
}

function withoutCosts(stats: DecayedStats): DecayedStats {
  return { ...stats, costUsd: 0, costWeight: 0, costPerMillionTokensUsd: 0, costedTokens: 0 };
}
