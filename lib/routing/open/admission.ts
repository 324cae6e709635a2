/**
 * Which share of the requests may use a model now: few while it is probed, more and more while it returns from an outage, and
 * as many as it can take where its calls were refused for their rate. A share that grows smoothly is what keeps a provider
 * that is just up again from being overrun, and what all instances agree on without talking to each other.
 *
 * The state is what the profiler wrote to the log, and the time is that of the request. Only whether a probe is under way is
 * what this process knows by itself, so the partitions take turns at it (`probe-turns.ts`).
 */
import type { RouterConfig } from '../../config/router-config';
import { ownEntry } from '../../dictionary';
import type { Breaker, Capacity, ModelProfile } from '../../topics/generated/messages';
import { rampMsAfter } from './breaker-times';
import { modelBreaker, type ProbeMemory, providerBreaker } from './probe-memory';
import { type PartitionPlace, type ProbeTurn, probeTurnAt } from './probe-turns';

export interface Admission {
  /** Of the requests, 0..1, that may use it. */
  readonly share: number;
  /**
   * `waiting`: half open, and probed; `returning`: up again, and on its way to all of its traffic; `limited`: it takes no
   * more a minute; `resting`: it has asked to be left alone.
   */
  readonly kind: 'waiting' | 'returning' | 'limited' | 'resting';
}

interface KnownNow {
  readonly config: Pick<RouterConfig, 'models' | 'breaker' | 'providers'>;
  readonly profileOf: (model: string) => ModelProfile | undefined;
  readonly nowMs: number;
  /** Whose requests are asked about, and what this process knows of their probes; left out: those of all together. */
  readonly prober?: PartitionPlace & { readonly probes: ProbeMemory };
}

/** While a probe has had no answer for longer than this no other is let through in its turn: each may hang for minutes. */
const freshProbeMs = 200;
/** A capacity that was cut is whole again after so long; until then it grows by the same step every millisecond. */
const wholeAgainMs = 300_000;

/** One entry per configured model, null for whoever may serve all requests; null altogether where that is everybody. */
export function admissionsOf({ config, profileOf, nowMs, prober }: KnownNow): readonly (Admission | null)[] | null {
  const { models, breaker } = config;
  const profiles = models.map(({ name }) => profileOf(name));
  const providers = newestOfProviders(profiles);
  const ofBreaker = (name: string, state: Breaker, isCalled: boolean, turn: ProbeTurn | null): Admission | null =>
    breakerAdmission(state, breaker, isCalled, nowMs, () => {
      const probedMs = turn && prober ? prober.probes.probedAtMs(name, turn.startedMs) : null;
      return firstProbeShare(turn, probedMs, breaker, nowMs);
    });
  let found: (Admission | null)[] | null = null;
  for (const [i, profile] of profiles.entries()) {
    const { name, provider: providerName } = models[i]!;
    const provider = providers.get(providerName);
    // Where the engine calls it by itself no request has to.
    const isCalled = Boolean(ownEntry(config.providers, providerName)?.probe);
    // The provider's turn is that of all its models: one probe serves all of them. Were there a turn for each breaker, they could
    // be those of different partitions, too, and nobody would probe.
    const sinceMs = waitingSinceMs(provider?.breaker, nowMs) ?? waitingSinceMs(profile?.breaker, nowMs);
    const turn =
      prober && sinceMs !== null ? probeTurnAt(nowMs, { provider: providerName, sinceMs }, breaker, prober) : null;
    const admission = [
      profile && ofBreaker(modelBreaker(name), profile.breaker, isCalled, turn),
      provider && ofBreaker(providerBreaker(providerName), provider.breaker, isCalled, turn),
      profile?.capacity && capacityAdmission(profile.capacity, nowMs),
      provider?.capacity && capacityAdmission(provider.capacity, nowMs),
    ].reduce<Admission | null>((least, one) => (one && (!least || one.share < least.share) ? one : least), null);
    if (admission === null) continue;
    found ??= new Array<Admission | null>(models.length).fill(null);
    found[i] = admission;
  }
  return found;
}

/** Clocks of machines differ by less. What was written more than this later than now was written by one that was set back since. */
const mostAheadMs = 60_000;

/**
 * Whether a breaker lets probes through: it is half open, or nobody has written yet that its wait is over, or nobody can say when
 * it is. What comes of a probe then lets the profiler write it anew.
 */
export function mayBeProbed({ health, probeAtMs, changedAtMs }: Breaker, nowMs: number): boolean {
  if (health !== 'OPEN') return health === 'HALF_OPEN';
  return (probeAtMs !== null && probeAtMs <= nowMs) || changedAtMs > nowMs + mostAheadMs;
}

/**
 * Whether a breaker that may be probed lets everybody through by now. Where no probe is answered for as long as the longest wait,
 * nobody has had a use for the model: what it failed at is so long ago that it returns as if it had answered.
 */
export function returnsByItself(
  breaker: Breaker,
  { maxOpenMs }: Pick<RouterConfig['breaker'], 'maxOpenMs'>,
  nowMs: number,
): boolean {
  return mayBeProbed(breaker, nowMs) && nowMs - probedSinceMs(breaker) > maxOpenMs;
}

