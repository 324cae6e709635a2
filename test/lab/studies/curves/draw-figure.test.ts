import { figureSvg, figureTable, readFigure } from '../../../../lab/studies/curves/draw-figure';
import type { About, FigureLine } from '../../../../lab/studies/curves/figure-lines';

const about: About = {
  kind: 'about',
  figure: 'toy',
  title: 'Toy rows',
  path: 'engine',
  seeds: 3,
  rows: 1_200,
  budgetUsd: null,
  panels: [{ measure: 'score', windowRows: null, policies: ['router', 'oracle'] }],
  parts: [{ name: 'whole stream', from: 0, to: 1_200 }],
  columns: ['score', 'regret'],
  changes: [],
};
const points = { mean: [0.5, 0.625], low: [0.4, 0.6], high: [0.55, 0.65] };
const lines: readonly FigureLine[] = [
  about,
  { kind: 'curve', figure: 'toy', measure: 'score', policy: 'router', ...points },
  { kind: 'curve', figure: 'toy', measure: 'score', policy: 'oracle', ...points, mean: [0.9, 0.9] },
  {
    kind: 'result',
    figure: 'toy',
    policy: 'router',
    cells: [[{ mean: 0.625, plusMinus: 0.0123 }], [{ mean: 0.384, plusMinus: null }]],
    routerGain: null,
  },
  {
    kind: 'result',
    figure: 'toy',
    policy: 'oracle',
    cells: [[{ mean: 0.9, plusMinus: 0 }], [{ mean: 0, plusMinus: null }]],
    routerGain: { mean: -0.275, low: -0.3, high: -0.0001 },
  },
];
const textOf = (some: readonly object[]): string => some.map((line) => `${JSON.stringify(line)}\n`).join('');

test('a table has a row per policy, and what the router is better by', () => {
  expect(figureTable(readFigure(textOf(lines))).split('\n')).toEqual([
    "| policy | score | regret, % of random's | the router is better by |",
    '| --- | --- | --- | --- |',
    '| **router** | .625 ± .012 | 38.4 |  |',
    '| oracle † | .900 | .0 | −.275 (−.300 … .000) |',
  ]);
});

test('under a budget columns are named by their part, and who is given the best cost price says so', () => {
  const budgeted = {
    ...about,
    budgetUsd: 1,
    columns: ['spend'],
    parts: [
      { name: 'first', from: 0, to: 600 },
      { name: 'last', from: 600, to: 1_200 },
    ],
  };
  const result = {
    kind: 'result',
    figure: 'toy',
    policy: 'LinUCB',
    cells: [
      [
        { mean: 1.044, plusMinus: null },
        { mean: 0.5, plusMinus: null },
      ],
    ],
    routerGain: { mean: 0.25, low: 0.2, high: 0.3 },
  };
  expect(figureTable(readFigure(textOf([budgeted, result]))).split('\n')).toEqual([
    '| policy | spending, budgets, first | spending, budgets, last | the router is better by |',
    '| --- | --- | --- | --- |',
    '| LinUCB at the best cost price † | 1.04 | .50 | +.250 (+.200 … +.300) |',
  ]);
});

test('a picture says how it was measured and draws every curve', () => {
  const svg = figureSvg(readFigure(textOf(lines)));
  expect(svg).toContain('1,200 requests, the whole engine, chosen outcomes only; mean of 3 orders');
  expect(svg.match(/<polyline/g)).toHaveLength(2);
  // Only who learns has a band: what does not depend on the order has no spread.
  expect(svg.match(/<polygon/g)).toHaveLength(1);
  expect(svg).toContain('>router .625<');
  expect(svg).toContain('>oracle .900 ↑<');
  expect(figureSvg(readFigure(textOf([{ ...about, path: 'learner', seeds: 1 }, ...lines.slice(1)])))).toContain(
    'the learner alone, chosen outcomes only; one order',
  );
});

test('spending is measured by the budget, and changes are marked', () => {
  const spending = {
    ...about,
    budgetUsd: 1e-3,
    panels: [{ measure: 'spend', windowRows: 100, policies: ['router'] }],
    changes: [{ atRow: 400, label: 'price drops' }],
  };
  const curve = { kind: 'curve', figure: 'toy', measure: 'spend', policy: 'router', ...points };
  const svg = figureSvg(readFigure(textOf([spending, curve])));
  expect(svg).toContain('>budget<');
  expect(svg).toContain('>price drops<');
  expect(svg).toContain('spending, budgets, last 100');
});

test('a file of another kind is refused', () => {
  expect(() => readFigure(textOf(lines.slice(1)))).toThrow(/one line about it/);
  expect(() => readFigure(textOf([about, { kind: 'other' }]))).toThrow(/one line about it/);
  expect(() => readFigure('')).toThrow(/one line about it/);
});
