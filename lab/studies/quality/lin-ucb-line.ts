/** The plainest learner that reads the request, beside the engine: what costs a hundred times as much has to be as good. */
import { linUcb } from '../../policies/lin-ucb';
import { requestContexts } from '../curves/request-contexts';
import type { Workload } from '../../workloads/workload';
import { atLeast, type Bench, type Line, type Run, rounded } from './bench';
import { type Comparison, meanOf, pairedGain } from './figures';

/** How far below LinUCB the lower end of the interval may be. */
const linUcbTolerance = 0.002;

/** The paired difference per request, engine minus LinUCB, with its 95 % interval over the rows. */
export function linUcbLine(bench: Bench, name: string, comparisons: readonly Comparison[]): Line {
  const gain = pairedGain(comparisons);
  const perSeed = comparisons.map(({ ours, theirs }) => rounded(meanOf([...ours.map((value, i) => value - theirs[i]!)])));
  return {
    name: `${name}.gainOverLinUcbLow`,
    value: gain.low,
    unit: 'utility',
    bar: atLeast(-linUcbTolerance),
    details: { path: bench.path, seeds: comparisons.length, gain: rounded(gain.mean), high: rounded(gain.high), perSeed },
  };
}

/** Cold runs without a budget against LinUCB on the same rows in the same order; `workloadOf` gives the rows of a run. */
export function linUcbOn(runs: readonly Run[], workloadOf: (run: Run) => Workload): Comparison[] {
  return runs.map((run) => ({
    ids: run.all.ids,
    ours: run.all.router.utilities,
    theirs: linUcb(run.all.matrix, { contexts: requestContexts(workloadOf(run), run.seed) }).utilities,
  }));
}
