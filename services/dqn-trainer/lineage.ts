/**
 * What weights are a function of besides the log, as a short name. Weights of one lineage follow from one another and are
 * published as they come; those of another must first show that they are no worse.
 */
import { createHash } from 'node:crypto';
import { forgottenOf } from '../../lib/learning/fold/forget';
import type { WeightsPublished } from '../../lib/topics/generated/messages';
import type { FoldSettings } from './fold/fold-settings';

/** Of the fold itself. Raise it with every release whose fold gives other weights for the same log and settings. */
export const algorithmVersion = 9;

/** Characters of the hash: lineages are few, and people read it. */
const lineageCharacters = 12;

export function lineageIdOf({ seed, encoderVersion, algorithm, learning }: FoldSettings): string {
  const { pipeline, backend } = learning;
  const forgotten = forgottenOf(learning.forget);
  // Where nothing is forgotten, the name is what it was before anything could be.
  const withoutThem = forgotten.length > 0 ? { forgotten } : {};
  const madeOf = JSON.stringify({ seed, pipeline, encoderVersion, backend, algorithm, ...withoutThem });
  return createHash('sha256').update(madeOf).digest('hex').slice(0, lineageCharacters);
}

/** Whether these weights are of the lineage. Those published before lineages had names are known by what they say of themselves. */
export function isOfLineage(weights: WeightsPublished, settings: FoldSettings): boolean {
  if (weights.lineage !== '') return weights.lineage === lineageIdOf(settings);
  const { seed, encoderVersion, learning } = settings;
  return weights.seed === seed && weights.encoderVersion === encoderVersion && weights.backend === learning.backend;
}
