/** Every learning curve: which rows in which order, under which budget, what changes on the way, and what is drawn and judged. */
import { join } from 'node:path';
import { defaultRouterConfig } from '../../../lib/config/parse-config';
import { type UtilityWeights, utilityWeights } from '../../../lib/routing/judge/utility';
import { type BanditName, banditWorkload } from '../../workloads/bandits';
import { incompleteModels } from '../../workloads/incomplete-models';
import { indicesOfSplit, readRecordedData } from '../../workloads/recorded-data';
import { simulatedWorld } from '../../workloads/simulated-world';
import type { Workload } from '../../workloads/workload';
import { playWorld } from '../play-world';
import { dropped, droppedScore, listPrices, meanScoreOf, middling } from '../quality/budgets';
import { quality } from '../quality/figures';
import { type Choices, type OnProgress, type Path, play } from '../quality/play';
import {
  cold,
  inOrder,
  middleThird,
  part,
  priceChange,
  qualityDrop,
  randomOrder,
  withPrices,
} from '../quality/protocol';
import type { About, Measure, Panel, Part } from './figure-lines';
import { type PolicyName, policyNames } from './policies';

export interface CurveSource {
  /** Folder of the recorded data. */
  readonly folder: string;
  /** Play at most this many rows; null: all. */
  readonly mostRows: number | null;
}

export interface Curve {
  readonly name: string;
  readonly title: string;
  /** As in `make bench-quality`: the whole engine where it is fast enough. */
  readonly path: Path;
  /** False: only the engine can play it. */
  readonly eitherPath: boolean;
  readonly budgetUsd: number | null;
  readonly columns: readonly Measure[];
  /** The rows of one seed, in the order they are played. */
  workload(source: CurveSource, seed: number): Promise<Workload>;
  play(workload: Workload, seed: number, path: Path, onProgress: OnProgress): Promise<Choices>;
  weights(workload: Workload): UtilityWeights;
  panels(rows: number): readonly Panel[];
  parts(rows: number): readonly Part[];
  changes(rows: number): About['changes'];
}

const { router, oracle, staticMix, bestSingle, linUcb, thompson, staticRules, random } = policyNames;
/** Who stands in a figure without a budget. */
const everyone: readonly PolicyName[] = [router, oracle, bestSingle, linUcb, thompson, staticRules, random];
/** Who decides on the way; the others are lines. */
const learners: readonly PolicyName[] = [router, linUcb, thompson];

/** Bandits are cut to this: their curves are flat by then. */
const banditRows: Readonly<Record<'shuttle' | 'wheel', number>> = { shuttle: 5_000, wheel: 2_000 };
const worldRows = 10_000;
/** USD per request: a little more than the cheapest model, some of the middling one, some of the dearest. */
const budgetsUsd = [2.4e-4, 6.6e-4, 1.9e-3];
const changingBudgetUsd = 6.6e-4;
/** A point under a budget is the mean of this share of the stream: long enough to be readable, short enough to see changes. */
const windowShare = 1 / 8;

function fromNothing(name: string, budgetUsd: number | null): Curve['play'] {
  return (workload, seed, path, onProgress) => play({ ...cold(name, workload, seed), budgetUsd }, path, onProgress);
}

function plain(name: string, title: string, measure: Measure, workload: Curve['workload']): Curve {
  return {
    name,
    title,
    path: 'engine',
    eitherPath: true,
    budgetUsd: null,
    columns: measure === 'regret' ? ['score', 'regret'] : [measure],
    workload,
    play: fromNothing(name, null),
    weights: () => quality,
    panels: () => [
      {
        measure,
        windowRows: null,
        policies: measure === 'regret' ? everyone.filter((policy) => policy !== oracle && policy !== random) : everyone,
      },
    ],
    parts: (rows) => [{ name: 'whole stream', from: 0, to: rows }],
    changes: () => [],
  };
}

/** A recorded file in the random order of the seed. */
async function recorded(
  { folder, mostRows }: CurveSource,
  seed: number,
  file: string,
  options: { readonly split?: string } = {},
): Promise<Workload> {
  const { split } = options;
  const data = await readRecordedData(join(folder, `${file}.jsonl.gz`), { excludeModels: incompleteModels(file) });
  const kept = split === undefined ? data : inOrder(data, indicesOfSplit(data, split));
  const cut = mostRows === null ? kept : part(kept, mostRows);
  return inOrder(cut, randomOrder(cut.rows, seed, 'order'));
}

const pareto = (source: CurveSource, seed: number): Promise<Workload> => recorded(source, seed, 'paretobandit-val');