/** Since when a breaker may be probed, milliseconds since the epoch; null for one that may not. */
function waitingSinceMs(breaker: Breaker | undefined, nowMs: number): number | null {
  return breaker && mayBeProbed(breaker, nowMs) ? probedSinceMs(breaker) : null;
}

function probedSinceMs({ health, probeAtMs, changedAtMs }: Breaker): number {
  return health === 'OPEN' && probeAtMs !== null ? probeAtMs : changedAtMs;
}

/** When the newest of the configured models' profiles was written, milliseconds since the epoch; null where there is none. */
export function newestProfileMs({ config, profileOf }: Omit<KnownNow, 'nowMs'>): number | null {
  let newest: number | null = null;
  for (const { name } of config.models) {
    const profile = profileOf(name);
    if (profile && (newest === null || profile.updatedAtMs > newest)) newest = profile.updatedAtMs;
  }
  return newest;
}

/** The share of a capacity at this moment, 0..1. */
export function shareAt({ share, changedAtMs }: Pick<Capacity, 'share' | 'changedAtMs'>, nowMs: number): number {
  return Math.min(1, share + Math.max(0, nowMs - changedAtMs) / wholeAgainMs);
}

interface KnownOfProvider {
  breaker: Breaker;
  capacity: Capacity | null;
}

/** Every profile carries its provider's breaker and capacity as they were when it was written: the newest are right. */
function newestOfProviders(profiles: readonly (ModelProfile | undefined)[]): ReadonlyMap<string, KnownOfProvider> {
  const providers = new Map<string, KnownOfProvider>();
  for (const profile of profiles) {
    if (!profile) continue;
    const { provider, providerBreaker, providerCapacity } = profile;
    const known = providers.get(provider);
    if (!known) providers.set(provider, { breaker: providerBreaker, capacity: providerCapacity });
    else {
      if (isNewer(providerBreaker, known.breaker)) known.breaker = providerBreaker;
      if ((known.capacity?.measuredAtMs ?? 0) < (providerCapacity?.measuredAtMs ?? 0))
        known.capacity = providerCapacity;
    }
  }
  return providers;
}

/** Whether a provider's breaker is the newer one of two. An answered probe changes nothing but their count. */
export function isNewer(breaker: Breaker, than: Breaker): boolean {
  if (breaker.changedAtMs !== than.changedAtMs) return breaker.changedAtMs > than.changedAtMs;
  return breaker.probesSucceeded > than.probesSucceeded;
}

/** Null for a breaker that lets everything through, or nothing: that is health's to say. */
function breakerAdmission(
  state: Breaker,
  settings: RouterConfig['breaker'],
  isCalled: boolean,
  nowMs: number,
  firstShare: () => number,
): Admission | null {
  const { health, changedAtMs, probesSucceeded, openings } = state;
  if (mayBeProbed(state, nowMs)) {
    const sinceMs = probedSinceMs(state);
    if (returnsByItself(state, settings, nowMs))
      return { share: rampShare(openings, nowMs - sinceMs - settings.maxOpenMs, settings), kind: 'waiting' };
    if (isCalled) return { share: 0, kind: 'waiting' };
    // A probe that was answered makes room for the next ones, wherever they are.
    return { share: probesSucceeded > 0 ? settings.probeShare : firstShare(), kind: 'waiting' };
  }
  if (health !== 'CLOSED' || openings === 0) return null;
  const share = rampShare(openings, nowMs - changedAtMs, settings);
  return share < 1 ? { share, kind: 'returning' } : null;
}

/**
 * Of those whose turn it is so many that as many of all requests probe as without turns, until one does; once that may hang, none.
 */
function firstProbeShare(
  turn: ProbeTurn | null,
  probedMs: number | null,
  { probeShare }: RouterConfig['breaker'],
  nowMs: number,
): number {
  if (turn === null) return probeShare;
  if (!turn.isOwn || (probedMs !== null && nowMs - probedMs > freshProbeMs)) return 0;
  return probedMs === null ? Math.min(1, probeShare / turn.share) : probeShare;
}

/** From the share of probes to all, by the same factor every second: whoever scales up with the load can follow. */
function rampShare(openings: number, sinceMs: number, settings: RouterConfig['breaker']): number {
  const left = Math.max(0, 1 - Math.max(0, sinceMs) / Math.max(1, rampMsAfter(openings, settings)));
  return left === 0 ? 1 : Math.max(settings.probeShare, leastRampShare) ** left;
}

/** A power of nothing would stay nothing to the end. */
const leastRampShare = 0.001;

function capacityAdmission(capacity: Capacity, nowMs: number): Admission | null {
  const { restUntilMs, measuredAtMs } = capacity;
  if (restUntilMs > nowMs && measuredAtMs <= nowMs + mostAheadMs) return { share: 0, kind: 'resting' };
  const share = shareAt(capacity, nowMs);
  return share < 1 ? { share, kind: 'limited' } : null;
}
