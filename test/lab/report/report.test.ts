import type { PolicyResult } from '../../../lab/policies/baselines';
import { alignColumns, policyTable, quantilesOf, riseOf } from '../../../lab/report/report';

function result(name: string, utilities: number[], cost: number | null): PolicyResult {
  const mean = utilities.reduce((a, b) => a + b) / utilities.length;
  return {
    name,
    requests: utilities.length,
    meanUtility: mean,
    meanQuality: mean,
    meanScore: mean,
    meanCostUsd: cost === null ? null : cost / 1000,
    costUsdPer1000: cost,
    regret: 1 - mean,
    failureRate: 0,
    utilities: Float64Array.from(utilities),
    scores: Float64Array.from(utilities),
    costsUsd: new Float64Array(utilities.length).fill((cost ?? Number.NaN) / 1000),
    shares: [1],
  };
}

const results = [
  result('Quantum Router', [0.9, 0.7], 3.456),
  result('uniform random', [0.5, 0.3], 0.0123),
  result('oracle', [1, 1], null),
];

test('the table is aligned, plain and fits 100 columns', () => {
  const table = policyTable(results, { color: false, paired: true });
  expect(table).toBe(
    [
      'policy          utility  quality  USD/1,000  regret  Quantum Router is better by',
      '--------------  -------  -------  ---------  ------  ---------------------------',
      'Quantum Router   0.8000   0.8000       3.46  0.2000',
      'uniform random   0.4000   0.4000     0.0123  0.6000             +0.4000 ± 0.0000',
      'oracle           1.0000   1.0000    unknown  0.0000             -0.2000 ± 0.1960',
      '',
    ].join('\n'),
  );
  for (const line of table.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
});

test('on a narrower terminal the longest title gives way', () => {
  const table = policyTable(results, { color: false, paired: true, columns: 70 });
  expect(table.split('\n')[0]).toBe('policy          utility  quality  USD/1,000  regret         better by');
});

test('on a terminal the first policy is bold, without pairs the column is gone', () => {
  const table = policyTable(results, { color: true, paired: false });
  expect(table.split('\n')[2]).toBe('\u001b[1mQuantum Router   0.8000   0.8000       3.46  0.2000\u001b[22m');
  expect(table).not.toContain('better');
  expect(policyTable([], { color: false, paired: true })).toContain('policy');
});

test('alignColumns pads the first column left and the others right', () => {
  expect(
    alignColumns(
      [
        ['a', 'b'],
        ['long', '1'],
        ['x', '22'],
      ],
      null,
    ),
  ).toBe('a      b\n----  --\nlong   1\nx     22\n');
});

test('quantiles are nearest-rank', () => {
  expect(quantilesOf(Array.from({ length: 100 }, (_, i) => 100 - i))).toEqual({ p50: 50, p95: 95, p99: 99 });
  expect(quantilesOf([7])).toEqual({ p50: 7, p95: 7, p99: 7 });
  expect(quantilesOf([]).p50).toBeNaN();
});

test('the rise compares the first with the last tenth', () => {
  expect(riseOf(Array.from({ length: 20 }, (_, i) => i))).toEqual({ firstTenth: 0.5, lastTenth: 18.5, rise: 18 });
  expect(riseOf([0.25])).toEqual({ firstTenth: 0.25, lastTenth: 0.25, rise: 0 });
  expect(riseOf([]).rise).toBeNaN();
});
