import { fixedShares } from '../../../../lab/policies/cost-price';
import {
  type About,
  type Curve,
  figureLines,
  pointEnds,
  type Result,
  type SeedRun,
} from '../../../../lab/studies/curves/figure-lines';
import { type PolicyName, policyNames } from '../../../../lab/studies/curves/policies';
import { matrixOf } from '../../matrix-of';

const rows = 80;
/** m0 always scores .9 for 2 USD, m1 .5 for 1 USD, but in the first half both score 0. */
const matrix = matrixOf(
  Array.from({ length: rows }, (_, r) => (r < rows / 2 ? [0, 0] : [0.9, 0.5])),
  Array.from({ length: rows }, () => [2, 1]),
);
const ids = Array.from({ length: rows }, (_, r) => `r${r}`);

/** What the router did, as a share of m0; the oracle is m0, random is m1. */
function runOf(share: number): SeedRun {
  const plays: [PolicyName, number][] = [
    [policyNames.router, share],
    [policyNames.oracle, 1],
    [policyNames.random, 0],
  ];
  return {
    ids,
    results: new Map(plays.map(([name, m0]) => [name, fixedShares(name, matrix, { m0, m1: 1 - m0 })])),
  };
}

const about: About = {
  kind: 'about',
  figure: 'toy',
  title: 'Toy',
  path: 'learner',
  seeds: 3,
  rows,
  budgetUsd: 1.25,
  panels: [
    { measure: 'score', windowRows: null, policies: ['router', 'random'] },
    { measure: 'spend', windowRows: 4, policies: ['router'] },
  ],
  parts: [
    { name: 'second half', from: 40, to: 60 },
    { name: 'end', from: 60, to: 80 },
  ],
  columns: ['score', 'spend', 'regret'],
  changes: [],
};

const lines = figureLines(about, [runOf(0.5), runOf(0.625), runOf(0.75)]);
const curves = lines.filter((line): line is Curve => line.kind === 'curve');
const results = lines.filter((line): line is Result => line.kind === 'result');

test('one line says what it is, one per curve, one per policy', () => {
  expect(lines[0]).toEqual(about);
  expect(curves.map(({ measure, policy }) => `${measure} ${policy}`)).toEqual([
    'score router',
    'score random',
    'spend router',
  ]);
  expect(results.map(({ policy }) => policy)).toEqual(['router', 'oracle', 'random']);
});

test('curves are running or windowed means over the seeds, with the lowest and highest seed', () => {
  const [score, , spend] = curves;
  expect(score!.mean).toHaveLength(40);
  // After the first half nothing was scored; at the end half of what the second half is worth.
  expect(score!.mean[19]).toBe(0);
  expect(score!.low.at(-1)).toBeCloseTo((0.5 * 0.9 + 0.5 * 0.5) / 2);
  expect(score!.high.at(-1)).toBeCloseTo((0.75 * 0.9 + 0.25 * 0.5) / 2);
  expect(score!.mean.at(-1)).toBeCloseTo(((0.7 + 0.8) / 2) * 0.5);
  // The window of the last four rows sees the same cost everywhere.
  expect(spend!.mean[0]).toBeCloseTo((1.5 + 1.75) / 2 / 1.25);
  expect(spend!.mean.at(-1)).toBeCloseTo((1.5 + 1.75) / 2 / 1.25);
});

test('a table judges its parts alone', () => {
  const [router, oracle, random] = results;
  const [score, spend, regret] = router!.cells;
  expect(score!.map(({ mean }) => mean)).toEqual([expect.closeTo(0.75), expect.closeTo(0.75)]);
  expect(score![0]!.plusMinus).toBeCloseTo((4.303 * 0.05) / Math.sqrt(3), 2);
  expect(spend![0]!.mean).toBeCloseTo(1.3);
  expect(regret![0]!.mean).toBeCloseTo((0.5 + 0.25) / 2);
  expect(oracle!.cells[2]![0]!.mean).toBe(0);
  expect(random!.cells[2]![0]!.mean).toBe(1);
  expect(router!.routerGain).toBeNull();
  // .75 on average against .5, the same on every judged row.
  expect(random!.routerGain).toEqual({ mean: 0.25, low: 0.25, high: 0.25 });
  expect(oracle!.routerGain!.mean).toBeCloseTo(-0.15);
});

test('two seeds say nothing of their spread', () => {
  const few = figureLines(about, [runOf(0.5), runOf(0.75)]).find(({ kind }) => kind === 'result') as Result;
  expect(few.cells[0]![0]).toEqual({ mean: expect.closeTo(0.75), plusMinus: null });
});

test('points are spread evenly and end at the last row', () => {
  expect(pointEnds(1785, 40).slice(0, 2)).toEqual([45, 89]);
  expect(pointEnds(1785, 40).at(-1)).toBe(1785);
  expect(figureLines({ ...about, rows: 3, parts: [{ name: 'all', from: 0, to: 3 }] }, [runOf(1)])[1]).toMatchObject({
    mean: [0, 0, 0],
  });
});

test('what was not played, or has no budget, is refused by name', () => {
  const panels = [{ measure: 'score' as const, windowRows: null, policies: ['LinUCB' as const] }];
  expect(() => figureLines({ ...about, panels }, [runOf(1)])).toThrow(/LinUCB was not played/);
  expect(() => figureLines({ ...about, budgetUsd: null }, [runOf(1)])).toThrow(/toy has no budget/);
});
