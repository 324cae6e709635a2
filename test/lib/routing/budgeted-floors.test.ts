import fc from 'fast-check';
import { budgetedFloors } from '../../../lib/routing/budgeted-floors';

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
