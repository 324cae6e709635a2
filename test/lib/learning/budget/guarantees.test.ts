import fc from 'fast-check';
import { type Guarantee, guarantee, guaranteesOf, newcomer } from '../../../../lib/learning/budget/guarantees';

const watched = (least: number): Guarantee => ({ least, most: 1 });

function sharesOf(
  votes: readonly number[],
  guarantees: readonly (Guarantee | null)[],
  { budgetUsd = null as number | null, costsUsd = votes.map(() => 0.001) } = {},
): number[] {
  const shares = [...votes];
  guarantee(
    shares,
    guarantees.map((own, i) => ({ guarantee: own, costUsd: costsUsd[i]! })),
    budgetUsd,
  );
  return shares.map((share) => Number(share.toFixed(12)));
}

test('who is guaranteed something: late newcomers until they are known, and the watched', () => {
  const guarantees = guaranteesOf({
    models: ['old', 'late', 'tried', 'known', 'fallen'],
    pulls: [3, 7, 8, 24, 99],
    joinedLate: [false, true, true, true, false],
    watched: [0, 0.1, 0, 0, 0.1],
  });
  expect([...guarantees]).toEqual([
    ['late', newcomer],
    ['tried', { least: 0, most: newcomer.most }],
    ['fallen', { least: 0.1, most: 1 }],
  ]);
});

test('without guarantees the votes stand', () => {
  expect(sharesOf([0.7, 0.3], [null, null])).toEqual([0.7, 0.3]);
});

test('a newcomer is lifted and capped, the others divide the rest as they did', () => {
  expect(sharesOf([0.6, 0.4, 0], [null, null, newcomer])).toEqual([0.57, 0.38, 0.05]);
  expect(sharesOf([0, 0.1, 0.9], [null, null, newcomer])).toEqual([0, 0.8, 0.2]);
  expect(sharesOf([0, 0, 1], [null, null, newcomer])).toEqual([0.4, 0.4, 0.2]);
  expect(sharesOf([1, 0], [newcomer, newcomer])).toEqual([0.5, 0.5]);
});

test('a newcomer that eight rewards speak against gets nothing, one they speak for is still capped', () => {
  const tried = { least: 0, most: newcomer.most };
  expect(sharesOf([0.6, 0.4, 0], [null, null, tried])).toEqual([0.6, 0.4, 0]);
  expect(sharesOf([0, 0.1, 0.9], [null, null, tried])).toEqual([0, 0.8, 0.2]);
});

test('the watched are lifted, never capped', () => {
  expect(sharesOf([1, 0], [null, watched(0.1)])).toEqual([0.9, 0.1]);
  expect(sharesOf([0.2, 0.8], [null, watched(0.1)])).toEqual([0.2, 0.8]);
  expect(sharesOf([0, 0, 1], [watched(0.1), watched(0.1), watched(0.1)])).toEqual([
    0.083333333333, 0.083333333333, 0.833333333333,
  ]);
});

test('a guaranteed share costs a twentieth of the budget at most', () => {
  const costsUsd = [0.001, 0.02];
  expect(sharesOf([1, 0], [null, newcomer], { budgetUsd: 0.002, costsUsd })).toEqual([0.995, 0.005]);
  expect(sharesOf([1, 0], [null, watched(0.1)], { budgetUsd: 0.002, costsUsd })).toEqual([0.995, 0.005]);
  expect(sharesOf([1, 0], [null, newcomer], { budgetUsd: 0.002, costsUsd: [0.001, 0] })).toEqual([0.95, 0.05]);
});

test('whatever the votes and guarantees: probabilities that sum to 1, and newcomers under their cap', () => {
  const candidate = fc.record({
    vote: fc.integer({ min: 0, max: 10 }),
    own: fc.constantFrom(null, newcomer, watched(0.1), watched(0.03)),
    costUsd: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(candidate, { minLength: 1, maxLength: 12 }), fc.boolean(), (candidates, budgeted) => {
      const total = candidates.reduce((sum, { vote }) => sum + vote, 0);
      const votes = candidates.map(({ vote }) => (total > 0 ? vote / total : 1 / candidates.length));
      const shares = sharesOf(
        votes,
        candidates.map(({ own }) => own),
        { budgetUsd: budgeted ? 0.01 : null, costsUsd: candidates.map(({ costUsd }) => costUsd) },
      );
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
      for (const share of shares) expect(share).toBeGreaterThanOrEqual(0);
      if (candidates.every(({ own }) => own !== null)) return;
      candidates.forEach(({ own }, i) => {
        if (own === newcomer) expect(shares[i]).toBeLessThanOrEqual(0.2 + 1e-9);
      });
    }),
  );
});
