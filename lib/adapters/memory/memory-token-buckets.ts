/** Buckets of tokens inside one process. The one used longest ago goes first. */
import type { Clock } from '../../ports/clock';
import type { TokenBuckets } from '../../ports/token-buckets';

interface Level {
  readonly tokens: number;
  readonly atMs: number;
}

const defaultMaxBuckets = 20_000;

export function createMemoryTokenBuckets({
  clock,
  maxBuckets = defaultMaxBuckets,
}: {
  readonly clock: Clock;
  readonly maxBuckets?: number;
}): TokenBuckets {
  // A Map iterates in order of insertion: re-inserting at every use makes the first key the least recently used.
  const levels = new Map<string, Level>();
  return {
    async takeToken(key, { capacity, perSecond }) {
      const nowMs = clock.monotonicMs();
      const { tokens: before, atMs } = levels.get(key) ?? { tokens: capacity, atMs: nowMs };
      const level = Math.min(capacity, before + ((nowMs - atMs) / 1_000) * perSecond);
      const isTaken = level >= 1;
      const tokens = isTaken ? level - 1 : level;
      levels.delete(key);
      levels.set(key, { tokens, atMs: nowMs });
      if (levels.size > maxBuckets) levels.delete(levels.keys().next().value!);
      return { isTaken, tokens };
    },
  };
}
