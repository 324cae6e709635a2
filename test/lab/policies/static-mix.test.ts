import fc from 'fast-check';
import { outcomeMatrix } from '../../../lab/policies/baselines';
import { type SingleModel, singleModels, staticMix } from '../../../lab/policies/static-mix';
import { parseRecordedRow, recordedData } from '../../../lab/workloads/recorded-data';

const cheap = { model: 'cheap', meanScore: 0.6, meanCostUsd: 1 };
const middling = { model: 'middling', meanScore: 0.8, meanCostUsd: 2 };
const dear = { model: 'dear', meanScore: 0.9, meanCostUsd: 5 };

test('between two models the mixture spends exactly the budget', () => {
  const mix = staticMix([cheap, middling, dear], 1.25);
  expect(mix.shares).toEqual({ cheap: 0.75, middling: 0.25 });
  expect(mix.meanScore).toBeCloseTo(0.65);
  expect(mix.meanCostUsd).toBeCloseTo(1.25);
});

test('the neighbours on the frontier are mixed, not the extremes', () => {
  expect(Object.keys(staticMix([dear, cheap, middling], 3).shares).sort()).toEqual(['dear', 'middling']);
});

test('a model below the line between two others takes no part', () => {
  const poor = { model: 'poor', meanScore: 0.61, meanCostUsd: 3 };
  expect(Object.keys(staticMix([cheap, poor, dear], 3).shares).sort()).toEqual(['cheap', 'dear']);
});

test('a model that is both better and cheaper is used alone, whatever is left of the budget', () => {
  const mix = staticMix([{ model: 'best', meanScore: 0.95, meanCostUsd: 0.5 }, middling, dear], 4);
  expect(mix).toEqual({ meanScore: 0.95, meanCostUsd: 0.5, shares: { best: 1 } });
});

test('above the dearest price the best model is used alone; below the cheapest the cheapest is, over budget', () => {
  expect(staticMix([cheap, dear], 100).shares).toEqual({ dear: 1 });
  expect(staticMix([dear, cheap], 0.1)).toEqual({ meanScore: 0.6, meanCostUsd: 1, shares: { cheap: 1 } });
});

test('no mixture of all models within the budget is better', () => {
  const model = fc.record({
    model: fc.uuid(),
    meanScore: fc.double({ min: 0, max: 1, noNaN: true }),
    meanCostUsd: fc.double({ min: 0.01, max: 1, noNaN: true }),
  });
  const models = fc.uniqueArray(model, { minLength: 1, maxLength: 5, selector: (one) => one.model });
  const weights = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 5, maxLength: 5 });
  fc.assert(
    fc.property(models, weights, (singles: SingleModel[], raw) => {
      const used = singles.map((_, m) => raw[m]! + 1e-9);
      const total = used.reduce((sum, weight) => sum + weight, 0);
      const mean = (figure: 'meanScore' | 'meanCostUsd') =>
        singles.reduce((sum, single, m) => sum + (used[m]! / total) * single[figure], 0);
      // A hair more than this mixture costs: rounded, the mean of costs that are all but equal can lie below each of them.
      const budgetUsd = mean('meanCostUsd') * (1 + 1e-9);
      const best = staticMix(singles, budgetUsd);
      expect(best.meanScore).toBeGreaterThanOrEqual(mean('meanScore') - 1e-9);
      expect(best.meanCostUsd).toBeLessThanOrEqual(budgetUsd * (1 + 1e-9));
      expect(Object.values(best.shares).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1);
    }),
    { numRuns: 1000 },
  );
});

test('what cannot be mixed is refused', () => {
  expect(() => staticMix([], 1)).toThrow('at least one model');
  expect(() => staticMix([cheap], 0)).toThrow('budgetUsd must be positive, not 0');
});

test('single models are judged on the rows of the matrix; one with an unknown score or cost is left out', () => {
  const row = (id: string, outcomes: object) => parseRecordedRow(JSON.stringify({ id, prompt: id, outcomes }), 1);
  const data = recordedData('three', [
    row('1', { a: { score: 1, cost: 2 }, b: { score: 0, cost: 1 }, c: { score: 1, cost: null } }),
    row('2', { a: { score: 0.5, cost: 4 }, b: { score: null, cost: 1 }, c: { score: 1, cost: 1 } }),
  ]);
  const matrix = outcomeMatrix(data, { quality: 1, perUsd: 0, perMs: 0 });
  expect(singleModels(matrix)).toEqual([{ model: 'a', meanScore: 0.75, meanCostUsd: 3 }]);
});
