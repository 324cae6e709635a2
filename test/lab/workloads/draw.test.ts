import { pick, shuffled } from '../../../lab/workloads/draw';
import { estimateTokens } from '../../../lab/workloads/simulated-prompts';
import { seededRandom } from '../../../lib/random/seeded';

test('shuffled is a permutation and reaches every order', () => {
  const random = seededRandom(1);
  const orders = new Set(Array.from({ length: 200 }, () => shuffled(3, random).join('')));
  expect([...orders].sort()).toEqual(['012', '021', '102', '120', '201', '210']);
});

test('pick reaches every item and refuses an empty list', () => {
  const random = seededRandom(2);
  expect(new Set(Array.from({ length: 50 }, () => pick(['a', 'b', 'c'], random)))).toEqual(new Set(['a', 'b', 'c']));
  expect(() => pick([], random)).toThrow(/empty list/);
});

test('tokens are counted by script', () => {
  expect(estimateTokens('abcdefgh')).toBe(2);
  expect(estimateTokens('合同寄')).toBe(3);
  expect(estimateTokens('Поезда')).toBe(3);
  expect(estimateTokens('')).toBe(1);
});
