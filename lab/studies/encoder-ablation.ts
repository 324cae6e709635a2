/**
 * What each group of features brings, JSON lines: the score with all groups, and for every group the mean loss per request
 * without it, paired on the same rows, with its 95 % interval. Above 0: the group is worth its place.
 *
 *     node dist/lab/studies/encoder-ablation.js [--data ../shared/data] [--seeds 3] [--only frozen,online,idle,circumstances]
 *
 * `frozen`: text groups, linear half alone, trained on all outcomes of two thirds, judged on the third, each third once.
 * `online`: text groups, the whole learner, cold, chosen outcomes. `idle`: recorded rows under circumstances that say
 * nothing of them, against unknown ones: what carrying context costs. `circumstances`: streams made so that one group of
 * context features decides, with and without that group.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type ContextGroup, contextGroups, encodeContext } from '../../lib/learning/features/context';
import { bytesOf } from '../../lib/learning/features/encode';
import { seededRandom } from '../../lib/random/seeded';
import { report, runCheck } from '../report/report-line';
import { incompleteModels } from '../workloads/incomplete-models';
import { indicesOfSplit, readRecordedData } from '../workloads/recorded-data';
import type { Workload, WorkloadRow } from '../workloads/workload';
import { learnerScores } from './ablation/learner-scores';
import { linearChoices } from './ablation/linear-choices';
import { encodedVariants, textVariants } from './ablation/text-groups';
import { rowIn, weather, weatherModels, withoutGroup } from './ablation/weather';
import { type Comparison, judge, meanOf, pairedGain } from './quality/figures';
import { folds, inOrder, part, randomOrder } from './quality/protocol';

const frozenParts = 3;
/** The most rows of a recorded stream, so that the table takes minutes. */
const mostOnlineRows = 1000;
const weatherRows = 600;

/** Scores of one variant over all its runs. */
type Scores = readonly { readonly ids: readonly string[]; readonly scores: Float64Array }[];

function print(name: string, variant: string, runs: Scores, reference: Scores): void {
  const score = meanOf(runs.map(({ scores }) => meanOf([...scores])));
  if (runs === reference) {
    report(`${name}.all`, score, 'score', { runs: runs.length });
    return;
  }
  const comparisons = runs.map(
    ({ ids, scores }, i): Comparison => ({ ids, ours: reference[i]!.scores, theirs: scores }),
  );
  const { mean, low, high, rows } = pairedGain(comparisons);
  const interval = { low: Number(low.toFixed(4)), high: Number(high.toFixed(4)) };
  report(`${name}.without.${variant}`, Number(mean.toFixed(4)), 'loss of score', { ...interval, score, rows });
}

async function ulab9(folder: string): Promise<Workload> {
  const data = await readRecordedData(join(folder, 'ulab9.jsonl.gz'));
  return inOrder(data, indicesOfSplit(data, 'train'));
}

const routerArena = (folder: string): Promise<Workload> => readRecordedData(join(folder, 'routerarena2.jsonl.gz'));
const pareto = (folder: string): Promise<Workload> =>
  readRecordedData(join(folder, 'paretobandit-val.jsonl.gz'), { excludeModels: incompleteModels('paretobandit-val') });

async function frozen(folder: string, seeds: readonly number[]): Promise<void> {
  for (const [name, data] of [
    ['ulab9', await ulab9(folder)],
    ['routerarena2', await routerArena(folder)],
  ] as const) {
    let reference: Scores | null = null;
    for (const variant of textVariants) {
      const runs = seeds.flatMap((seed) =>
        folds(data.rows, frozenParts, seed).map(({ train, heldOut }) => {
          const workload = inOrder(data, [...train, ...heldOut]);
          const { ids, router } = judge(workload, linearChoices(workload, train.length, variant, seed));
          return { ids, scores: router.utilities };
        }),
      );
      reference ??= runs;
      print(`frozen.${name}`, variant.without, runs, reference);
    }
  }
}

