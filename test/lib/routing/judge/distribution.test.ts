import fc from 'fast-check';
import {
  certain,
  indexOfBest,
  indexOfLargest,
  normalised,
  softmax,
  uniform,
} from '../../../../lib/routing/judge/distribution';
import { sum } from '../fixtures';

const some = [{ eligible: true }, { eligible: false }, { eligible: true }];

test('uniform gives the same to all eligible and nothing to others', () => {
  expect(uniform(some)).toEqual([0.5, 0, 0.5]);
  expect(uniform([{ eligible: false }])).toEqual([0]);
});

test('softmax prefers the higher score, ignores the ineligible, and is near greedy at a low temperature', () => {
  const probabilities = softmax(some, [0.5, 9, 0.6], 0.01);
  expect(probabilities[1]).toBe(0);
  expect(probabilities[2]! / probabilities[0]!).toBeCloseTo(Math.exp(10), 2);
  expect(softmax([{ eligible: false }], [1], 1)).toEqual([0]);
});

test('softmax always is a distribution over the eligible', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.boolean(), fc.double({ min: -50, max: 50, noNaN: true })), { minLength: 1 }),
      fc.double({ min: 0.001, max: 10, noNaN: true }),
      (pairs, temperature) => {
        const candidates = pairs.map(([eligible]) => ({ eligible }));
        const scores = pairs.map(([, score]) => score);
        const probabilities = softmax(candidates, scores, temperature);
        const any = candidates.some(({ eligible }) => eligible);
        expect(sum(probabilities)).toBeCloseTo(any ? 1 : 0, 9);
        candidates.forEach(({ eligible }, i) => {
          if (!eligible) expect(probabilities[i]).toBe(0);
        });
      },
    ),
  );
});

test('the index functions take the first of equals', () => {
  expect(indexOfBest(some, [1, 5, 1])).toBe(0);
  expect(indexOfBest([], [])).toBe(-1);
  expect(indexOfLargest([1, 3, 3])).toBe(1);
  expect(indexOfLargest([])).toBe(-1);
});

test('certain and normalised', () => {
  expect(certain(3, 1)).toEqual([0, 1, 0]);
  expect(normalised([1, 3])).toEqual([0.25, 0.75]);
});
