/**
 * Where learned weights come from. Adapters read blobs by hash (key-value first, then the log); the cache here keeps what
 * was parsed, and the last policy that could be loaded for the ladder's step LAST_GOOD_WEIGHTS.
 */
import type { LearnedPolicy } from './strategy';

/** As pinned in `route.opened`. */
export interface WeightsPointer {
  readonly policySha256: string;
  readonly basisSha256: string | null;
}

export interface WeightsSource {
  /**
   * The parsed policy; null where the blob is missing or fails validation (hash, shape, finite). May throw a
   * TransientError, which counts as missing for now.
   */
  load(pointer: WeightsPointer): Promise<LearnedPolicy | null>;
}

export interface WeightsCache {
  /** The pinned policy, else the last good one, else null. Tries a missing one again after `retryAfterMs`. */
  load(pointer: WeightsPointer, nowMs: number): Promise<LearnedPolicy | null>;
}

export interface WeightsCacheOptions {
  /** Parsed policies kept, the least recently used goes first. Default 4. */
  readonly capacity?: number;
  /** Default 1,000. */
  readonly retryAfterMs?: number;
}

interface Entry {
  readonly policy: Promise<LearnedPolicy | null>;
  /** When to ask the source again; null while the policy is there or being loaded. */
  retryAtMs: number | null;
}

export function createWeightsCache(source: WeightsSource, options: WeightsCacheOptions = {}): WeightsCache {
  const { capacity = 4, retryAfterMs = 1_000 } = options;
  // In order of last use: a Map iterates in order of insertion.
  const entries = new Map<string, Entry>();
  let lastGood: LearnedPolicy | null = null;

  const ask = (pointer: WeightsPointer, nowMs: number): Entry => {
    const entry: Entry = {
      retryAtMs: null,
      policy: source.load(pointer).then(
        (policy) => {
          if (policy) lastGood = policy;
          else entry.retryAtMs = nowMs + retryAfterMs;
          return policy;
        },
        () => {
          entry.retryAtMs = nowMs + retryAfterMs;
          return null;
        },
      ),
    };
    return entry;
  };

  return {
    async load(pointer, nowMs) {
      const key = `${pointer.policySha256}/${pointer.basisSha256 ?? ''}`;
      const known = entries.get(key);
      const entry = !known || (known.retryAtMs !== null && known.retryAtMs <= nowMs) ? ask(pointer, nowMs) : known;
      entries.delete(key);
      entries.set(key, entry);
      if (entries.size > capacity) entries.delete(entries.keys().next().value!);
      return (await entry.policy) ?? lastGood;
    },
  };
}
