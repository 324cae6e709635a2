import { fitBasis, phiSize } from '../../../../lib/learning/features/basis';
import { describedIn } from '../../../../lib/learning/fold/replay';
import { parameterCount } from '../../../../lib/learning/rl/network';
import { headCount, weightRows } from '../../../../lib/learning/value/linear-half';
import { meansOfRows } from '../../../../lib/learning/value/means-of-rows';
import { createValues, featuresOf, type PolicyWeights } from '../../../../lib/learning/value/policy';
import { seededRandom } from '../../../../lib/random/seeded';
import { callerFields, featureFields } from '../toy-world';

const random = seededRandom(4, 'means');
const texts = Array.from({ length: 40 }, (_, i) => featuresOf(featureFields(`word${i % 7} question number ${i}?`)));
const basis = fitBasis(texts, 'v', null, random);
const models = ['a', 'b', 'c'];
const filled = (length: number): Float32Array => Float32Array.from({ length }, () => 0.2 * random.normal());
const shape = { inputs: basis.xSize, hidden: 64, actions: models.length, heads: headCount };
const weights = (hasLinear: boolean): PolicyWeights => ({
  models,
  pulls: [1, 1, 1],
  joinedLate: [false, false, false],
  watched: [0, 0, 0],
  learnedRewards: 3,
  rewardMean: 0.6,
  rewardDeviation: 0.3,
  hasLinear,
  hidden: 64,
  basisSha256: '',
  armMeans: filled(3),
  shared: filled(phiSize(basis)),
  linear: filled(models.length * weightRows * phiSize(basis)),
  network: filled(parameterCount(shape)),
});

test.each([
  [true, 0],
  [true, 0.4],
  [false, 0],
])('the same means as one by one (linear half: %s, share of the network: %d)', (hasLinear, share) => {
  const policy = weights(hasLinear);
  const rows = [...texts, featuresOf(callerFields([1, 2]))].map((features, offset) => ({
    offset,
    decisionId: `d${offset}`,
    features,
    outcomes: [],
    openedAtMs: 0,
    eligible: null,
    next: null,
    described: null,
    firstHeads: null,
  }));
  const valuesOf = createValues(basis, policy);
  const described = rows.map((row) => describedIn({ fitted: basis, number: 1 }, row));
  meansOfRows(basis, policy, described, share).forEach((means, i) => {
    valuesOf(rows[i]!.features, share).means.forEach((mean, arm) => {
      expect(means[arm]).toBeCloseTo(mean, 5);
    });
  });
});
