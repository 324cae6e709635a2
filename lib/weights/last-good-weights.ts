/**
 * What strategy threads ask for weights: the pinned policy when it can be had soon, else the last good one, for the
 * ladder's step LAST_GOOD_WEIGHTS. Requests are never kept waiting by a slow store or a long read of the log.
 */
import type { Clock } from '../ports/clock';
import type { LearnedPolicy } from '../routing/judge/strategy';
import type { WeightsPointer, WeightsSource } from '../routing/judge/weights-source';
import { createLru } from './lru';

export interface LastGoodWeights {
  /** The pinned policy, else the last good one, else null. Never rejects. Tries a missing one again after `retryAfterMs`. */
  load(pointer: WeightsPointer, nowMs: number): Promise<LearnedPolicy | null>;
}

export interface LastGoodWeightsOptions {
  /** Longest wait for a policy; then it goes on loading, and nobody waits for it again. Default 50. */
  readonly maxWaitMs?: number;
  /** Default 1,000. */
  readonly retryAfterMs?: number;
}

/** Policies that may go on loading with nobody waiting; no further one is begun. */
const maxLate = 2;
const maxMissing = 100;

/** On a source that keeps what it has parsed: it is asked for every batch. */
export function createLastGoodWeights(
  source: WeightsSource,
  clock: Clock,
  options: LastGoodWeightsOptions = {},
): LastGoodWeights {
  const { maxWaitMs = 50, retryAfterMs = 1_000 } = options;
  const missingUntilMs = createLru<number>(maxMissing);
  const late = new Set<string>();
  let asked = 0;
  let lastGood: { readonly policy: LearnedPolicy; readonly asked: number } | null = null;

  const ask = async (pointer: WeightsPointer, key: string, nowMs: number): Promise<LearnedPolicy | null> => {
    const turn = ++asked;
    let policy: LearnedPolicy | null = null;
    try {
      policy = await source.load(pointer);
    } catch {
      // A source that fails has nothing for now.
    }
    late.delete(key);
    if (!policy) missingUntilMs.set(key, nowMs + retryAfterMs);
    // One that was asked for earlier and came later is not the last.
    else if (turn > (lastGood?.asked ?? 0)) lastGood = { policy, asked: turn };
    return policy;
  };

  return {
    async load(pointer, nowMs) {
      const key = `${pointer.policySha256}/${pointer.basisSha256 ?? ''}`;
      const isMissing = nowMs < (missingUntilMs.get(key) ?? Number.NEGATIVE_INFINITY);
      let policy: LearnedPolicy | null = null;
      if (!isMissing && !late.has(key) && late.size < maxLate) {
        policy = await new Promise((resolve) => {
          const cancel = clock.setTimer(maxWaitMs, () => {
            late.add(key);
            resolve(null);
          });
          void ask(pointer, key, nowMs).then((found) => {
            cancel();
            resolve(found);
          });
        });
      }
      return policy ?? lastGood?.policy ?? null;
    },
  };
}
