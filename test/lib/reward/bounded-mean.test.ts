import fc from 'fast-check';
import { boundedAmount } from '../../../lib/reward/bounded-mean';

const amount = fc.double({ min: 1e-6, max: 1e6, noNaN: true });

test('law: whatever is said, what is expected rises by a quarter of itself at most, and nothing is raised', () => {
  fc.assert(
    fc.property(
      amount,
      amount,
      amount,
      fc.nat(1_000),
      fc.integer({ min: 1, max: 50 }),
      (said, mean, prior, weight, priorWeight) => {
        const before = (mean * weight + prior * priorWeight) / (weight + priorWeight);
        const believed = boundedAmount(said * 1e9, { mean, weight, prior, priorWeight });
        const after = (mean * weight + believed + prior * priorWeight) / (weight + 1 + priorWeight);
        expect(after / before).toBeLessThanOrEqual(1.25 + 1e-9);
        expect(boundedAmount(said, { mean, weight, prior, priorWeight })).toBeLessThanOrEqual(said);
      },
    ),
  );
});

test('of many calls one that is far off counts in full', () => {
  const known = { mean: 1, weight: 300, prior: 1, priorWeight: 8 };
  expect(boundedAmount(70, known)).toBe(70);
  expect(boundedAmount(70, { ...known, weight: 0 })).toBe(3.25);
});