/** A random order of at most `mostOnlineRows` rows. */
function streamOf(data: Workload, seed: number): WorkloadRow[] {
  const some = part(data, mostOnlineRows);
  return randomOrder(some.rows, seed, 'order').map((index) => some.row(index));
}

const idsOf = (rows: readonly WorkloadRow[]): string[] => rows.map(({ id }) => id);

async function online(folder: string, seeds: readonly number[]): Promise<void> {
  for (const [name, data] of await recorded(folder)) {
    const models = data.models.map((model) => model.name);
    let reference: Scores | null = null;
    for (const { without, encode } of encodedVariants) {
      const runs = [];
      for (const seed of seeds) {
        const rows = streamOf(data, seed);
        runs.push({ ids: idsOf(rows), scores: await learnerScores({ rows, models, seed, encode }) });
      }
      reference ??= runs;
      print(`online.${name}`, without, runs, reference);
    }
  }
}

async function recorded(folder: string): Promise<readonly (readonly [string, Workload])[]> {
  return [
    ['ulab9', await ulab9(folder)],
    ['routerarena2', await routerArena(folder)],
    ['paretobandit-val', await pareto(folder)],
  ];
}

async function idle(folder: string, seeds: readonly number[]): Promise<void> {
  for (const [name, data] of await recorded(folder)) {
    const models = data.models.map((model) => model.name);
    const withContext = [];
    const without = [];
    for (const seed of seeds) {
      const rows = streamOf(data, seed);
      const moments = weather(seededRandom(seed, 'idle weather'));
      const contexts = rows.map(() => bytesOf(encodeContext(moments.next().value.facts)));
      withContext.push({
        ids: idsOf(rows),
        scores: await learnerScores({ rows, models, seed, context: (index) => contexts[index]! }),
      });
      without.push({ ids: idsOf(rows), scores: await learnerScores({ rows, models, seed }) });
    }
    print(`idle.${name}`, 'nothing', withContext, withContext);
    print(`idle.${name}`, 'context', without, withContext);
  }
}

async function circumstances(seeds: readonly number[]): Promise<void> {
  for (const group of Object.keys(contextGroups) as ContextGroup[]) {
    const all = [];
    const without = [];
    for (const seed of seeds) {
      const random = seededRandom(seed, 'weather', group);
      const moments = weather(random);
      const contexts: Float32Array[] = [];
      const rows = Array.from({ length: weatherRows }, (_, index) => {
        const moment = moments.next().value;
        contexts.push(encodeContext(moment.facts));
        return rowIn(moment, group, index, random);
      });
      const ids = rows.map(({ id }) => `${seed}/${id}`);
      const models = [...weatherModels];
      const scores = (context: (index: number) => Float32Array): Promise<Float64Array> =>
        learnerScores({ rows, models, seed, context: (index) => bytesOf(context(index)) });
      all.push({ ids, scores: await scores((index) => contexts[index]!) });
      without.push({ ids, scores: await scores((index) => withoutGroup(contexts[index]!, group)) });
    }
    print(`circumstances.${group}`, 'nothing', all, all);
    print(`circumstances.${group}`, group, without, all);
  }
}

runCheck(async () => {
  const { values } = parseArgs({
    options: {
      data: { type: 'string', default: '../shared/data' },
      seeds: { type: 'string', default: '3' },
      only: { type: 'string', default: 'frozen,online,idle,circumstances' },
    },
  });
  const count = Number(values.seeds);
  if (!Number.isInteger(count) || count < 1)
    throw new Error(`--seeds must be a positive whole number, not ${values.seeds}`);
  const seeds = Array.from({ length: count }, (_, i) => i + 1);
  const tables = {
    frozen: () => frozen(values.data, seeds),
    online: () => online(values.data, seeds),
    idle: () => idle(values.data, seeds),
    circumstances: () => circumstances(seeds),
  };
  for (const name of values.only.split(',')) {
    const table = tables[name as keyof typeof tables];
    if (!table) throw new Error(`--only ${name}: any of ${Object.keys(tables).join(', ')}`);
    await table();
  }
});
