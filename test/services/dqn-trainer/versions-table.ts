/** Versions as the tests of the trainer's parts need them. */
import type { WeightsPublished, WeightsVersion } from '../../../lib/topics/generated/messages';

export type VersionChange = Partial<Omit<WeightsVersion, 'weights'>> & { readonly weights?: Partial<WeightsPublished> };

export function versionOf(policySha256: string, change: VersionChange = {}): WeightsVersion {
  const { weights, ...rest } = change;
  return {
    weights: {
      sequence: 0,
      policySha256,
      basisSha256: 'basis',
      parentSha256: null,
      learnedRewards: 24,
      fromOffset: 0,
      toOffset: 24,
      encoderVersion: 'sketch',
      backend: 'wasm',
      seed: 1,
      lineage: 'here',
      reason: 'INCREMENT',
      models: ['alpha', 'bravo'],
      metrics: {},
      publishedAtMs: 0,
      ...weights,
    },
    state: 'PUBLISHED',
    why: '',
    configVersion: 1,
    evidence: {},
    tuning: null,
    checkpointSha256: null,
    forgot: null,
    changedAtMs: 0,
    ...rest,
  };
}
