/** What weights say of a text, and weights that say the same of every text, for tests of the routing cache. */
import { createJudge, type PolicyFacts, type Values } from '../../../lib/learning/value/judge-values';
import { type KeptValues, keepValues } from '../../../lib/learning/value/kept-values';
import { headCount } from '../../../lib/learning/value/linear-half';
import type { LearnedPolicy } from '../../../lib/routing/judge/strategy';
import type { CachedValues, WeightsPublished } from '../../../lib/topics/generated/messages';

const keptModels = ['large', 'small', 'swift'];

export interface Weights {
  readonly policySha256: string;
  /** Of each of `keptModels`, by every head. */
  readonly qualities: readonly number[];
  readonly learnedRewards: number;
}

const someWeights: Weights = { policySha256: 'p1', qualities: [0.5, 0.9, 0.4], learnedRewards: 1_000 };

export function policyOf(changes: Partial<Weights> = {}): Required<Omit<LearnedPolicy, 'study'>> {
  const { policySha256, qualities, learnedRewards } = { ...someWeights, ...changes };
  const facts: PolicyFacts = {
    ...{ policySha256, models: keptModels, hasLinear: true, rewardMean: 0.5, guarantees: new Map() },
  };
  const values: Values = {
    heads: Float64Array.from(qualities.flatMap((quality) => new Array<number>(headCount).fill(quality))),
    means: Float64Array.from(qualities),
    costFactors: Float64Array.from(qualities, () => 1),
  };
  return {
    policySha256,
    judge: createJudge(facts, () => values),
    valuesOf: () => keepValues(facts, values, learnedRewards),
  };
}

export function keptOf(changes: Partial<Weights> = {}): KeptValues {
  return policyOf(changes).valuesOf(undefined as never)!;
}

export function cachedValuesOf(changes: Partial<Weights & Pick<CachedValues, 'isCheck'>> = {}): CachedValues {
  return { ...keptOf(changes), cachedAtMs: 1, isCheck: changes.isCheck ?? false };
}

export function publishedOf(changes: Partial<WeightsPublished> = {}): WeightsPublished {
  return {
    sequence: 1,
    policySha256: 'p1',
    basisSha256: 'b1',
    parentSha256: null,
    lineage: 'l1',
    reason: 'FIRST',
    learnedRewards: 1_000,
    fromOffset: 0,
    toOffset: 1_000,
    encoderVersion: 'sketch-1',
    backend: 'wasm',
    seed: 1,
    models: keptModels,
    metrics: {},
    publishedAtMs: 1,
    ...changes,
  };
}
