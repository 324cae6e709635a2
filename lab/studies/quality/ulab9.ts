/** Nine models on fourteen tasks without costs: what full and chosen feedback are worth where the text tells the task. */

import type { LearningConfig } from '../../../lib/config/router-config';
import { bestSingle, judgeChoices, oracle, outcomeMatrix, thompsonTable } from '../../policies/baselines';
import { fourDigits } from '../../report/report-line';
import { indicesOfSplit } from '../../workloads/recorded-data';
import type { Workload } from '../../workloads/workload';
import { atLeast, type Bench, coldRuns, type Line, meanOver, readData, run, seedLine, worstLine } from './bench';
import { bestModel, type Comparison, meanOf, pairedGain, quality } from './figures';
import { linUcbAfter, linUcbLine, linUcbOn } from './lin-ucb-line';
import { cold, folds, inOrder, randomOrder } from './protocol';

const foldCount = 5;
/** How far below the mean's bar a seed's mean over its folds may be. */
const worstFold = 0.005;

/**
 * 5-fold cross-validation over the train rows, one cut per seed: trained on all outcomes of four folds, then frozen on
 * the fifth. The reference is the single model that was best on the four training folds, judged on the fifth.
 */
export async function crossValidation(
  bench: Bench,
  pipeline: LearningConfig['pipeline'],
  { name, gainBar, aim }: { readonly name: string; readonly gainBar: number; readonly aim: number },
): Promise<Line[]> {
  const data = await readData(bench, 'ulab9');
  const train = inOrder(data, indicesOfSplit(data, 'train'));
  const comparisons: Comparison[] = [];
  const perSeed: { score: number; reference: number; hindsight: number }[] = [];
  for (const seed of bench.seeds) {
    const results: { score: number; reference: number; hindsight: number }[] = [];
    for (const [k, fold] of folds(train.rows, foldCount, seed).entries()) {
      const { all } = await run(bench, {
        ...cold(`${name} fold ${k + 1}/${foldCount}`, inOrder(train, [...fold.train, ...fold.heldOut]), seed),
        warmRows: fold.train.length,
        warm: 'full',
        feedback: 'none',
        pipeline,
      });
      const single = bestModel(outcomeMatrix(train, quality, fold.train));
      const index = train.models.findIndex((model) => model.name === single);
      const reference = judgeChoices('reference', all.matrix, new Int32Array(all.matrix.rows).fill(index));
      comparisons.push({ ids: all.ids, ours: all.router.utilities, theirs: reference.utilities });
      results.push({
        score: all.router.meanScore,
        reference: reference.meanScore,
        hindsight: bestSingle(all.matrix).meanScore,
      });
    }
    const mean = (figure: 'score' | 'reference' | 'hindsight') => meanOf(results.map((result) => result[figure]));
    perSeed.push({ score: mean('score'), reference: mean('reference'), hindsight: mean('hindsight') });
  }
  const gain = pairedGain(comparisons);
  const reference = meanOver(perSeed, (seed) => seed.reference);
  return [
    seedLine(
      bench,
      { name: `${name}.score`, unit: 'score', bar: atLeast(reference + gainBar) },
      perSeed.map((seed) => seed.score),
      {
        aim: reference + aim,
        bestSingleOfTrainingFolds: reference,
        gain: gain.mean,
        gainLow: gain.low,
        gainHigh: gain.high,
        bestSingleOfHeldOutFold: meanOver(perSeed, (seed) => seed.hindsight),
      },
    ),
    worstLine(
      bench,
      { name: `${name}.worstScore`, unit: 'score', bar: atLeast(reference + gainBar - worstFold) },
      perSeed.map((seed) => seed.score),
    ),
  ];
}

