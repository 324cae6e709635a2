/** Entries of the routing cache: how a collapsed distribution is kept on the key-value port and read back. */
import type { KeyValueEntry } from '../ports/key-value';
import type { CachedDistribution, Candidate } from '../topics/generated/messages';

const keyPrefix = 'route-cache/';

export function cacheKey(fingerprint: string): string {
  return keyPrefix + fingerprint;
}

export function cacheEntry(fingerprint: string, cached: CachedDistribution, ttlMs: number): KeyValueEntry {
  return { key: cacheKey(fingerprint), value: Buffer.from(JSON.stringify(cached)), ttlMs };
}

/** What was kept, if it is whole and about exactly these candidates; null otherwise: a broken entry is a miss. */
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
    areNumbers(probabilities, models.length) &&
    areNumbers(qualities, models.length) &&
    typeof strategy === 'string' &&
    areNumbers([confidence], 1) &&
    Number.isSafeInteger(cachedAtMs);
  return whole ? (cached as CachedDistribution) : null;
}

function areNumbers(values: unknown, length: number): boolean {
  return (
    Array.isArray(values) && values.length === length && values.every((value) => Number.isFinite(value) && value >= 0)
  );
}
