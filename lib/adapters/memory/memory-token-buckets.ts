/** Buckets of tokens inside one process. The one used longest ago goes first. */
import { newestEntries } from '../../newest-entries';
import type { Clock } from '../../ports/clock';
import type { Bucket, Taken, TokenBuckets } from '../../ports/token-buckets';

export interface MemoryTokenBuckets extends TokenBuckets {
  /** `overdraft`: so many tokens may be taken that are not there yet; 0 by default. */
  takeToken(key: string, bucket: Bucket, overdraft?: number): Promise<Taken>;
}

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
}): MemoryTokenBuckets {
  const levels = newestEntries<string, Level>(maxBuckets);
  return {
    async takeToken(key, { capacity, perSecond }, overdraft = 0) {
      const nowMs = clock.monotonicMs();
      const { tokens: before, atMs } = levels.get(key) ?? { tokens: capacity, atMs: nowMs };
      const level = Math.min(capacity, before + ((nowMs - atMs) / 1_000) * perSecond);
      const isTaken = level + overdraft >= 1;
      const tokens = isTaken ? level - 1 : level;
      levels.set(key, { tokens, atMs: nowMs });
      return { isTaken, tokens };
    },
  };
}
