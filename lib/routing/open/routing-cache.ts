/** Entries of the routing cache: how a collapsed distribution is kept on the key-value port and read back. */
import { strategyNames } from '../../config/router-config';
import type { KeyValueEntry } from '../../ports/key-value';
import type { CachedDistribution, Candidate } from '../../topics/generated/messages';
import { distributionFault, isShare } from '../judge/distribution';

const keyPrefix = 'route-cache/';

export function cacheKey(fingerprint: string): string {
  return keyPrefix + fingerprint;
}

export function cacheEntry(fingerprint: string, cached: CachedDistribution, ttlMs: number): KeyValueEntry {
  return { key: cacheKey(fingerprint), value: Buffer.from(JSON.stringify(cached)), ttlMs };
}

/**
 * What was kept, if it is a distribution over exactly these candidates; null otherwise: a broken entry is a miss. Others
 * can write to the store, so nothing in it is believed unseen.
 */
export function readCached(bytes: Buffer | null, candidates: readonly Candidate[]): CachedDistribution | null {
  if (!bytes) return null;
  let cached: Partial<CachedDistribution> | null;
  try {
    cached = JSON.parse(bytes.toString()) as Partial<CachedDistribution> | null;
  } catch {
    return null;
  }
  const { models, probabilities, qualities, strategy, confidence, cachedAtMs } = cached ?? {};
  const whole =
    Array.isArray(models) &&
    models.length === candidates.length &&
    candidates.every((candidate, i) => models[i] === candidate.model) &&
    areNumbers(probabilities) &&
    distributionFault(probabilities, candidates) === null &&
    areNumbers(qualities) &&
    qualities.length === models.length &&
    qualities.every(isShare) &&
    // It becomes a label of metrics: a word of anybody's own may not.
    (strategyNames as readonly unknown[]).includes(strategy) &&
    typeof confidence === 'number' &&
    isShare(confidence) &&
    Number.isSafeInteger(cachedAtMs);
  return whole ? (cached as CachedDistribution) : null;
}

function areNumbers(values: unknown): values is number[] {
  return Array.isArray(values) && values.every((value) => typeof value === 'number');
}
