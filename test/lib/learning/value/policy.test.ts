import { fitBasis, phiSize, writeBasis } from '../../../../lib/learning/features/basis';
import { encoderVersion } from '../../../../lib/learning/features/encode';
import { readBlob, sha256Of, writeBlob } from '../../../../lib/learning/fold/blob';
import { initialParameters } from '../../../../lib/learning/rl/network';
import { policyOfValues } from '../../../../lib/learning/value/kept-values';
import { headCount, weightRows } from '../../../../lib/learning/value/linear-half';
import { featuresOf, type PolicyWeights, parsePolicy, writePolicy } from '../../../../lib/learning/value/policy';
import { seededRandom } from '../../../../lib/random/seeded';
import type { LearnedPolicy } from '../../../../lib/routing/judge/strategy';
import { featureFields, noTuning, openedOf, toyPrompt } from '../toy-world';

const random = seededRandom(1, 'policy');
const rows = Array.from({ length: 40 }, () => featuresOf(featureFields(toyPrompt('code', random))));
const basis = fitBasis(rows, encoderVersion, null, random);
const basisBytes = writeBasis(basis);
const basisSha256 = sha256Of(basisBytes);
const size = phiSize(basis);
const hidden = 16;
const tuning = { ...noTuning, learnedRewards: 100, neuralWeight: 0 };

/** Every head of model a says quality .9, of b .5, but head `dissenting` of b says 1. */
function weightsOf(fields: Partial<PolicyWeights> = {}): PolicyWeights {
  const linear = new Float32Array(2 * weightRows * size);
  linear[(weightRows + 1) * size] = 5; // b's first head, bias: .5 + .1 * 5 = 1
  return {
    models: ['a', 'b'],
    pulls: [50, 50],
    joinedLate: [false, false],
    watched: [0, 0],
    learnedRewards: 100,
    rewardMean: 0.7,
    rewardDeviation: 0.1,
    hasLinear: true,
    hidden,
    basisSha256,
    armMeans: Float32Array.of(2, -2),
    shared: new Float32Array(size),
    linear,
    network: initialParameters({ inputs: basis.xSize, hidden, actions: 2, heads: headCount }, seededRandom(1)),
    ...fields,
  };
}
const parse = (bytes: Buffer): LearnedPolicy =>
  parsePolicy(basisBytes, bytes, { policySha256: sha256Of(bytes), basisSha256 });
const policyOf = (fields: Partial<PolicyWeights> = {}): LearnedPolicy => parse(writePolicy(weightsOf(fields)));
const closeTo = (values: readonly number[], expected: readonly number[]): void => {
  expect(values.length).toBe(expected.length);
  values.forEach((value, i) => {
    expect(value).toBeCloseTo(expected[i]!, 5);
  });
};

test('votes of the heads are the probabilities, means the qualities', () => {
  const judgement = policyOf().judge(openedOf({ tuning }, ['a', 'b']));
  closeTo(judgement.probabilities, [0.9, 0.1]);
  closeTo(judgement.qualities, [0.9, 0.5]);
  closeTo(judgement.utilities, [0.9, 0.5]);
  expect(judgement.confidence).toBeCloseTo((0.9 * 100) / 124);
  expect(judgement.coldStart).toBe(false);
});

test('cost and latency count by preference and budget price, learned costs before pinned ones', () => {
  const opened = openedOf(
    {
      tuning: { ...tuning, costPricePerUsd: 10, costRatios: { a: 0.05 } },
      preference: { quality: 1, cost: 0, latency: 1 },
    },
    ['a', 'b'],
    () => ({ expectedCostUsd: 0.01, expectedLatencyMs: 1000, priceFactor: 2 }),
  );
  const { utilities, probabilities } = policyOf().judge(opened);
  // .5 * quality - 10 * cost - .5 * 1000 / 10000; a: learned .05 * 2, b: pinned .01.
  closeTo(utilities, [0.45 - 1 - 0.05, 0.25 - 0.1 - 0.05]);
  closeTo(probabilities, [0, 1]);
});

test('the cost row scales the learned mean, within bounds', () => {
  const linear = new Float32Array(2 * weightRows * size);
  linear[(headCount + 1) * size] = 99;
  linear[(weightRows + headCount + 1) * size] = -0.5;
  const opened = openedOf({ tuning: { ...tuning, costPricePerUsd: 1, costRatios: { a: 0.01, b: 0.01 } } }, ['a', 'b']);
  closeTo(policyOf({ linear }).judge(opened).utilities, [0.9 - 0.04, 0.5 - 0.005]);
});

test('drift offsets move qualities and votes; ineligible candidates get nothing', () => {
  const drifted = openedOf({ tuning: { ...tuning, driftOffsets: { a: -0.5 } } }, ['a', 'b']);
  closeTo(policyOf().judge(drifted).probabilities, [0, 1]);
  closeTo(policyOf().judge(drifted).qualities, [0.4, 0.5]);
  const opened = openedOf({ tuning }, ['a', 'b'], (model) => ({ eligible: model === 'b' }));
  closeTo(policyOf().judge(opened).probabilities, [0, 1]);
});

