import { compareRankCorrelations, rankCorrelation } from '../../../lab/report/rank-correlation';
import { seededRandom } from '../../../lib/random/seeded';

test('1 for the same order, -1 for the opposite one, whatever the scale; 0 where nothing differs', () => {
  expect(rankCorrelation([1, 2, 3], [10, 1_000, 1e9])).toBeCloseTo(1, 12);
  expect(rankCorrelation([1, 2, 3], [3, 2, 1])).toBeCloseTo(-1, 12);
  expect(rankCorrelation([1, 2, 3], [5, 5, 5])).toBe(0);
  expect(() => rankCorrelation([1], [])).toThrow('cannot pair');
});

test('ties have their mean rank', () => {
  // Ranks 0, 1.5, 1.5, 3 against 0, 1, 2, 3: covariance 4.5, squares 4.5 and 5.
  expect(rankCorrelation([1, 2, 2, 4], [1, 2, 3, 4])).toBeCloseTo(4.5 / Math.sqrt(4.5 * 5), 12);
});

test('what follows the truth is above what does not, and the interval says how surely', () => {
  const random = seededRandom(1, 'ranks');
  const truth = Array.from({ length: 300 }, () => random.next());
  const good = truth.map((value) => value + 0.3 * random.normal());
  const noise = truth.map(() => random.next());
  const compare = () => compareRankCorrelations(good, noise, truth, { resamples: 200, random: seededRandom(2) });
  const { a, b, difference } = compare();
  expect(difference.value).toBeCloseTo(a.value - b.value, 12);
  expect(difference.low).toBeGreaterThan(0.3);
  expect(Math.abs(b.value)).toBeLessThan(0.3);
  expect(b.low).toBeLessThan(b.value);
  expect(b.high).toBeGreaterThan(b.value);
  expect(compare()).toEqual({ a, b, difference });
});
