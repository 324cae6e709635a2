/** The plainest learner that reads the request, beside the engine: what costs a hundred times as much has to be as good. */

import { type OutcomeMatrix, outcomeMatrix } from '../../policies/baselines';
import { linUcb } from '../../policies/lin-ucb';
import { fourDigits } from '../../report/report-line';
import { requestContexts } from '../curves/request-contexts';
import { atLeast, type Bench, type Line, type Run } from './bench';
import { type Comparison, meanOf, pairedGain, quality } from './figures';

/** How far below LinUCB the lower end of the interval may be. */
const linUcbTolerance = 0.002;

/** The paired difference per request, engine minus LinUCB, with its 95 % interval over the rows. */
export function linUcbLine(bench: Bench, name: string, comparisons: readonly Comparison[]): Line {
  const gain = pairedGain(comparisons);
  const perSeed = comparisons.map(({ ours, theirs }) =>
    fourDigits(meanOf([...ours.map((value, i) => value - theirs[i]!)])),
  );
  return {
    name: `${name}.gainOverLinUcbLow`,
    value: gain.low,
    unit: 'utility',
    bar: atLeast(-linUcbTolerance),
    details: {
      path: bench.path,
      seeds: comparisons.length,
      gain: fourDigits(gain.mean),
      high: fourDigits(gain.high),
      perSeed,
    },
  };
}

/** Cold runs without a budget against LinUCB on the same rows in the same order. */
export function linUcbOn(runs: readonly Run[]): Comparison[] {
  return runs.map(({ workload, seed, all: { ids, matrix, router } }) => ({
    ids,
    ours: router.utilities,
    theirs: linUcb(matrix, { contexts: requestContexts(workload, seed) }).utilities,
  }));
}

/** The same where both are shown warm rows first; only the rows after them are compared. */
export function linUcbAfter(run: Run, warm: OutcomeMatrix): Comparison {
  const { workload, seed, all } = run;
  const result = linUcb(outcomeMatrix(workload, quality), { contexts: requestContexts(workload, seed) });
  return { ids: all.ids, ours: all.router.utilities, theirs: result.utilities.subarray(warm.rows) as Float64Array };
}
