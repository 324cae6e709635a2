import { bestModel, judge, meanOf, overSeeds, pairedGain } from '../../../../lab/studies/quality/figures';
import { inOrder } from '../../../../lab/studies/quality/protocol';
import { nineRows } from './nine-rows';

test('only rows with a choice are judged: the rows before are warm', () => {
  const workload = inOrder(nineRows(), [0, 1, 2, 3]);
  const { ids, router } = judge(workload, ['a', 'b']);
  expect(ids).toEqual(['row-2', 'row-3']);
  expect(router.meanScore).toBeCloseTo(0.6);
  expect(router.meanCostUsd).toBeCloseTo(5.5);
  expect(router.shares).toEqual([0.5, 0.5, 0]);
});

test('a part of the stream is judged alone', () => {
  const { ids, router } = judge(nineRows(), ['a', 'a', 'a', 'b', 'a', 'b', 'a', 'a', 'a'], 3, 6);
  expect(ids).toEqual(['row-3', 'row-4', 'row-5']);
  expect(router.meanScore).toBeCloseTo((0.4 + 0.8 + 0.4) / 3);
});

test('a choice that was no candidate is refused', () => {
  expect(() => judge(nineRows(), ['a', 'a', 'a', 'a', 'c', 'a', 'a', 'a', 'a'])).toThrow('row 4 has no candidate c');
  expect(() => judge(inOrder(nineRows(), [0]), ['z'])).toThrow('row 0 has no candidate');
});

test('the best model has the best mean over the rows where it was measured', () => {
  expect(bestModel(judge(nineRows(), new Array(9).fill('a')).matrix)).toBe('c');
});

test('a row that was played three times counts once', () => {
  const once = { ids: ['1', '2'], ours: Float64Array.of(1, 0), theirs: Float64Array.of(0, 0) };
  const single = pairedGain([once]);
  expect(single).toMatchObject({ rows: 2, mean: 0.5 });
  expect(pairedGain([once, once, once])).toEqual(single);
  const other = { ids: ['2', '1'], ours: Float64Array.of(0, 0), theirs: Float64Array.of(0, 0) };
  expect(pairedGain([once, other])).toMatchObject({ rows: 2, mean: 0.25 });
});

test('mean over seeds with a Student interval', () => {
  // sd 1, n 3: half width 4.303 / sqrt(3).
  const { mean, plusMinus } = overSeeds([1, 2, 3]);
  expect(mean).toBe(2);
  expect(plusMinus! / (4.303 / Math.sqrt(3))).toBeCloseTo(1, 1);
  expect(overSeeds([7])).toEqual({ mean: 7, plusMinus: null });
  expect(meanOf([1, 3])).toBe(2);
});
