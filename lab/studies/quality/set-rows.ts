/**
 * Sets of risk against their nominal coverage: of the answers that were as good as the best candidate was expected to be, how
 * many came from a model of the set, counted over all candidates, whether called or not.
 */

import { setCoverages } from '../../../lib/learning/value/set-gaps';
import { fourDigits } from '../../report/report-line';
import { madeWorkload } from '../../workloads/made-data';
import { indicesOfSplit } from '../../workloads/recorded-data';
import type { Workload, WorkloadRow } from '../../workloads/workload';
import { atMost, type Bench, type Line, readData } from './bench';
import { meanOf } from './figures';
import { LearnerStream, type Predicted } from './learner-stream';
import { folds, inOrder, randomOrder } from './protocol';

/** How far coverage may be from what is stated. */
const coverageTolerance = 0.02;
const foldCount = 5;
const madeRows = 6_000;

/** Good answers, and for each nominal coverage how many of them came from the set and how many models it named. */
interface Tally {
  good: number;
  rows: number;
  readonly inside: number[];
  readonly sizes: number[];
}

const newTally = (): Tally => ({
  good: 0,
  rows: 0,
  inside: setCoverages.map(() => 0),
  sizes: setCoverages.map(() => 0),
});

/** Trained on all outcomes of four fifths of the train rows, judged on the rest. */
export async function setsOfRecorded(bench: Bench): Promise<Line[]> {
  const data = await readData(bench, 'ulab9');
  const train = inOrder(data, indicesOfSplit(data, 'train'));
  const tallies: Tally[] = [];
  for (const seed of bench.seeds) {
    bench.progress(`sets.ulab9 seed ${seed}`);
    const tally = newTally();
    // One cut a seed: the others differ from it as another seed does.
    const [fold] = folds(train.rows, foldCount, seed);
    const stream = await streamOf(train, seed);
    for (const index of fold!.train) stream.show(train.row(index));
    for (const index of fold!.heldOut) count(tally, train.row(index), stream.predict(train.row(index)));
    stream.learner.dispose();
    tallies.push(tally);
  }
  return coverageLines(bench, 'sets.ulab9', tallies);
}

/** Routed through a stream from a cold start, shown chosen outcomes alone, judged over its second half. */
export async function setsOfStream(bench: Bench, name: 'ulab9' | 'thirty-models'): Promise<Line[]> {
  const tallies: Tally[] = [];
  for (const seed of bench.seeds) {
    bench.progress(`sets.${name}.chosen seed ${seed}`);
    const workload = name === 'ulab9' ? await shuffledUlab(bench, seed) : madeWorkload(name, { rows: madeRows, seed });
    const tally = newTally();
    const stream = await streamOf(workload, seed);
    for (let index = 0; index < workload.rows; index++) {
      const row = workload.row(index);
      if (index >= workload.rows / 2) count(tally, row, stream.predict(row));
      stream.route(row);
    }
    stream.learner.dispose();
    tallies.push(tally);
  }
  return coverageLines(bench, `sets.${name}.chosen`, tallies);
}

async function shuffledUlab(bench: Bench, seed: number): Promise<Workload> {
  const data = await readData(bench, 'ulab9');
  const train = indicesOfSplit(data, 'train');
  return inOrder(
    data,
    randomOrder(train.length, seed, 'order').map((i) => train[i]!),
  );
}

function streamOf({ models }: Workload, seed: number): Promise<LearnerStream> {
  return LearnerStream.create(
    models.map(({ name }) => name),
    { seed, pipeline: 'full', publish: 'steps', budgetUsd: null, explorationFloor: 0.01 },
  );
}

function count(tally: Tally, row: WorkloadRow, { qualities, setGaps }: Predicted): void {
  const best = Math.max(...qualities.values());
  const gaps = setCoverages.map((coverage) => setGaps[String(coverage)] ?? null);
  if (gaps.includes(null)) return;
  tally.rows++;
  for (const [model, quality] of qualities) {
    const isGood = row.outcomes.get(model)!.score >= best;
    if (isGood) tally.good++;
    gaps.forEach((gap, i) => {
      if (best - quality > gap!) return;
      tally.sizes[i] = tally.sizes[i]! + 1;
      if (isGood) tally.inside[i] = tally.inside[i]! + 1;
    });
  }
}

function coverageLines(bench: Bench, name: string, tallies: readonly Tally[]): Line[] {
  return setCoverages.map((coverage, i) => {
    const perSeed = tallies.map(({ inside, good }) => inside[i]! / good);
    return {
      name: `${name}.coverageOff.${coverage}`,
      value: Math.abs(meanOf(perSeed) - coverage),
      unit: 'share',
      bar: atMost(coverageTolerance),
      details: {
        path: 'learner',
        seeds: bench.seeds.length,
        coverage: fourDigits(meanOf(perSeed)),
        perSeed: perSeed.map(fourDigits),
        modelsInSet: fourDigits(meanOf(tallies.map(({ sizes, rows }) => sizes[i]! / rows))),
      },
    };
  });
}
