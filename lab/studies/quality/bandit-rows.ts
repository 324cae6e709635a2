/** Classic contextual bandits as rows with the caller's own features, cold, shown chosen outcomes alone. */

import { join } from 'node:path';
import type { LearningConfig } from '../../../lib/config/router-config';
import { type BanditName, banditRegretShare, banditWorkload } from '../../workloads/bandits';
import { atMost, type Bench, type Line, run, seedLine } from './bench';
import { meanOf } from './figures';
import { cold } from './protocol';

const steps: Readonly<Record<BanditName, number>> = {
  shuttle: 5_000,
  mushroom: 5_000,
  adult: 5_000,
  'adult-relationship': 5_000,
  wheel: 2_000,
};

/** Expected regret as a percentage of what uniform choice loses. Without a bar the figure is only reported. */
export async function banditRegret(
  bench: Bench,
  bandit: BanditName,
  pipeline: LearningConfig['pipeline'],
  { name, bar, aim }: { readonly name: string; readonly bar?: number; readonly aim?: number },
): Promise<Line[]> {
  const shares: number[] = [];
  const lastFifths: number[] = [];
  for (const seed of bench.seeds) {
    const rows = Math.min(steps[bandit], bench.mostRows ?? Number.MAX_SAFE_INTEGER);
    const workload = banditWorkload(bandit, { folder: join(bench.folder, 'bandits'), rows, seed });
    const { choices } = await run(bench, { ...cold(name, workload, seed), pipeline });
    const arms = choices.map((model) => workload.models.findIndex((arm) => arm.name === model));
    shares.push(100 * banditRegretShare(workload, arms));
    const from = Math.floor(0.8 * rows);
    const late = { ...workload, expectedScores: (index: number) => workload.expectedScores(from + index) };
    lastFifths.push(100 * banditRegretShare(late, arms.slice(from)));
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
  ];
}
