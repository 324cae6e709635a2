import { policyNames } from '../../../../lab/studies/curves/policies';
import { references } from '../../../../lab/studies/curves/references';
import { quality } from '../../../../lab/studies/quality/figures';
import { simulatedWorld } from '../../../../lab/workloads/simulated-world';
import type { Workload } from '../../../../lab/workloads/workload';
import { utilityWeights } from '../../../../lib/routing/judge/utility';
import { nineRows } from '../quality/nine-rows';

/** The nine rows over and over with models a and b alone: .8 for 10 USD, .4 for 1 USD. */
function twoModels(rows: number): Workload {
  const nine = nineRows();
  const recorded = Array.from({ length: rows }, (_, i) => {
    const row = nine.row(i % nine.rows);
    return { ...row, id: `row-${i}`, outcomes: new Map([...row.outcomes].filter(([model]) => model !== 'c')) };
  });
  return { ...nine, models: nine.models.slice(0, 2), rows, row: (index) => recorded[index]! };
}

const rows = 120;
const workload = twoModels(rows);
const parts = [{ name: 'second half', from: 60, to: rows }];
const choices = Array.from({ length: rows }, (_, r) => (r % 2 === 0 ? 'a' : 'b'));

test('without a budget everybody plays for quality alone; nobody mixes', () => {
  const results = references({ workload, weights: quality, seed: 1, budgetUsd: null, parts }, choices);
  const scores = Object.fromEntries([...results].map(([name, { meanScore }]) => [name, meanScore]));
  expect(scores).toEqual({
    router: expect.closeTo(0.6),
    oracle: expect.closeTo(0.8),
    'best single': expect.closeTo(0.8),
    LinUCB: expect.closeTo(0.8, 1),
    'Thompson table': expect.closeTo(0.8, 1),
    'static rules': expect.closeTo(0.8),
    random: expect.closeTo(0.6),
  });
  expect([...results.keys()][0]).toBe(policyNames.router);
});

test('under a budget the others get the best cost price, and the mix spends the budget to the cent', () => {
  const results = references({ workload, weights: quality, seed: 1, budgetUsd: 5.5, parts }, choices);
  const mix = results.get('static mix')!;
  expect(mix.costsUsd[rows - 1]).toBeCloseTo(5.5);
  expect(mix.scores[rows - 1]).toBeCloseTo(0.6);
  expect(results.get('best single')!.scores[rows - 1]).toBeCloseTo(0.4);
  expect(results.get('static rules')!.meanScore).toBeCloseTo(0.4);
  const lateSpend = (name: 'LinUCB' | 'Thompson table' | 'oracle') =>
    results
      .get(name)!
      .costsUsd.slice(60)
      .reduce((sum, cost) => sum + cost, 0) / 60;
  for (const name of ['LinUCB', 'Thompson table', 'oracle'] as const) expect(lateSpend(name)).toBeLessThanOrEqual(5.5);
});

test('what is known of one part is used in that part alone', () => {
  const halves = [{ name: 'first', from: 0, to: 60 }, ...parts];
  const changing = {
    ...workload,
    row: (index: number) => {
      const row = workload.row(index);
      const [a, b] = [row.outcomes.get('a')!, row.outcomes.get('b')!];
      return index < 60
        ? row
        : {
            ...row,
            outcomes: new Map([
              ['a', { ...b, costUsd: 10 }],
              ['b', { ...a, costUsd: 1 }],
            ]),
          };
    },
  };
  const results = references({ workload: changing, weights: quality, seed: 1, budgetUsd: 20, parts: halves }, choices);
  const single = results.get('best single')!;
  expect(single.scores[0]).toBeCloseTo(0.8);
  expect(single.scores[rows - 1]).toBeCloseTo(0.8);
  expect(single.costsUsd[rows - 1]).toBe(1);
});

test('rules follow what an operator has declared where there is something', () => {
  const world = simulatedWorld({ world: 1, rows: 60, seed: 1 });
  const weights = utilityWeights(world.utility!.preference, world.utility!.scale, 0);
  const all = [{ name: 'all', from: 0, to: 60 }];
  const played = { workload: world, weights, seed: 1, budgetUsd: null, parts: all };
  const results = references(
    played,
    Array.from({ length: 60 }, () => world.models[0]!.name),
  );
  // Declared beliefs send different tasks to different models; a pilot of sixty rows would know them all by heart.
  expect(results.get('static rules')!.shares.filter((share) => share > 0).length).toBeGreaterThan(1);
  expect(results.get('static rules')!.meanUtility).toBeLessThan(results.get('oracle')!.meanUtility);
  expect(results.get('router')!.shares[0]).toBe(1);
});