test('what is declared counts by its share of what is known, and bounds what a draw may lose', () => {
  const declared = { quality: 0.6, costUsd: 0, latencyMs: 0 };
  const opened = (regretAllowance: number | null) =>
    openedOf(
      { tuning: { ...tuning, regretAllowance }, priorObservations: 8, budgetUsdPerRequest: null },
      ['a', 'b'],
      (model) => ({
        declared: model === 'a' ? { ...declared, quality: 0.5 } : declared,
        expectedQuality: model === 'a' ? 0.5 : 0.6,
        observations: 24,
      }),
    );
  const judgement = policyOf().judge(opened(null));
  // A quarter of it is declared: a learned .9 and declared .5, b learned .5 and declared .6.
  closeTo(judgement.qualities, [0.8, 0.525]);
  expect(judgement.probabilities[0]).toBeGreaterThan(0.5);
  closeTo(policyOf().judge(opened(0)).probabilities, [0, 1]);
});

test('candidates may come in any order', () => {
  closeTo(policyOf().judge(openedOf({ tuning }, ['b', 'a'])).probabilities, [0.1, 0.9]);
});

test('a stranger is expected to be like the others and explored under a cap', () => {
  const judgement = policyOf().judge(openedOf({ tuning }, ['a', 'b', 'new']));
  closeTo(judgement.qualities, [0.9, 0.5, 0.7]);
  closeTo(judgement.probabilities, [0.9 * 0.95, 0.1 * 0.95, 0.05]);
  const strangers = policyOf().judge(openedOf({ tuning }, ['x', 'y']));
  closeTo(strangers.probabilities, [0.5, 0.5]);
  closeTo(strangers.qualities, [0.7, 0.7]);
});

test('a newcomer is capped until it has 24 rewards, however good it looks', () => {
  const opened = openedOf({ tuning }, ['a', 'b']);
  closeTo(policyOf({ joinedLate: [true, false], pulls: [23, 50] }).judge(opened).probabilities, [0.2, 0.8]);
  closeTo(policyOf({ joinedLate: [true, false], pulls: [24, 50] }).judge(opened).probabilities, [0.9, 0.1]);
  closeTo(
    policyOf({ joinedLate: [false, true], pulls: [50, 3], linear: new Float32Array(2 * weightRows * size) }).judge(
      opened,
    ).probabilities,
    [0.95, 0.05],
  );
});

test('under a budget a dear newcomer gets no more than its share of it pays for', () => {
  const opened = openedOf({ tuning, budgetUsdPerRequest: 0.001 }, ['a', 'b', 'new'], (model) => ({
    expectedCostUsd: model === 'new' ? 0.01 : 0.001,
  }));
  closeTo(policyOf().judge(opened).probabilities, [0.9 * 0.995, 0.1 * 0.995, 0.005]);
});

test('a watched model gets its share even when no head votes for it, and keeps a larger one', () => {
  const opened = openedOf({ tuning }, ['a', 'b']);
  const none = { linear: new Float32Array(2 * weightRows * size) };
  closeTo(policyOf({ ...none, watched: [0, 0.1] }).judge(opened).probabilities, [0.9, 0.1]);
  closeTo(policyOf({ watched: [0, 0.05] }).judge(opened).probabilities, [0.9, 0.1]);
});

test('when no known head votes for a known model, the known share the rest', () => {
  const only = openedOf({ tuning }, ['a', 'b', 'c'], (model) => ({ eligible: model !== 'b' }));
  closeTo(policyOf({ joinedLate: [true, false], pulls: [0, 50] }).judge(only).probabilities, [0.5, 0, 0.5]);
});

test('uniform while the pinned tuning is cold', () => {
  const judgement = policyOf().judge(openedOf({ tuning: { ...tuning, learnedRewards: 23 } }, ['a', 'b']));
  expect(judgement).toMatchObject({ probabilities: [0.5, 0.5], coldStart: true });
  expect(judgement.policySha256).toBe(policyOf().policySha256);
});

test('the network is served only when it has earned its weight, and alone without a linear half', () => {
  const at = (neuralWeight: number, fields: Partial<PolicyWeights> = {}): readonly number[] =>
    policyOf(fields).judge(openedOf({ tuning: { ...tuning, neuralWeight } }, ['a', 'b'])).qualities;
  expect(at(0.04)).toEqual(at(0));
  expect(at(0.5)).not.toEqual(at(0));
  expect(at(0, { hasLinear: false })).toEqual(at(1));
});

