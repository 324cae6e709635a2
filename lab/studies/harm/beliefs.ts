/** What an operator may have declared of a world's models: what is known of them, what is known of others, or nothing. */
import { seededRandom } from '../../../lib/random/seeded';
import { shuffled } from '../../workloads/draw';
import type { Workload } from '../../workloads/workload';

export const beliefs = ['declared', 'shuffled', 'none'] as const;
export type Beliefs = (typeof beliefs)[number];

/** What every model is declared to be worth where nothing is known. */
const unknownQuality = 0.5;

/** Prices and latencies stay as they are. */
export function withBeliefs<T extends Workload>(workload: T, kind: Beliefs, seed: number): T {
  if (kind === 'declared') return workload;
  if (kind === 'none') {
    const models = workload.models.map((model) => ({ ...model, expectedQuality: unknownQuality, taskQuality: {} }));
    return { ...workload, models };
  }
  const order = shuffled(workload.models.length, seededRandom(seed, 'beliefs'));
  const models = workload.models.map((model, i) => {
    const { expectedQuality, taskQuality } = workload.models[order[i]!]!;
    return { ...model, expectedQuality, taskQuality };
  });
  return { ...workload, models };
}
