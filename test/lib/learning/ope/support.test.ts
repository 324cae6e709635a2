import fc from 'fast-check';
import { importanceWeights } from '../../../../lib/learning/ope/importance-weights';
import type { TargetPolicy } from '../../../../lib/learning/ope/logged-decision';
import { prepareLog } from '../../../../lib/learning/ope/prepared-log';
import { defaultSupportLimits, refusalOf, supportOf } from '../../../../lib/learning/ope/support';
import { seededRandom } from '../../../../lib/random/seeded';
import { decision, toyLog } from './toy-log';

const greedyLog = (rows: number, floor = 0.1, seed = 1) =>
  toyLog({ rows, logging: () => [1 - floor / 2, floor / 2], means: () => [0.5, 0.5] }, seededRandom(seed));
const supported = (decisions: ReturnType<typeof greedyLog>, target: TargetPolicy, cap?: number) => {
  const log = prepareLog(decisions);
  return supportOf(log, importanceWeights(log, target, cap));
};
const refusal = (decisions: ReturnType<typeof greedyLog>, target: TargetPolicy) =>
  refusalOf(supported(decisions, target), defaultSupportLimits)?.reason ?? null;

test('by hand: the logging policy has every decision, another what its weights leave', () => {
  const same = supported(greedyLog(200), ({ propensities }) => propensities);
  expect(same.effectiveSampleSize).toBeCloseTo(200);
  expect(same.expectedSampleSize).toBeCloseTo(200);
  expect(same.meanWeight).toBeCloseTo(1);
  expect(same.meanWeightDeviation).toBe(0);
  const decisions = [
    decision({ id: '1', propensities: [0.25, 0.75], chosen: 0 }),
    decision({ id: '2', propensities: [0.25, 0.75], chosen: 1 }),
  ];
  const half = supported(decisions, () => [0.5, 0.5]);
  // Weights 2 and 2/3; expected square .25 * 4 + .75 * 4/9 = 4/3.
  expect(half.effectiveSampleSize).toBeCloseTo((8 / 3) ** 2 / (40 / 9));
  expect(half.expectedSampleSize).toBeCloseTo(2 / (4 / 3));
  expect(half.largestWeight).toBe(2);
});

test('a log that speaks of the policy is not refused', () => {
  expect(refusal(greedyLog(2_000), () => [0.5, 0.5])).toBeNull();
  expect(refusal(greedyLog(50), ({ propensities }) => propensities)).toBeNull();
});

test('no rewards, no estimate', () => {
  expect(refusal([decision({ reward: null })], ({ propensities }) => propensities)).toMatch(/none of 1/);
  expect(refusal([], () => [])).toMatch(/none of 0/);
});

test('a candidate that could never be drawn, or is never judged, is missing support', () => {
  const never = greedyLog(500, 0);
  expect(refusal(never, () => [0.9, 0.1])).toMatch(/10.0 % of the policy is on candidates that could not be drawn/);
  const silent = greedyLog(500).map((one) => (one.chosen === 1 ? { ...one, reward: null } : one));
  expect(refusal(silent, () => [0.5, 0.5])).toMatch(/never judged/);
});

test('any mass on the impossible above the limit is refused, however large the log', () => {
  fc.assert(
    fc.property(fc.double({ min: 0.011, max: 1, noNaN: true }), fc.integer({ min: 1, max: 300 }), (mass, rows) => {
      expect(refusal(greedyLog(rows, 0), () => [1 - mass, mass])).not.toBeNull();
    }),
    { numRuns: 30 },
  );
});

test('luck does not help: heavy draws that did not happen still count against the sample size', () => {
  // At floor .002 the second model was not drawn once, so every weight looks alike.
  const lucky = greedyLog(400, 0.002, 5).filter(({ chosen }) => chosen === 0);
  const support = supported(lucky, () => [0.7, 0.3]);
  expect(support.effectiveSampleSize).toBeGreaterThan(300);
  expect(support.expectedSampleSize).toBeLessThan(10);
  expect(refusal(lucky, () => [0.7, 0.3])).toMatch(/effective sample size .* raise the exploration floor/);
});

test('mass on candidates that the whole log was hardly expected to draw is refused', () => {
  // In one decision of a hundred the second model has a chance of one in 2,000.
  const decisions = Array.from({ length: 3_000 }, (_, i) =>
    decision({
      id: `${i}`,
      propensities: i % 100 === 0 ? [0.9995, 0.0005] : [0.5, 0.5],
      chosen: i % 100 === 0 ? 0 : i % 2,
    }),
  );
  const log = prepareLog(decisions);
  const support = supportOf(
    log,
    importanceWeights(log, ({ propensities }) => (propensities[1]! < 0.5 ? [0, 1] : [0.5, 0.5])),
  );
  expect(support.unseenMass).toBeCloseTo(0.01);
  expect(refusalOf(support, defaultSupportLimits)).toBeNull();
  expect(refusalOf(support, { ...defaultSupportLimits, mostUnseenMass: 0.005 })?.reason).toMatch(
    /1.00 % of the policy is on candidates so improbable that no draw of such was to be expected/,
  );
});

test('propensities that are not what was drawn with give themselves away', () => {
  const wrong = greedyLog(3_000, 0.6).map((one) => ({ ...one, propensities: [0.95, 0.05] }));
  expect(refusal(wrong, () => [0.3, 0.7])).toMatch(/are not what was drawn with/);
});

test('a cap says what it cuts off', () => {
  const support = supported(greedyLog(1_000, 0.1), () => [0.5, 0.5], 4);
  // The second model's weight would be 10: .5 - .05 * 4 of the target is cut.
  expect(support.clippedMass).toBeCloseTo(0.3);
  expect(support.largestWeight).toBeLessThanOrEqual(4);
  expect(supported(greedyLog(1_000, 0.1), () => [0.5, 0.5]).clippedMass).toBeCloseTo(0);
});
