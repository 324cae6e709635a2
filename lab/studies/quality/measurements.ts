/** Every row of the quality table, in its order. The names are what `--only` selects by their beginnings. */

import { type MadeName, madeNames } from '../../workloads/made-kinds';
import { banditRegret } from './bandit-rows';
import type { Bench, Measurement } from './bench';
import {
  budgetsOtherwiseUsd,
  budgetsUsd,
  budgetsWhileChangingUsd,
  delayedFeedback,
  newcomerJoins,
  priceDrop,
  priceRise,
  silentQualityDrop,
  steadyBudget,
  wrongCatalogue,
} from './budgets';
import { paretoCold, routerArena } from './cold-start';
import { madeRow } from './made-rows';
import { setsOfRecorded, setsOfStream } from './set-rows';
import { crossValidation, onlineStream, trainThenTest } from './ulab9';

/** Hundreds of thousands of rows: the learner alone. Everything else runs through the whole engine. */
const tooLongForTheEngine = 'learner' as const;

/**
 * How much of the way from a uniform choice to the best single model of hindsight the worst seed has to go. Where little can be learned it must do no harm;
 * a judge that is gamed is believed, and the row says so.
 */
const worstMade: Readonly<Record<MadeName, number>> = {
  alike: 0.3,
  'near-zero': 0,
  'gamed-judge': 0,
  'thirty-models': 0.3,
  unbalanced: 0.5,
  'coin-judge': 0.3,
  late: 0.4,
  sparse: 0,
  'fourth-model': 0.5,
  'wrong-prices': 0.5,
};

export const measurements: readonly Measurement[] = [
  {
    name: 'ulab9-folds',
    path: tooLongForTheEngine,
    measure: (bench) => crossValidation(bench, 'full', { name: 'ulab9.folds', gainBar: 0.02, aim: 0.035 }),
  },
  { name: 'ulab9-online', path: tooLongForTheEngine, measure: onlineStream },
  { name: 'ulab9-test', path: 'engine', measure: (bench) => trainThenTest(bench, 'shuffle') },
  { name: 'ulab9-test-file', path: tooLongForTheEngine, measure: (bench) => trainThenTest(bench, 'file') },
  { name: 'routerarena2', path: 'engine', measure: routerArena },
  { name: 'pareto-cold', path: 'engine', measure: paretoCold },
  ...budgetsUsd.map((budgetUsd) =>
    underBudget(`budget-${budgetUsd.toExponential()}`, (bench) => steadyBudget(bench, budgetUsd)),
  ),
  ...budgetsWhileChangingUsd.flatMap((budgetUsd) => [
    underBudget(`price-drop-${budgetUsd.toExponential()}`, (bench) => priceDrop(bench, budgetUsd)),
    underBudget(`quality-drop-${budgetUsd.toExponential()}`, (bench) => silentQualityDrop(bench, budgetUsd)),
  ]),
  ...budgetsOtherwiseUsd.flatMap((budgetUsd) => {
    const at = budgetUsd.toExponential();
    return [
      underBudget(`price-rise-${at}`, (bench) => priceRise(bench, budgetUsd)),
      underBudget(`wrong-prices-${at}`, (bench) => wrongCatalogue(bench, budgetUsd)),
      underBudget(`delayed-${at}`, (bench) => delayedFeedback(bench, budgetUsd)),
      underBudget(`newcomer-${at}`, (bench) => newcomerJoins(bench, budgetUsd)),
    ];
  }),
  underBudget('newcomer-no-budget', (bench) => newcomerJoins(bench, null)),
  {
    name: 'bandit-shuttle',
    path: 'engine',
    measure: (bench) => banditRegret(bench, 'shuttle', 'full', { name: 'bandit.shuttle', bar: 5, aim: 3 }),
  },
  {
    name: 'bandit-mushroom',
    path: 'engine',
    measure: (bench) => banditRegret(bench, 'mushroom', 'full', { name: 'bandit.mushroom', bar: 12, aim: 8 }),
  },
  {
    name: 'bandit-adult',
    path: 'engine',
    // The label the bar can be about: see lab/workloads/bandits.ts.
    measure: (bench) =>
      banditRegret(bench, 'adult-relationship', 'full', { name: 'bandit.adult.relationship', bar: 36, aim: 34 }),
  },
  {
    name: 'bandit-occupation',
    path: 'engine',
    measure: (bench) => banditRegret(bench, 'adult', 'full', { name: 'bandit.adult.occupation' }),
  },
  {
    name: 'bandit-wheel',
    path: 'engine',
    measure: (bench) => banditRegret(bench, 'wheel', 'full', { name: 'bandit.wheel', bar: 10, aim: 6 }),
  },
  ...madeNames.map((kind) => ({
    name: `made-${kind}`,
    path: tooLongForTheEngine,
    isMade: true,
    measure: (bench: Bench) => madeRow(bench, kind, { worst: worstMade[kind], macro: kind === 'unbalanced' }),
  })),
  { name: 'sets-ulab9', path: tooLongForTheEngine, measure: setsOfRecorded },
  { name: 'sets-ulab9-chosen', path: tooLongForTheEngine, measure: (bench) => setsOfStream(bench, 'ulab9') },
  {
    name: 'sets-thirty-chosen',
    path: tooLongForTheEngine,
    isMade: true,
    measure: (bench) => setsOfStream(bench, 'thirty-models'),
  },
  {
    name: 'dqn-ulab9',
    path: tooLongForTheEngine,
    measure: (bench) => crossValidation(bench, 'dqn', { name: 'dqn.ulab9.folds', gainBar: 0, aim: 0.015 }),
  },
  {
    name: 'dqn-shuttle',
    path: 'engine',
    measure: (bench) => banditRegret(bench, 'shuttle', 'dqn', { name: 'dqn.shuttle', bar: 4, aim: 2.5 }),
  },
];

function underBudget(name: string, measure: Measurement['measure']): Measurement {
  return { name, path: 'engine', measure };
}
