/** Learned policies for serving: bytes from the blob store, parsed and validated once per hash. */
import { parsePolicy } from '../learning/value/policy';
import type { LearnedPolicy } from '../routing/judge/strategy';
import type { WeightsPointer, WeightsSource } from '../routing/judge/weights-source';
import type { Log } from '../telemetry/log';
import type { Metrics } from '../telemetry/metrics';
import type { BlobStore } from './blob-store';
import { createLru } from './lru';

export interface WeightsSourceOptions {
  /** Where a policy that fails validation is reported. */
  readonly log?: Log;
  readonly metrics?: Metrics;
  /** Parsed policies kept, and also how many invalid ones are remembered as such; default 4. */
  readonly capacity?: number;
}

/** A source over a blob store. Loads of one hash at the same time are one load; what is missing is asked for again. */
export function createWeightsSource(blobs: Pick<BlobStore, 'load'>, options: WeightsSourceOptions = {}): WeightsSource {
  const { log, metrics, capacity = 4 } = options;
  const parsed = createLru<LearnedPolicy>(capacity);
  // The bytes of a hash never change, so what is invalid stays so.
  const invalid = createLru<true>(capacity);
  const loading = new Map<string, Promise<LearnedPolicy | null>>();
  const count = (result: 'loaded' | 'missing' | 'invalid'): void => {
    metrics?.count('quantum_router_weights_loads_total', { result });
  };

  const loadOne = async ({ policySha256, basisSha256 }: WeightsPointer, key: string): Promise<LearnedPolicy | null> => {
    // A policy is nothing without the basis it was learned in.
    if (basisSha256 === null) return null;
    const [policy, basis] = await Promise.all([blobs.load(policySha256), blobs.load(basisSha256)]);
    if (!policy || !basis) {
      count('missing');
      return null;
    }
    try {
      const learned = parsePolicy(basis, policy, { policySha256, basisSha256 });
      parsed.set(key, learned);
      count('loaded');
      return learned;
    } catch (error) {
      invalid.set(key, true);
      count('invalid');
      log?.error('learned weights are invalid and will not be used', { policySha256, error: error as Error });
      return null;
    }
  };

  return {
    load(pointer) {
      const key = `${pointer.policySha256}/${pointer.basisSha256 ?? ''}`;
      const known = parsed.get(key);
      if (known) return Promise.resolve(known);
      if (invalid.get(key)) return Promise.resolve(null);
      let load = loading.get(key);
      if (!load) {
        load = loadOne(pointer, key).finally(() => loading.delete(key));
        loading.set(key, load);
      }
      return load;
    },
  };
}
