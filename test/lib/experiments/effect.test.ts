import fc from 'fast-check';
import { fewestValues, mixtureScale } from '../../../lib/experiments/confidence-sequence';
import {
  type Effect,
  intervalOfEffect,
  noEffect,
  pValueOf,
  type Unit,
  withUnit,
} from '../../../lib/experiments/effect';
import { noMoments, varianceOf, withValue } from '../../../lib/experiments/moments';
import { seededRandom } from '../../../lib/random/seeded';

const scale = mixtureScale(5_000, 0.05);

function after(units: readonly Unit[], treatedShare = 0.5): Effect {
  return units.reduce((effect, unit) => withUnit(effect, unit, treatedShare, scale), noEffect);
}

/** `value` of a standard normal deviate, the arm and the unit's covariate. */
function unitsOf(
  count: number,
  seed: number,
  treatedShare: number,
  figureOf: (noise: number, isTreated: boolean, x: number) => number,
): Unit[] {
  const random = seededRandom(seed, 'effect');
  return Array.from({ length: count }, () => {
    const isTreated = random.next() < treatedShare;
    const covariate = random.normal();
    return { isTreated, covariate, value: figureOf(random.normal(), isTreated, covariate) };
  });
}

test('moments are those of the values', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 2 }), (values) => {
      const moments = values.reduce(withValue, noMoments);
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
      expect(moments.mean).toBeCloseTo(mean, 8);
      expect(varianceOf(moments)).toBeCloseTo(variance, 4);
    }),
  );
});

test.each([0.5, 0.1])('the mean of the scores is the difference, with %d of the units treated', (treatedShare) => {
  const units = unitsOf(20_000, 1, treatedShare, (noise, isTreated, x) => 3 + noise + 2 * x + (isTreated ? 0.2 : 0));
  const { lower, upper } = intervalOfEffect(after(units, treatedShare), 0.05, scale);
  expect(lower).toBeGreaterThan(0);
  expect(lower).toBeLessThan(0.2);
  expect(upper).toBeGreaterThan(0.2);
});

test('a covariate takes its part of the variance away, and the truth stays within', () => {
  const units = unitsOf(5_000, 2, 0.5, (noise, isTreated, x) => noise + 2 * x + (isTreated ? 0.2 : 0));
  const adjusted = after(units);
  const plain = after(units.map((unit) => ({ ...unit, covariate: null })));
  // Four parts of five are the covariate's.
  expect(varianceOf(adjusted.scores) / varianceOf(plain.scores)).toBeCloseTo(0.2, 1);
  expect(pValueOf(adjusted)).toBeLessThan(1e-4);
  expect(pValueOf(plain)).toBeGreaterThan(pValueOf(adjusted));
});

test('a covariate that says nothing costs nothing', () => {
  const units = unitsOf(5_000, 3, 0.5, (noise) => noise);
  const plain = after(units.map((unit) => ({ ...unit, covariate: null })));
  expect(varianceOf(after(units).scores) / varianceOf(plain.scores)).toBeCloseTo(1, 2);
});

test('looked at after every unit, runs without a difference hardly ever show one', () => {
  const runs = 200;
  const lies = Array.from({ length: runs }, (_, seed) =>
    pValueOf(after(unitsOf(1_500, seed, 0.5, (noise) => (noise > 0.5 ? 1 : 0)))),
  ).filter((p) => p < 0.05).length;
  expect(lies).toBeLessThanOrEqual(0.05 * runs);
});

test('nothing is said before the variance is known', () => {
  const few = after(unitsOf(fewestValues - 1, 4, 0.5, (noise, isTreated) => noise + (isTreated ? 100 : 0)));
  expect(intervalOfEffect(few, 0.05, scale)).toEqual({
    lower: Number.NEGATIVE_INFINITY,
    upper: Number.POSITIVE_INFINITY,
  });
  expect(pValueOf(few)).toBe(1);
});
