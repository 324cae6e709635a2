/**
 * What strategy threads ask for weights: keeps what a source gave, and the last policy that could be loaded, for the
 * ladder's step LAST_GOOD_WEIGHTS.
 */
import type { LearnedPolicy } from '../routing/strategy';
import type { WeightsPointer, WeightsSource } from '../routing/weights-source';
import { createLru } from './lru';

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
  const entries = createLru<Entry>(capacity);
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
      const isDue = known?.retryAtMs != null && known.retryAtMs <= nowMs;
      const entry = known && !isDue ? known : ask(pointer, nowMs);
      entries.set(key, entry);
      return (await entry.policy) ?? lastGood;
    },
  };
}
