/**
 * Entries of the routing cache: how a collapsed distribution is kept on the key-value port and read back. Most entries are
 * written and never read, so they are numbers as bytes: to write these as text would take as long as to collapse.
 */
import { type StrategyName, strategyNames } from '../../config/router-config';
import type { KeyValueEntry } from '../../ports/key-value';
import type { CachedDistribution, Candidate } from '../../topics/generated/messages';
import { distributionFault, isShare } from '../judge/distribution';
import { modelsHash } from './models-hash';

const keyPrefix = 'route-cache/';

export function cacheKey(fingerprint: string): string {
  return keyPrefix + fingerprint;
}

/** What an entry begins with. Those of earlier releases were JSON, and are misses. */
const format = 1;
const numberBytes = 8;
const formatBytes = 1;
const hashBytes = 44;
/** Confidence and time. */
const numbersFirst = 2;
const headBytes = formatBytes + hashBytes + numbersFirst * numberBytes;

/**
 * Format (1 byte); hash of the models (44 characters); float64, little-endian: confidence, time, a probability for each candidate, a
 * quality for each; the strategy's name up to the end. The models are those of the opened request, in its order.
 */
export function cacheEntry(
  fingerprint: string,
  candidates: readonly Pick<Candidate, 'model'>[],
  cached: Omit<CachedDistribution, 'models'>,
  ttlMs: number,
): KeyValueEntry {
  const { probabilities, qualities, strategy, confidence, cachedAtMs } = cached;
  const value = Buffer.allocUnsafe(
    headBytes + (probabilities.length + qualities.length) * numberBytes + Buffer.byteLength(strategy),
  );
  value[0] = format;
  let at = formatBytes + value.write(modelsHash(candidates), formatBytes, 'latin1');
  const write = (number: number): void => {
    at = value.writeDoubleLE(number, at);
  };
  write(confidence);
  write(cachedAtMs);
  for (const probability of probabilities) write(probability);
  for (const quality of qualities) write(quality);
  value.write(strategy, at);
  return { key: cacheKey(fingerprint), value, ttlMs };
}

/**
 * What was kept, if it is a distribution over exactly these candidates; null otherwise: a broken entry is a miss. Others
 * can write to the store, so nothing in it is believed unseen.
 */
export function readCached(bytes: Buffer | null, candidates: readonly Candidate[]): CachedDistribution | null {
  const numbers = 2 * candidates.length;
  const end = headBytes + numbers * numberBytes;
  if (!bytes || bytes.length < end || bytes[0] !== format) return null;
  if (bytes.toString('latin1', formatBytes, formatBytes + hashBytes) !== modelsHash(candidates)) return null;
  const numberAt = (place: number): number => bytes.readDoubleLE(formatBytes + hashBytes + place * numberBytes);
  const confidence = numberAt(0);
  const cachedAtMs = numberAt(1);
  const probabilities = candidates.map((_, i) => numberAt(numbersFirst + i));
  const qualities = candidates.map((_, i) => numberAt(numbersFirst + candidates.length + i));
  // It becomes a label of metrics: a word of anybody's own may not.
  const strategy: string = bytes.toString('utf8', end);
  const whole =
    distributionFault(probabilities, candidates) === null &&
    qualities.every(isShare) &&
    strategyNames.includes(strategy as StrategyName) &&
    isShare(confidence) &&
    Number.isSafeInteger(cachedAtMs);
  if (!whole) return null;
  const models = candidates.map(({ model }) => model);
  return { models, probabilities, qualities, strategy, confidence, cachedAtMs };
}
