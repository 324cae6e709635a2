/** Which providers are probed now, and by which of their models: pure. */
import type { ProviderConfig } from '../../lib/config/provider-config';
import type { ModelConfig, RouterConfig } from '../../lib/config/router-config';
import { ownEntry } from '../../lib/dictionary';
import { mayBeProbed } from '../../lib/routing/open/admission';
import type { ModelProfile } from '../../lib/topics/generated/messages';

export interface Probe {
  readonly model: ModelConfig;
  readonly provider: ProviderConfig;
  readonly timeoutMs: number;
}

/** When each provider, and each of its models, was last probed from here, milliseconds since the epoch. */
export interface ProbedAt {
  readonly providers: Map<string, number>;
  readonly models: Map<string, number>;
}

/**
 * One probe for each provider whose turn it is: of its models that wait to be probed the one that has waited longest, the first of
 * the configuration where several have. A provider seen for the first time waits for its interval, since somebody else may just
 * have probed it. Notes in `probedAt` what it hands out.
 */
export function planProbes(
  { models, providers }: Pick<RouterConfig, 'models' | 'providers'>,
  profileOf: (model: string) => ModelProfile | undefined,
  probedAt: ProbedAt,
  nowMs: number,
): readonly Probe[] {
  const planned: Probe[] = [];
  forgetOthers(probedAt, providers);
  for (const [name, provider] of Object.entries(providers)) {
    const probe = provider.probe ?? null;
    if (probe === null) continue;
    const lastMs = probedAt.providers.get(name);
    if (lastMs === undefined) probedAt.providers.set(name, nowMs);
    // One that is still to come was noted by a clock that has been set back since.
    if (lastMs === undefined || (lastMs <= nowMs && nowMs - lastMs < probe.everyMs)) continue;
    let longest: ModelConfig | null = null;
    for (const model of models) {
      if (model.provider !== name || !isWaiting(profileOf(model.name), nowMs)) continue;
      if (longest === null || atOf(probedAt, model) < atOf(probedAt, longest)) longest = model;
    }
    if (longest === null) continue;
    probedAt.providers.set(name, nowMs);
    probedAt.models.set(longest.name, nowMs);
    planned.push({ model: longest, provider, timeoutMs: probe.timeoutMs });
  }
  return planned;
}

/** Calls while a breaker is open change nothing: only those are probed that are to show whether they are well again. */
function isWaiting(profile: ModelProfile | undefined, nowMs: number): boolean {
  if (!profile) return false;
  const breakers = [profile.breaker, profile.providerBreaker];
  const isOpen = breakers.some((breaker) => breaker.health === 'OPEN' && !mayBeProbed(breaker, nowMs));
  return !isOpen && breakers.some((breaker) => mayBeProbed(breaker, nowMs));
}

function atOf({ models }: ProbedAt, { name }: ModelConfig): number {
  return models.get(name) ?? Number.NEGATIVE_INFINITY;
}

/** Configurations come and go; what is kept is bounded by the one in force. */
function forgetOthers({ providers, models }: ProbedAt, configured: RouterConfig['providers']): void {
  for (const name of providers.keys()) if (!ownEntry(configured, name)?.probe) providers.delete(name);
  if (providers.size === 0) models.clear();
}
