import { constant, valueAt } from '../../../../lib/learning/rl/schedule';

test('a straight line from start to end, and level after that', () => {
  const schedule = { from: 1, to: 0.2, overSteps: 100 };
  expect([0, 50, 100, 5000].map((step) => valueAt(schedule, step))).toEqual([1, 0.6, 0.2, 0.2]);
  expect([0, 7].map((step) => valueAt(constant(0.3), step))).toEqual([0.3, 0.3]);
});
