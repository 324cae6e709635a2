import { normalQuantile, studentQuantile } from '../../../../lib/learning/ope/student';

test.each([
  [0.5, 0],
  [0.75, 0.67448975],
  [0.975, 1.95996398],
  [0.995, 2.5758293],
])('normal quantile of %d', (probability, expected) => {
  expect(normalQuantile(probability)).toBeCloseTo(expected, 7);
});

// From the tables in any textbook.
test.each([
  [1, 12.706, 0.001],
  [2, 4.303, 0.001],
  [3, 3.182, 0.03],
  [5, 2.571, 0.003],
  [10, 2.228, 0.001],
  [30, 2.042, 0.001],
])('Student quantile at %d degrees of freedom', (freedom, expected, tolerance) => {
  expect(Math.abs(studentQuantile(0.975, freedom) - expected)).toBeLessThan(tolerance);
});

test('many degrees of freedom are normal, fewer than 2 count as 1', () => {
  expect(studentQuantile(0.975, Number.POSITIVE_INFINITY)).toBeCloseTo(1.96, 3);
  expect(studentQuantile(0.975, 0.1)).toBe(studentQuantile(0.975, 1));
});

test('a probability outside [0.5, 1) is refused', () => {
  for (const probability of [0.4, 1, Number.NaN]) expect(() => normalQuantile(probability)).toThrow(RangeError);
});