test('a text that another encoder has described is a stranger; a vector of the caller has no encoder', () => {
  const at = (opened: Parameters<typeof openedOf>[0]): readonly number[] =>
    policyOf().judge(openedOf({ tuning: { ...tuning, neuralWeight: 0.5 }, ...opened }, ['a', 'b'])).qualities;
  const stranger = at({ sketch: Buffer.alloc(0) });
  expect(at({})).not.toEqual(stranger);
  expect(at({ encoderVersion: `${encoderVersion}-key-01234567` })).toEqual(stranger);
  const vector = { sketch: Buffer.alloc(0), callerFeatures: Buffer.alloc(8) };
  expect(at({ ...vector, encoderVersion: 'other' })).toEqual(at(vector));
});

test('a model named like what every object inherits has no drift and no cost but its own', () => {
  const names = ['constructor', 'toString'];
  const judgement = policyOf({ models: names }).judge(openedOf({ tuning }, names));
  expect([...judgement.qualities, ...judgement.utilities].every(Number.isFinite)).toBe(true);
  closeTo(judgement.qualities, [0.9, 0.5]);
});

describe('refuses', () => {
  const bytes = writePolicy(weightsOf());
  const blob = readBlob(bytes, 'policy');
  const changed = (meta: object, arrays: object = {}): Buffer =>
    writeBlob({ ...blob, meta: { ...(blob.meta as object), ...meta }, arrays: { ...blob.arrays, ...arrays } });

  test('another hash', () => {
    const flipped = Buffer.from(bytes);
    flipped[flipped.length - 1]! ^= 1;
    const expected = { policySha256: sha256Of(bytes), basisSha256 };
    expect(() => parsePolicy(basisBytes, flipped, expected)).toThrow(`expected ${expected.policySha256}`);
    expect(() => parsePolicy(bytes, bytes, expected)).toThrow('basisSha256 is');
  });

  test.each([
    ['another basis', changed({ basisSha256: 'f00' }), 'belongs to basis f00'],
    ['wrong shapes', changed({ models: ['a', 'b', 'c'] }), 'pulls do not fit 3 models'],
    ['a missing number', changed({ rewardMean: null }), 'rewardMean is null'],
    ['a short array', changed({}, { armMeans: new Float32Array(1) }), 'armMeans has 1 values, not 2'],
    ['NaN', changed({}, { shared: new Float32Array(size).fill(Number.NaN) }), 'shared[0] is NaN'],
    ['another network', changed({ hidden: 17 }), 'network has'],
    ['a basis as policy', basisBytes, 'expected a policy blob, got a basis'],
  ])('%s', (_name, wrong, message) => {
    expect(() => parse(wrong)).toThrow(message);
  });
});

describe('values kept of a text', () => {
  const many = policyOf({ joinedLate: [false, true], pulls: [50, 3], watched: [0.3, 0], learnedRewards: 77 });
  const declared = { quality: 0.6, costUsd: 0.01, latencyMs: 100 };

  test.each<[string, Parameters<typeof openedOf>[0]]>([
    ['the same', {}],
    ['other prices', { tuning: { ...tuning, costPricePerUsd: 10, costRatios: { a: 0.05 } } }],
    ['drifted', { tuning: { ...tuning, driftOffsets: { a: -0.5 } } }],
    ['a small allowance', { tuning: { ...tuning, regretAllowance: 0.01 }, priorObservations: 8 }],
    ['a budget', { budgetUsdPerRequest: 0.001 }],
  ])('judge a request as the weights do: %s', (_name, changes) => {
    for (const models of [
      ['a', 'b'],
      ['b', 'a'],
      ['a', 'b', 'new'],
    ])
      for (const eligible of [models, models.slice(1)]) {
        const opened = openedOf({ tuning, ...changes }, models, (model) => ({
          eligible: eligible.includes(model),
          declared: { ...declared, quality: model === 'a' ? 0.5 : 0.6 },
        }));
        const kept = many.valuesOf!(openedOf({ tuning }, ['a', 'b']))!;
        const cached = policyOfValues(kept).judge(opened);
        const fresh = many.judge(opened);
        closeTo(cached.probabilities, fresh.probabilities);
        closeTo(cached.utilities, fresh.utilities);
        closeTo(cached.qualities, fresh.qualities);
        expect(cached).toMatchObject({ policySha256: many.policySha256, coldStart: false });
        expect(kept.learnedRewards).toBe(77);
      }
  });

  test('there are none in the cold start', () => {
    expect(many.valuesOf!(openedOf({ tuning: { ...tuning, learnedRewards: 3 } }, ['a', 'b']))).toBeNull();
  });

  test('values that are none are an error that says so', () => {
    const kept = many.valuesOf!(openedOf({ tuning }, ['a', 'b']))!;
    const judged = (changes: Partial<typeof kept>) => () =>
      policyOfValues({ ...kept, ...changes }).judge(openedOf({ tuning }, ['a']));
    expect(judged({ models: ['a'] })).toThrow('cached values: 112 bytes are not the values of 1 models');
    expect(judged({ values: Buffer.alloc(112, 0xff) })).toThrow('cached values: a value is not finite');
    expect(judged({ rewardMean: Number.POSITIVE_INFINITY })).toThrow('the mean reward is not finite');
  });
});
