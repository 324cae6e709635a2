import { bestSingle, oracle } from '../../../lab/policies/baselines';
import { bestCostPrice, fixedShares, priced } from '../../../lab/policies/cost-price';
import { matrixOf } from '../matrix-of';

/** m1 is better by .4 on every second row and by .1 on the others, at nine times the cost. */
const rows = 40;
const scores = Array.from({ length: rows }, (_, r) => [0.5, r % 2 === 0 ? 0.9 : 0.6]);
const costs = scores.map(() => [1e-4, 9e-4]);
const matrix = matrixOf(scores, costs);

test('priced utilities are scores less the price of what was spent; an unknown cost is free', () => {
  const { utilities, scores: kept } = priced(matrixOf([[0.5, 0.9]], [[1e-4, Number.NaN]]), 1000);
  expect([...utilities]).toEqual([expect.closeTo(0.4), 0.9]);
  expect([...kept]).toEqual([0.5, 0.9]);
});

test('the best price in hindsight spends the dear calls where they are worth it', () => {
  const result = bestCostPrice(matrix, 5e-4, oracle);
  expect(result.meanScore).toBeCloseTo((0.9 + 0.5) / 2);
  expect(result.meanCostUsd).toBeCloseTo(5e-4);
  // Judged by scores again, not by what was left of them at the price.
  expect(result.utilities).toEqual(result.scores);
});

test('a loose budget leaves cost out of account; one that nothing fits is overspent least', () => {
  expect(bestCostPrice(matrix, 1, oracle).meanScore).toBeCloseTo(oracle(matrix).meanScore);
  expect(bestCostPrice(matrix, 1e-6, oracle).meanCostUsd).toBeCloseTo(1e-4);
  expect(bestCostPrice(matrix, 2e-4, bestSingle).shares).toEqual([1, 0]);
});

test('only the rows from `from` on decide', () => {
  // The first half is dear whatever is chosen: it would break the budget if it counted.
  const dearFirst = matrixOf(
    scores,
    costs.map((row, r) => (r < rows / 2 ? [1, 1] : row)),
  );
  // In the first half both cost the same, so the better one is taken either way; in the second every other row can be dear.
  expect(bestCostPrice(dearFirst, 5e-4, oracle, rows / 2).shares[1]).toBeCloseTo(0.5 + 0.25);
  expect(bestCostPrice(dearFirst, 5e-4, oracle).shares[1]).toBeCloseTo(0.5);
});

test('fixed shares are judged by their expectation', () => {
  const mix = fixedShares('mix', matrix, { m0: 0.75, m1: 0.25 });
  expect(mix.meanScore).toBeCloseTo(0.75 * 0.5 + 0.25 * 0.75);
  expect(mix.costsUsd[0]).toBeCloseTo(0.75 * 1e-4 + 0.25 * 9e-4);
  const gap = matrixOf([[0.5, null]]);
  expect(() => fixedShares('mix', gap, { m1: 1 })).toThrow(/row 0 has no candidate m1/);
  expect(fixedShares('mix', gap, { m0: 1 }).meanScore).toBe(0.5);
});

test('a model has a share only where one was given, whatever its name is', () => {
  const named = { ...matrix, models: matrix.models.map((model, m) => ({ ...model, name: ['constructor', 'b'][m]! })) };
  expect(fixedShares('mix', named, { b: 1 }).shares).toEqual([0, 1]);
  expect(fixedShares('mix', named, { constructor: 1 }).shares).toEqual([1, 0]);
});
