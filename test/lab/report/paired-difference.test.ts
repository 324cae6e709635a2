import { pairedDifference } from '../../../lab/report/paired-difference';
import { seededRandom } from '../../../lib/random/seeded';

test('normal interval by hand', () => {
  // Differences 0, 1, 2: mean 1, sd 1, standard error 1 / sqrt(3).
  const result = pairedDifference([1, 2, 3], [1, 1, 1]);
  expect(result).toMatchObject({ rows: 3, mean: 1, method: 'normal' });
  expect(result.high - 1).toBeCloseTo(1.96 / Math.sqrt(3));
  expect(1 - result.low).toBeCloseTo(1.96 / Math.sqrt(3));
});

test('shared luck cancels, and the bootstrap agrees with the normal interval', () => {
  const random = seededRandom(1);
  const luck = Array.from({ length: 300 }, () => 10 * random.normal());
  const a = luck.map((l) => l + 0.1 + 0.5 * random.normal());
  const normal = pairedDifference(a, luck);
  const bootstrap = pairedDifference(a, luck, { resamples: 500, seed: 1 });
  expect(normal.low).toBeGreaterThan(0);
  expect(bootstrap.mean).toBe(normal.mean);
  expect(bootstrap.low).toBeCloseTo(normal.low, 1);
  expect(bootstrap.high).toBeCloseTo(normal.high, 1);
  expect(pairedDifference(a, luck, { resamples: 500, seed: 1 })).toEqual(bootstrap);
});

test('one row says nothing about the spread', () => {
  expect(pairedDifference([1], [0])).toMatchObject({ mean: 1, low: Number.NEGATIVE_INFINITY });
});

test('nothing to pair is refused', () => {
  expect(() => pairedDifference([1], [1, 2])).toThrow('cannot pair 1 rows with 2');
  expect(() => pairedDifference([], [])).toThrow(RangeError);
  expect(() => pairedDifference([1], [1], { resamples: 3, seed: 1 })).toThrow(/resamples/);
});
