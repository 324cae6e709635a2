import fc from 'fast-check';
import { budgetedFloors } from '../../../../lib/routing/decide/budgeted-floors';
import { drawModel } from '../../../../lib/routing/decide/draw';
import { anyOpened, candidateOf, openedOf, sum } from '../fixtures';

const shares = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 8, maxLength: 8 });

test('propensities sum to 1, are 0 for the ineligible and at least their floor for the eligible', () => {
  fc.assert(
    fc.property(anyOpened, shares, (opened, collapsed) => {
      const { propensities, chosen } = drawModel(opened, collapsed);
      const { candidates, explorationFloor, budgetUsdPerRequest } = opened;
      const costsUsd = candidates.filter(({ eligible }) => eligible).map(({ expectedCostUsd }) => expectedCostUsd);
      const floors = budgetedFloors(explorationFloor, budgetUsdPerRequest, costsUsd);
      expect(sum(propensities)).toBeCloseTo(1, 9);
      candidates.forEach((candidate, i) => {
        if (!candidate.eligible) expect(propensities[i]).toBe(0);
        else expect(propensities[i]).toBeGreaterThanOrEqual(floors.shift()! - 1e-12);
      });
      expect(opened.candidates[chosen]!.eligible).toBe(true);
      expect(propensities[chosen]).toBeGreaterThan(0);
    }),
  );
});

test('p = floor / K + (1 - floor) * q', () => {
  const { propensities, masked } = drawModel(openedOf({ explorationFloor: 0.03 }), [0.7, 0.2, 0.1]);
  expect(masked).toEqual([0.7, 0.2, 0.1].map((share) => expect.closeTo(share, 12)));
  expect(propensities).toEqual([0.689, 0.204, 0.107].map((share) => expect.closeTo(share, 12)));
});

test('under a budget the dear are explored less, and what they lose goes to the distribution', () => {
  // Costs .01, .001 and .002; floors 2 % of .0003 over three each: .0002, .002 and .001, all below the even share .01.
  const opened = openedOf({ explorationFloor: 0.03, budgetUsdPerRequest: 0.0003 });
  const { propensities } = drawModel(opened, [0, 0.5, 0.5]);
  expect(propensities).toEqual(
    [0.0002, 0.002 + 0.5 * 0.9968, 0.001 + 0.5 * 0.9968].map((share) => expect.closeTo(share, 12)),
  );
  const free = drawModel(openedOf({ explorationFloor: 0.03, budgetUsdPerRequest: 10 }), [0, 0.5, 0.5]);
  expect(free.propensities[0]).toBeCloseTo(0.01, 12);
});

test('the ineligible are masked and the rest renormalised; uniform where nothing is left', () => {
  const opened = openedOf({ explorationFloor: 0 });
  opened.candidates[0]!.eligible = false;
  expect(drawModel(opened, [0.5, 0.3, 0.2]).propensities).toEqual([
    0,
    expect.closeTo(0.6, 12),
    expect.closeTo(0.4, 12),
  ]);
  expect(drawModel(opened, [1, 0, 0]).propensities).toEqual([0, 0.5, 0.5]);
});

test('frequencies over seeds are the propensities', () => {
  const collapsed = [0.6, 0.3, 0.1];
  const counts = [0, 0, 0];
  const draws = 20_000;
  for (let seed = 0; seed < draws; seed++) counts[drawModel(openedOf({ seed }), collapsed).chosen]!++;
  const { propensities } = drawModel(openedOf(), collapsed);
  propensities.forEach((propensity, i) => {
    const tolerance = 4 * Math.sqrt((propensity * (1 - propensity)) / draws);
    expect(Math.abs(counts[i]! / draws - propensity)).toBeLessThan(tolerance);
  });
});

test('the same seed draws the same, and exploring is told from following', () => {
  const explored = new Set<boolean>();
  for (let seed = 0; seed < 50; seed++) {
    const opened = openedOf({ seed, explorationFloor: 0.6 });
    const draw = drawModel(opened, [1, 0, 0]);
    expect(drawModel(opened, [1, 0, 0])).toEqual(draw);
    expect(draw.explored).toBe(draw.chosen !== 0);
    explored.add(draw.explored);
  }
  expect(explored.size).toBe(2);
});

test('without an eligible candidate there is nothing to draw', () => {
  const opened = openedOf({ candidates: [candidateOf('a', 'p', { eligible: false })] });
  expect(() => drawModel(opened, [1])).toThrow('no eligible candidate');
});