/** 2.4e-4 USD per request as ".24 USD per 1,000". */
const perThousand = (budgetUsd: number): string =>
  `${(1000 * budgetUsd).toPrecision(2).replace(/^0/, '')} USD per 1,000`;

function withBudget(name: string, title: string, budgetUsd: number, workload: Curve['workload'] = pareto): Curve {
  const policies = [router, staticMix, bestSingle, linUcb, thompson];
  return {
    ...plain(name, `${title}; budget ${perThousand(budgetUsd)}`, 'score', workload),
    budgetUsd,
    columns: ['score', 'spend'],
    play: fromNothing(name, budgetUsd),
    panels: (rows) => [
      { measure: 'score', windowRows: Math.round(windowShare * rows), policies },
      { measure: 'spend', windowRows: Math.round(windowShare * rows), policies: learners },
    ],
    parts: (rows) => [{ name: 'second half', from: Math.floor(rows / 2), to: rows }],
  };
}

function changing(curve: Curve, during: string, after: string): Curve {
  return {
    ...curve,
    parts: (rows) => {
      const { from, to } = middleThird(rows);
      return [
        { name: 'first third', from: 0, to: from },
        { name: 'middle', from, to },
        { name: 'last', from: to, to: rows },
      ];
    },
    changes: (rows) => {
      const { from, to } = middleThird(rows);
      return [
        { atRow: from, label: during },
        { atRow: to, label: after },
      ];
    },
  };
}

function bandit(name: BanditName & keyof typeof banditRows, title: string): Curve {
  return plain(`bandit-${name}`, title, 'regret', async ({ folder, mostRows }, seed) => {
    const rows = Math.min(banditRows[name], mostRows ?? Number.POSITIVE_INFINITY);
    const drawn = banditWorkload(name, { folder: join(folder, 'bandits'), rows, seed });
    // Draws are cheap once and dear many times over.
    return inOrder(
      drawn,
      Array.from({ length: rows }, (_, i) => i),
    );
  });
}

const world: Curve = {
  ...plain(
    'world-1',
    'Simulated world 1: quality, cost and latency, an outage, a price rise',
    'utility',
    async (source, seed) => {
      const rows = Math.min(worldRows, source.mostRows ?? worldRows);
      const simulated = simulatedWorld({ world: 1, rows, seed });
      const drawn = Array.from({ length: rows }, (_, i) => simulated.row(i));
      return { ...simulated, row: (index) => drawn[index]! };
    },
  ),
  eitherPath: false,
  async play(workload, seed) {
    const { failure, played } = await playWorld(workload, seed, () => {});
    if (failure !== null) throw new Error(failure);
    return played.chosen.map((model) => model!);
  },
  weights(workload) {
    const { preference, utilityScale } = defaultRouterConfig(workload.models, {
      ...(workload.utility && { preference: workload.utility.preference, utilityScale: workload.utility.scale }),
    });
    return utilityWeights(preference, utilityScale, 0);
  },
};

export const curves: readonly Curve[] = [
  {
    ...plain('ulab9-online', 'Nine models, fourteen tasks (ulab9, train rows)', 'score', (source, seed) =>
      recorded(source, seed, 'ulab9', { split: 'train' }),
    ),
    path: 'learner',
  },
  plain('routerarena2', 'Two models, one of them nearly always better (routerarena2)', 'score', (source, seed) =>
    recorded(source, seed, 'routerarena2'),
  ),
  plain('pareto-cold', 'Three good models, no budget (paretobandit-val)', 'regret', pareto),
  ...budgetsUsd.map((budgetUsd) =>
    withBudget(`pareto-budget-${budgetUsd.toExponential()}`, 'Three models (paretobandit-val)', budgetUsd),
  ),
  changing(
    withBudget('price-drop', 'The dearest model gets cheap', changingBudgetUsd, async (source, seed) =>
      priceChange(withPrices(await pareto(source, seed), listPrices), dropped),
    ),
    'price drops',
    'old price is back',
  ),
  changing(
    withBudget('quality-drop', 'A model gets worse, unannounced', changingBudgetUsd, async (source, seed) => {
      const workload = await pareto(source, seed);
      const scoreFactor = droppedScore / meanScoreOf(workload, middling);
      return qualityDrop(workload, { model: middling, scoreFactor });
    }),
    'quality drops',
    'quality is back',
  ),
  bandit('shuttle', "Shuttle: seven arms, the caller's own nine features"),
  bandit('wheel', 'Wheel, delta .5: a rare prize in one of four corners'),
  world,
];
