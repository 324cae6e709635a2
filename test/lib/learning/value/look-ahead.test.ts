import type { FoldParts } from '../../../../lib/learning/fold/learner-state';
import { looksAhead, reachOf } from '../../../../lib/learning/value/look-ahead';
import { learningConfig } from '../toy-world';

const foldOf = (sessionDiscount: number) =>
  ({ options: { config: { ...learningConfig, sessionDiscount } } }) as unknown as FoldParts;

test('only requests of sessions look ahead, and only with a discount', () => {
  expect(looksAhead(foldOf(0.5), { eligible: ['a'] })).toBe(true);
  expect(looksAhead(foldOf(0.5), { eligible: [] })).toBe(true);
  expect(looksAhead(foldOf(0.5), { eligible: null })).toBe(false);
  expect(looksAhead(foldOf(0), { eligible: ['a'] })).toBe(false);
});

test('a value sums up as many rewards as the discount says, ten at most', () => {
  expect([0, 0.5, 0.9, 1].map((discount) => Math.round(1e6 * reachOf(foldOf(discount))) / 1e6)).toEqual([1, 2, 10, 10]);
});
