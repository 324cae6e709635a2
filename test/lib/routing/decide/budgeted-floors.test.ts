import fc from 'fast-check';
import { budgetedFloors, coldStartShares } from '../../../../lib/routing/decide/budgeted-floors';
import { candidateOf } from '../fixtures';

test('exploration floors: even, but never more than a share of the budget', () => {
  expect(budgetedFloors(0.01, null, [1, 1])).toEqual([0.005, 0.005]);
  expect(budgetedFloors(0.01, 0.001, [0, 1])).toEqual([0.005, 0.00001]);
});

test('what exploration is expected to spend stays a small share of the budget, and no floor is above the even share', () => {
  const amount = fc.double({ min: 0, max: 10, noNaN: true });
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 1e-9, max: 1, noNaN: true }),
      fc.array(amount, { minLength: 1, maxLength: 12 }),
      (floor, budgetUsd, costsUsd) => {
        const floors = budgetedFloors(floor, budgetUsd, costsUsd);
        let spentUsd = 0;
        floors.forEach((own, i) => {
          expect(own).toBeGreaterThanOrEqual(0);
          expect(own).toBeLessThanOrEqual(floor / costsUsd.length + 1e-15);
          spentUsd += own * costsUsd[i]!;
        });
        expect(spentUsd).toBeLessThanOrEqual(0.02 * budgetUsd * (1 + 1e-9));
        expect(budgetedFloors(floor, null, costsUsd)).toEqual(costsUsd.map(() => floor * (1 / costsUsd.length)));
      },
    ),
  );
});

describe('cold start', () => {
  const sharesAt = (
    budgetUsdPerRequest: number | null,
    costsUsd: readonly number[],
    eligible = costsUsd.map(() => true),
  ) =>
    coldStartShares({
      budgetUsdPerRequest,
      candidates: costsUsd.map((expectedCostUsd, i) =>
        candidateOf(`m${i}`, 'p', { expectedCostUsd, eligible: eligible[i]! }),
      ),
    });

  test('even without a budget, among models of unknown cost, and among affordable ones', () => {
    for (const shares of [sharesAt(null, [1, 100]), sharesAt(0.1, [0, 0]), sharesAt(0.1, [0.3, 0.4])])
      expect(shares).toEqual([0.5, 0.5]);
    expect(sharesAt(null, [1, 1, 1], [true, false, true])).toEqual([0.5, 0, 0.5]);
    expect(sharesAt(1, [1, 1], [false, false])).toEqual([0, 0]);
  });

  test('a dear model gets as much less as it is dearer than four budgets', () => {
    const [cheap, dear] = sharesAt(0.001, [0.001, 0.04]);
    expect(dear! / cheap!).toBeCloseTo(0.1);
    expect(cheap! + dear!).toBeCloseTo(1);
  });

  test('when all are dear they are tried all the same, the cheaper more', () => {
    const [cheap, dear] = sharesAt(0.001, [0.04, 0.08]);
    expect(cheap).toBeCloseTo(2 / 3);
    expect(dear).toBeCloseTo(1 / 3);
  });
});
