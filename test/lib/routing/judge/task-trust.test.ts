import fc from 'fast-check';
import { combinedFor, mostOthers, weightedFor } from '../../../../lib/routing/judge/task-trust';

const weights = { LEARNING_OPTIMIZED: 0.9, BALANCED: 0.08, RANDOM: 0.02 };
const factors = {
  '': { LEARNING_OPTIMIZED: 1, BALANCED: 2, RANDOM: 0.5 },
  code: { LEARNING_OPTIMIZED: 1, BALANCED: 4, RANDOM: 0.5 },
};

test('COMBINED: a task moves what is said of all tasks by as much as it differs', () => {
  expect(combinedFor(weights, factors, 'code')).toEqual({
    LEARNING_OPTIMIZED: expect.closeTo(0.82, 9),
    BALANCED: expect.closeTo(0.16, 9),
    RANDOM: expect.closeTo(0.02, 9),
  });
  expect(combinedFor(weights, factors, 'math')).toEqual(weights);
  expect(combinedFor(weights, factors, 'toString')).toEqual(weights);
  expect(combinedFor(weights, {}, 'code')).toEqual(weights);
});

test('COMBINED: the learned strategy keeps what it has under a budget, and most of it always', () => {
  const alone = { LEARNING_OPTIMIZED: 1, BALANCED: 0 };
  expect(combinedFor(alone, factors, 'code')).toEqual(alone);
  const factor = fc.double({ min: 1e-3, max: 1e3, noNaN: true });
  const row = fc.record({ LEARNING_OPTIMIZED: fc.constant(1), BALANCED: factor, RANDOM: factor });
  fc.assert(
    fc.property(row, row, (ofAll, code) => {
      const result = combinedFor(weights, { '': ofAll, code }, 'code');
      const others = result['BALANCED']! + result['RANDOM']!;
      expect(others).toBeLessThanOrEqual(mostOthers + 1e-9);
      expect(others + result['LEARNING_OPTIMIZED']!).toBeCloseTo(1, 9);
    }),
  );
});

test('WEIGHTED: the operator’s weights are corrected, at most fourfold; a weight of nothing stays nothing', () => {
  const wished = { LEARNING_OPTIMIZED: 0.5, BALANCED: 0.3, RANDOM: 0 };
  expect(weightedFor(wished, factors, 'code')).toEqual({ LEARNING_OPTIMIZED: 0.5, BALANCED: 1.2, RANDOM: 0 });
  expect(weightedFor(wished, factors, 'math')['BALANCED']).toBeCloseTo(0.6);
  expect(weightedFor(wished, { '': { BALANCED: 100 } }, 'x')['BALANCED']).toBeCloseTo(1.2);
  expect(weightedFor(wished, { '': { BALANCED: 0.001 } }, 'x')['BALANCED']).toBeCloseTo(0.075);
  expect(weightedFor(wished, {}, 'code')).toBe(wished);
});

test('what makes no sense in a record counts for nothing', () => {
  for (const broken of [Number.NaN, Number.POSITIVE_INFINITY, -1, 0])
    expect(weightedFor({ BALANCED: 0.3 }, { '': { BALANCED: broken } }, 'x')).toEqual({ BALANCED: 0.3 });
});
