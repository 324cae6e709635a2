import { importanceWeights, weightOf } from '../../../../lib/learning/ope/importance-weights';
import { prepareLog } from '../../../../lib/learning/ope/prepared-log';
import { decision } from './toy-log';

test('target over logged probability, 0 for an unknown reward', () => {
  const log = prepareLog([
    decision({ id: '1', propensities: [0.8, 0.2], chosen: 1 }),
    decision({ id: '2', propensities: [0.8, 0.2], chosen: 0 }),
  ]);
  expect(Array.from(importanceWeights(log, () => [0.5, 0.5]).weights)).toEqual([2.5, 0.625]);
  expect(Array.from(importanceWeights(log, () => [0.5, 0.5], 2).weights)).toEqual([2, 0.625]);
});

test('a draw that is judged half of the time counts twice', () => {
  const decisions = Array.from({ length: 10 }, (_, i) => decision({ id: `${i}`, reward: i % 2 === 0 ? 1 : null }));
  const { weights } = importanceWeights(prepareLog(decisions), () => [0.5, 0.5]);
  expect(weights[0]).toBeCloseTo(2);
  expect(weights[1]).toBe(0);
});

test('candidates may differ in number from decision to decision', () => {
  const log = prepareLog([
    decision({ id: '1', models: ['a'], propensities: [1] }),
    decision({ id: '2', models: ['a', 'b', 'c'], propensities: [0.2, 0.3, 0.5], chosen: 2 }),
  ]);
  const { weights, target } = importanceWeights(log, ({ models }) => models.map(() => 1 / models.length));
  expect(weights[1]).toBeCloseTo(2 / 3);
  expect(Array.from(target)).toEqual([1, 0, 0, 1 / 3, 1 / 3, 1 / 3]);
});

test('what is no distribution is refused by name', () => {
  const log = prepareLog([decision({ id: 'here' })]);
  expect(() => importanceWeights(log, () => [0.5, 0.4])).toThrow(/decision here.*2 candidates.*\[0.5, 0.4\]/);
  expect(() => importanceWeights(log, () => [1])).toThrow(RangeError);
  expect(() => importanceWeights(log, () => [1, 0], 0)).toThrow('the largest weight must be above 0');
});

test('what could not be drawn has no weight', () => {
  expect(weightOf(0.5, 0, Number.POSITIVE_INFINITY)).toBe(0);
});
