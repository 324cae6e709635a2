/**
 * Keeps in the routing cache what the weights say of a text, and for how long: kinds of requests whose checks come out wrong are kept
 * shorter. What is asked for again and again is computed anew here before it ends, so that requests go on finding it while learning goes
 * on: at most eight for each request that comes by, whoever judges that.
 */
import { policyOfValues } from '../../lib/learning/value/kept-values';
import type { KeyValueEntry } from '../../lib/ports/key-value';
import { learnedStrategy } from '../../lib/routing/judge/strategies/strategies';
import type { Judgement, LearnedPolicy } from '../../lib/routing/judge/strategy';
import { cacheEntry, type Lifetime } from '../../lib/routing/open/routing-cache';
import type { Metrics } from '../../lib/telemetry/metrics';
import type { RouteOpened, ThreadScore } from '../../lib/topics/generated/messages';

/** What is to be written of a request that came by. `threads` are none where the cache has judged it. */
export type KeepInCache = (
  opened: RouteOpened,
  threads: readonly ThreadScore[],
  learned: LearnedPolicy | null,
  nowMs: number,
) => KeyValueEntry[];

export interface CacheOptions {
  /** Nothing is kept longer. */
  readonly ttlMs: number;
  readonly metrics: Metrics;
}

/** An entry lasts until the weights have learned from so many more rewards, as a share of those they know. */
const rewardsShare = 0.07;
/** Entries made together do not end together: they end up to this share of their life sooner. */
const jitter = 0.2;
/** What a kind of requests is kept at least, as a share; a wrong check halves it, and so many right ones in a row restore it. */
const leastLife = 1 / 16;
const rightChecks = 50;
/** Kinds are the callers' own words: beyond so many they share what is known of them. */
const mostKinds = 100;
/** Texts that are renewed before they end: those asked for last. */
const mostRecent = 512;
/** ...once so much of their life is over... */
const renewFrom = 0.5;
/** ...and for each request so many are looked at and renewed. */
const lookedAt = 64;
const mostRenewed = 8;

/** A text that was asked for lately. */
interface Recent {
  /** The last request that was about it. */
  opened: RouteOpened;
  usedAtMs: number;
  readonly policySha256: string;
  readonly basisSha256: string | null;
  readonly learnedRewards: number;
  readonly madeAtMs: number;
  readonly life: Lifetime;
}

export function createKeepInCache({ ttlMs, metrics }: CacheOptions): KeepInCache {
  const lives = createLives(metrics);
  const recent = new Map<string, Recent>();
  let next = recent.entries();

  const keep = (opened: RouteOpened, learned: LearnedPolicy, nowMs: number, usedAtMs: number): KeyValueEntry[] => {
    const values = learned.valuesOf?.(opened) ?? null;
    if (values === null) return [];
    const share = lives.of(opened.taskType) * (1 - jitter * ((opened.seed % 1_000) / 1_000));
    const { policySha256, learnedRewards } = values;
    const life = { ttlMs: share * ttlMs, rewards: share * rewardsShare * learnedRewards };
    recent.delete(opened.cacheFingerprint);
    const { basisSha256 } = opened;
    recent.set(opened.cacheFingerprint, {
      ...{ opened, usedAtMs, policySha256, basisSha256, learnedRewards, madeAtMs: nowMs, life },
    });
    if (recent.size > mostRecent) recent.delete(recent.keys().next().value!);
    return [cacheEntry(opened, values, life, nowMs)];
  };

  /** Those of the next recent ones that are due. */
  const renew = (by: RouteOpened, learned: LearnedPolicy, nowMs: number): KeyValueEntry[] => {
    const renewed: KeyValueEntry[] = [];
    for (let i = 0; i < lookedAt && renewed.length < mostRenewed; i++) {
      let at = next.next();
      if (at.done) {
        next = recent.entries();
        at = next.next();
        if (at.done) break;
      }
      const [key, entry] = at.value;
      if (nowMs - entry.usedAtMs >= ttlMs) recent.delete(key);
      else if (isDue(entry, by, nowMs)) {
        const { policySha256, basisSha256, tuning } = by;
        const again = { ...entry.opened, policySha256, basisSha256, tuning };
        renewed.push(...keep(again, learned, nowMs, entry.usedAtMs));
      }
    }
    return renewed;
  };

  return (opened, threads, learned, nowMs) => {
    const { cacheFingerprint, policySha256, cachedValues, taskType } = opened;
    // Other weights than those of the request are the last good ones: they are not to be spread.
    if (cacheFingerprint === '' || learned === null || learned.policySha256 !== policySha256) return [];
    const thread = threads.find(({ strategy }) => strategy === learnedStrategy);
    if (thread) {
      if (thread.status !== 'SUCCESS' || thread.coldStart) return [];
      if (cachedValues) lives.learn(taskType, cacheError(opened, thread) <= mostCacheError);
      return keep(opened, learned, nowMs, nowMs);
    }
    const known = recent.get(cacheFingerprint);
    if (known) {
      known.opened = opened;
      known.usedAtMs = nowMs;
    }
    return renew(opened, learned, nowMs);
  };
}

function isDue({ policySha256, basisSha256, learnedRewards, madeAtMs, life }: Recent, by: RouteOpened, nowMs: number) {
  if (nowMs - madeAtMs >= renewFrom * life.ttlMs) return true;
  if (policySha256 === by.policySha256) return false;
  return basisSha256 !== by.basisSha256 || by.tuning.learnedRewards - learnedRewards >= renewFrom * life.rewards;
}

/** What share of the time to live each kind of requests has earned. */
function createLives(metrics: Metrics) {
  const shares = new Map<string, number>();
  const right = metrics.counter('quantum_router_cache_checks_total', { result: 'right' });
  const wrong = metrics.counter('quantum_router_cache_checks_total', { result: 'wrong' });
  const kindOf = (taskType: string): string => (shares.has(taskType) || shares.size < mostKinds ? taskType : '');
  const of = (taskType: string): number => shares.get(kindOf(taskType)) ?? 1;
  return {
    of,
    learn(taskType: string, isRight: boolean): void {
      (isRight ? right : wrong)();
      const share = of(taskType);
      shares.set(kindOf(taskType), isRight ? Math.min(1, share + 1 / rightChecks) : Math.max(leastLife, share / 2));
    },
  };
}

/** Two hundredths of the way from no quality to all of it. */
const mostCacheError = 0.02;

/**
 * How far the cached values of a check are from right: the difference in expected utility between the learned strategy's distribution by
 * them and by the weights, both by the utilities of the weights. Infinite where they are no values.
 */
export function cacheError(opened: RouteOpened, fresh: Pick<Judgement, 'probabilities' | 'utilities'>): number {
  let cached: Judgement;
  try {
    cached = policyOfValues(opened.cachedValues!).judge(opened);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
  return Math.abs(
    fresh.utilities.reduce(
      (sum, utility, i) => sum + (fresh.probabilities[i]! - cached.probabilities[i]!) * utility,
      0,
    ),
  );
}
