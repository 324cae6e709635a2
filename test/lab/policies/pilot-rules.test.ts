import { pilotRules } from '../../../lab/policies/pilot-rules';
import { matrixOf } from '../matrix-of';

/** Ten rows of coding, which m0 does well, ten of math, which m1 does well; m1 is better on the whole and dearer. */
const tasks = Array.from({ length: 20 }, (_, r) => (r < 10 ? 'coding' : 'math'));
const matrix = matrixOf(
  tasks.map((task) => (task === 'coding' ? [0.8, 0.7] : [0.1, 0.9])),
  tasks.map(() => [1, 3]),
);
const everything = tasks.map((_, r) => r);

test('each task gets the model that was best in the pilot', () => {
  const result = pilotRules(matrix, { pilotRows: everything, taskTypes: tasks, budgetUsd: null });
  expect(result.name).toBe('static rules');
  expect(result.shares).toEqual([0.5, 0.5]);
  expect(result.meanScore).toBeCloseTo((0.8 + 0.9) / 2);
});

test('a task the pilot hardly saw follows the rule for everything', () => {
  const pilotRows = [0, 1, 2, 3, 10, 11, 12, 13, 14, 15];
  const { shares } = pilotRules(matrix, { pilotRows, taskTypes: tasks, budgetUsd: null });
  // Four rows of coding are too few; over all ten m1 is better.
  expect(shares).toEqual([0, 1]);
});

test('a model beyond the budget is not in the table, unless nothing fits', () => {
  const rules = (budgetUsd: number) => pilotRules(matrix, { pilotRows: everything, taskTypes: tasks, budgetUsd });
  expect(rules(3).shares).toEqual([0.5, 0.5]);
  expect(rules(2).shares).toEqual([1, 0]);
  expect(rules(0.1).shares).toEqual([1, 0]);
});

test('a model that is no candidate, or was never tried, is passed over', () => {
  const gaps = matrixOf([
    [0.9, 0.5, null],
    [null, 0.5, null],
    [null, 0.4, 1],
  ]);
  const { shares } = pilotRules(gaps, { pilotRows: [0, 1], taskTypes: ['a', 'a', 'a'], budgetUsd: null });
  expect(shares).toEqual([expect.closeTo(1 / 3), expect.closeTo(2 / 3), 0]);
  const unpriced = pilotRules(gaps, { pilotRows: [0, 1], taskTypes: ['a', 'a', 'a'], budgetUsd: 1 });
  expect(unpriced.shares).toEqual(shares);
});

test('a pilot has at least one row', () => {
  expect(() => pilotRules(matrix, { pilotRows: [], taskTypes: tasks, budgetUsd: null })).toThrow(RangeError);
});
