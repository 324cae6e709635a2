/** Classic contextual bandits as rows with the caller's own features, cold, shown chosen outcomes alone. */

import { join } from 'node:path';
import type { LearningConfig } from '../../../lib/config/router-config';
import { judgeChoices, outcomeMatrix } from '../../policies/baselines';
import { linUcb } from '../../policies/lin-ucb';
import { type BanditName, type BanditWorkload, banditRegretShare, banditWorkload } from '../../workloads/bandits';
import type { Outcome } from '../../workloads/workload';
import { requestContexts } from '../curves/request-contexts';
import { atMost, type Bench, type Line, run, seedLine, worstLine } from './bench';
import { type Comparison, meanOf, quality } from './figures';
import { linUcbLine } from './lin-ucb-line';
import { cold } from './protocol';

const steps: Readonly<Record<BanditName, number>> = {
  shuttle: 5_000,
  mushroom: 5_000,
  adult: 5_000,
  'adult-relationship': 5_000,
  wheel: 2_000,
};

/** The worst seed may lose so many times what the mean may. */
const worstOfBar = 1.5;

/** Expected regret as a percentage of what uniform choice loses. Without a bar the figure is only reported. */
export async function banditRegret(
  bench: Bench,
  bandit: BanditName,
  pipeline: LearningConfig['pipeline'],
  { name, bar, aim }: { readonly name: string; readonly bar?: number; readonly aim?: number },
): Promise<Line[]> {
  const shares: number[] = [];
  const lastFifths: number[] = [];
  const comparisons: Comparison[] = [];
  for (const seed of bench.seeds) {
    const rows = Math.min(steps[bandit], bench.mostRows ?? Number.MAX_SAFE_INTEGER);
    const workload = banditWorkload(bandit, { folder: join(bench.folder, 'bandits'), rows, seed });
    const { choices } = await run(bench, { ...cold(name, workload, seed), pipeline });
    const arms = choices.map((model) => workload.models.findIndex((arm) => arm.name === model));
    shares.push(100 * banditRegretShare(workload, arms));
    const from = Math.floor(0.8 * rows);
    const late = { ...workload, expectedScores: (index: number) => workload.expectedScores(from + index) };
    lastFifths.push(100 * banditRegretShare(late, arms.slice(from)));
    if (pipeline === 'full') comparisons.push(againstLinUcb(workload, arms, seed));
  }
  return [
    seedLine(
      bench,
      { name: `${name}.regretOfUniform`, unit: '%', ...(bar === undefined ? {} : { bar: atMost(bar) }) },
      shares,
      {
        ...(aim === undefined ? {} : { aim }),
        lastFifth: meanOf(lastFifths),
      },
    ),
    ...(bar === undefined
      ? []
      : [worstLine(bench, { name: `${name}.worstRegretOfUniform`, unit: '%', bar: atMost(worstOfBar * bar) }, shares)]),
    ...(pipeline === 'full' ? [linUcbLine(bench, name, comparisons)] : []),
  ];
}

/** On expected rewards; LinUCB learns from those that were drawn, as the router does. */
function againstLinUcb(workload: BanditWorkload, arms: readonly number[], seed: number): Comparison {
  const drawn = outcomeMatrix(workload, quality);
  const expected = (index: number): ReadonlyMap<string, Outcome> => {
    const scores = workload.expectedScores(index);
    return new Map(
      [...workload.row(index).outcomes].map(([model, outcome], arm) => [model, { ...outcome!, score: scores[arm]! }]),
    );
  };
  const truth = outcomeMatrix(
    { ...workload, row: (index) => ({ ...workload.row(index), outcomes: expected(index) }) },
    quality,
  );
  const linear = linUcb(truth, { contexts: requestContexts(workload, seed), shown: drawn.utilities });
  return {
    // Rows of another seed are other rows.
    ids: arms.map((_, index) => `${seed}-${index}`),
    ours: judgeChoices('router', truth, arms).utilities,
    theirs: linear.utilities,
  };
}