/** The train rows as one shuffled stream from a cold start; the Thompson table plays the same rows in the same order. */
export async function onlineStream(bench: Bench): Promise<Line[]> {
  const data = await readData(bench, 'ulab9');
  const name = 'ulab9.online';
  const runs = await coldRuns(bench, name, inOrder(data, indicesOfSplit(data, 'train')));
  const tables = runs.map(({ all, seed }) => thompsonTable(all.matrix, { seed }));
  const gain = pairedGain(
    runs.map(({ all }, i) => ({ ids: all.ids, ours: all.router.utilities, theirs: tables[i]!.utilities })),
  );
  const lastFifth = meanOver(runs, ({ between, rows }) => between(0.8 * rows, rows).router.meanScore);
  return [
    seedLine(
      bench,
      { name: `${name}.score`, unit: 'score', bar: atLeast(0.6) },
      runs.map(({ all }) => all.router.meanScore),
      {
        aim: 0.625,
        thompsonTable: meanOver(tables, (table) => table.meanScore),
        bestSingleInHindsight: meanOver(runs, ({ all }) => bestSingle(all.matrix).meanScore),
        firstFifth: meanOver(runs, ({ between, rows }) => between(0, 0.2 * rows).router.meanScore),
        lastFifth,
      },
    ),
    worstLine(
      bench,
      { name: `${name}.worstScore`, unit: 'score', bar: atLeast(0.605) },
      runs.map(({ all }) => all.router.meanScore),
    ),
    linUcbLine(bench, name, linUcbOn(runs)),
    {
      name: `${name}.gainOverThompsonLow`,
      value: gain.low,
      unit: 'score',
      bar: atLeast(0),
      details: {
        path: bench.path,
        seeds: runs.length,
        gain: fourDigits(gain.mean),
        high: fourDigits(gain.high),
        perSeed: runs.map(({ all }, i) => fourDigits(all.router.meanScore - tables[i]!.meanScore)),
      },
    },
  ];
}

/** Routed through the train rows with chosen outcomes, then judged on the test rows while it goes on learning. */
export async function trainThenTest(bench: Bench, order: 'shuffle' | 'file'): Promise<Line[]> {
  const data = await readData(bench, 'ulab9');
  const name = order === 'shuffle' ? 'ulab9.trainTest' : 'ulab9.trainTestInFileOrder';
  const train = indicesOfSplit(data, 'train');
  const test = indicesOfSplit(data, 'test');
  const runs = [];
  for (const seed of bench.seeds) {
    const ordered = (indices: readonly number[], label: string): readonly number[] =>
      order === 'file' ? indices : randomOrder(indices.length, seed, label).map((i) => indices[i]!);
    const workload = inOrder(data, [...ordered(train, 'train'), ...ordered(test, 'test')]);
    runs.push({
      ...(await run(bench, { ...cold(name, workload, seed), warmRows: train.length })),
      warm: outcomeMatrix(
        workload,
        quality,
        train.map((_, i) => i),
      ),
    });
  }
  return [
    seedLine(
      bench,
      { name: `${name}.score`, unit: 'score', bar: atLeast(order === 'file' ? 0.595 : 0.59) },
      runs.map(({ all }) => all.router.meanScore),
      {
        aim: 0.615,
        thompsonTable: meanOver(
          runs,
          ({ all, warm, seed }) =>
            thompsonTable(all.matrix, { seed, warm: { matrix: warm, feedback: 'chosen' } }).meanScore,
        ),
        ...yardsticks(data, test),
      },
    ),
    worstLine(
      bench,
      { name: `${name}.worstScore`, unit: 'score', bar: atLeast(order === 'file' ? 0.595 : 0.6) },
      runs.map(({ all }) => all.router.meanScore),
    ),
    linUcbLine(
      bench,
      name,
      runs.map((one) => linUcbAfter(one, one.warm)),
    ),
  ];
}

function yardsticks(data: Workload, rows: readonly number[]) {
  const matrix = outcomeMatrix(data, quality, rows);
  return { bestSingleInHindsight: bestSingle(matrix).meanScore, oracle: oracle(matrix).meanScore };
}
