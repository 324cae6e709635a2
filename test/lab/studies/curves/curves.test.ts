import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { curves } from '../../../../lab/studies/curves/curves';
import { figureSvg, figureTable, readFigure } from '../../../../lab/studies/curves/draw-figure';
import { figureLines } from '../../../../lab/studies/curves/figure-lines';
import { playCurve } from '../../../../lab/studies/curves/play-curve';
import { requestContexts } from '../../../../lab/studies/curves/request-contexts';
import { keptResults } from '../../../../lab/studies/kept-results';
import type { Choices } from '../../../../lab/studies/quality/play';

const folder = join(__dirname, '..', '..', '..', '..', '..', 'shared', 'data');
const find = (name: string) => curves.find((curve) => curve.name === name)!;
const source = { folder, mostRows: 120 };
const quiet = { source, seeds: [1], path: null, kept: keptResults<Choices>(null), progress: () => {} };

test('every curve has a name of its own, parts within its rows, and a place in the docs', () => {
  const page = readFileSync(join(__dirname, '..', '..', '..', '..', 'docs', 'learning.md'), 'utf8');
  for (const [, name] of page.matchAll(/table:(\S+):begin/g)) expect(curves.map((curve) => curve.name)).toContain(name);
  expect(new Set(curves.map(({ name }) => name)).size).toBe(curves.length);
  for (const { name, parts, changes } of curves) {
    expect(page).toContain(`(figures/${name}.svg)`);
    expect(page).toContain(`<!-- table:${name}:begin -->`);
    for (const { from, to } of parts(1_000)) expect(0 <= from && from < to && to <= 1_000).toBe(true);
    expect(parts(1_000).at(-1)!.to).toBe(1_000);
    for (const { atRow } of changes(1_000)) expect(parts(1_000).map(({ from }) => from)).toContain(atRow);
  }
});

test('a curve is played, measured and drawn, twice the same', async () => {
  const curve = find('bandit-wheel');
  const lines = async () => {
    const { about, runs } = await playCurve(curve, { ...quiet, seeds: [1, 2], path: 'learner' });
    return figureLines(about, runs)
      .map((line) => JSON.stringify(line))
      .join('\n');
  };
  const text = await lines();
  expect(await lines()).toBe(text);
  const figure = readFigure(text);
  expect(figure.about).toMatchObject({ figure: 'bandit-wheel', path: 'learner', seeds: 2, rows: 120 });
  expect(figureTable(figure).split('\n')).toHaveLength(2 + 7);
  expect(figureSvg(figure)).toContain('Wheel');
});

test('only the engine plays the simulated world, in which nobody is told the outcome of a model that was not called', async () => {
  const { about, runs } = await playCurve(find('world-1'), {
    ...quiet,
    source: { folder, mostRows: 60 },
    path: 'learner',
  });
  expect(about).toMatchObject({ path: 'engine', columns: ['utility'], budgetUsd: null });
  const { meanUtility, costUsdPer1000 } = runs[0]!.results.get('router')!;
  expect(costUsdPer1000).toBeGreaterThan(0);
  expect(meanUtility).toBeLessThan(runs[0]!.results.get('oracle')!.meanUtility);
});

test('what was kept is not played again', async () => {
  const home = mkdtempSync(join(tmpdir(), 'kept-'));
  try {
    const file = join(home, 'choices.jsonl');
    const curve = find('bandit-wheel');
    const play = { ...quiet, path: 'learner' as const };
    const first = await playCurve(curve, { ...play, kept: keptResults<Choices>(file) });
    const played = { ...curve, play: () => Promise.reject(new Error('played')) };
    expect(await playCurve(played, { ...play, kept: keptResults<Choices>(file) })).toEqual(first);
    // Another seed, path or number of rows is another run.
    for (const other of [{ seeds: [2] }, { path: 'engine' as const }, { source: { folder, mostRows: 60 } }]) {
      await expect(playCurve(played, { ...play, ...other, kept: keptResults<Choices>(file) })).rejects.toThrow(
        'played',
      );
    }
  } finally {
    rmSync(home, { recursive: true });
  }
});

test('a curve without seeds is refused', async () => {
  await expect(playCurve(find('bandit-wheel'), { ...quiet, seeds: [] })).rejects.toThrow(RangeError);
});

const withData = existsSync(join(folder, 'paretobandit-val.jsonl.gz')) ? test : test.skip;

withData('recorded rows come in another order with every seed, and changes hold in the middle third', async () => {
  const ids = async (seed: number) => {
    const workload = await find('pareto-cold').workload(source, seed);
    return Array.from({ length: workload.rows }, (_, index) => workload.row(index).id);
  };
  const [first, again, other] = [await ids(1), await ids(1), await ids(2)];
  expect(again).toEqual(first);
  expect(other).not.toEqual(first);
  expect([...other].sort()).toEqual([...first].sort());

  const plain = await find('pareto-cold').workload(source, 1);
  const dropped = await find('quality-drop').workload(source, 1);
  const mistral = (workload: typeof plain, index: number) =>
    workload.row(index).outcomes.get('mistralai/mistral-large-2512')!.score;
  expect(mistral(dropped, 0)).toBe(mistral(plain, 0));
  expect(mistral(dropped, 60)).toBeLessThan(mistral(plain, 60));
  expect((await find('price-drop').workload(source, 1)).events.map(({ atIndex }) => atIndex)).toEqual([40, 80]);
});

test('contexts are the same for the same seed, one length for all, and tell rows apart', async () => {
  const workload = await find('world-1').workload(source, 1);
  const contexts = requestContexts(workload, 1);
  expect(contexts).toHaveLength(workload.rows);
  expect(new Set(contexts.map(({ length }) => length)).size).toBe(1);
  expect(requestContexts(workload, 1)).toEqual(contexts);
  expect(contexts[0]).not.toEqual(contexts[1]);
});
