/**
 * Kinds of data that the recorded sets lack, made by the project (`lab/workloads/made-kinds.ts`). Each seed draws other models and
 * other requests. Choices are judged by what they were worth, not by their luck, beside LinUCB on the engine's own features, which is shown
 * the same judgements at the same time.
 */

import { utilityWeights } from '../../../lib/routing/judge/utility';
import {
  bestPerGroup,
  bestSingle,
  judgeChoices,
  type OutcomeMatrix,
  outcomeMatrix,
  uniformRandom,
} from '../../policies/baselines';
import { linUcb } from '../../policies/lin-ucb';
import { fourDigits } from '../../report/report-line';
import { type MadeWorkload, madeWorkload } from '../../workloads/made-data';
import type { MadeName } from '../../workloads/made-kinds';
import { requestContexts } from '../curves/request-contexts';
import { atLeast, type Bench, type Line, meanOver, run, seedLine, worstLine } from './bench';
import { type Comparison, meanOf, quality } from './figures';
import { linUcbLine } from './lin-ucb-line';
import { cold } from './protocol';

const madeRequests = 8_000;

/** What the engine and the others were worth on one seed. */
interface Played {
  readonly router: number;
  readonly linUcb: number;
  readonly random: number;
  readonly bestSingle: number;
  readonly bestPerTask: number;
  readonly lastHalf: number;
  readonly comparison: Comparison;
}

/**
 * `worst`: how much of the way from a uniform choice to the best single model of hindsight the worst seed has to go. `macro`: a task counts as much as any other, however often it comes.
 */
export async function madeRow(
  bench: Bench,
  kind: MadeName,
  { worst, macro = false }: { readonly worst: number; readonly macro?: boolean },
): Promise<Line[]> {
  const name = `made.${kind}`;
  const runs: Played[] = [];
  for (const seed of bench.seeds) runs.push(await playMade(bench, kind, seed, macro));
  const shareOfBest = runs.map(({ router, random, bestSingle: best }) => (router - random) / (best - random));
  return [
    seedLine(
      bench,
      { name: `${name}.utility`, unit: 'utility' },
      runs.map(({ router }) => router),
      {
        lastHalf: meanOver(runs, ({ lastHalf }) => lastHalf),
        linUcb: meanOver(runs, (one) => one.linUcb),
        bestSingleInHindsight: meanOver(runs, (one) => one.bestSingle),
        bestPerTaskInHindsight: meanOver(runs, ({ bestPerTask }) => bestPerTask),
        random: meanOver(runs, ({ random }) => random),
        shareOfBestSingle: fourDigits(meanOf(shareOfBest)),
      },
    ),
    worstLine(bench, { name: `${name}.worstShareOfBestSingle`, unit: 'share', bar: atLeast(worst) }, shareOfBest),
    linUcbLine(
      bench,
      name,
      runs.map(({ comparison }) => comparison),
    ),
  ];
}

async function playMade(bench: Bench, kind: MadeName, seed: number, macro: boolean): Promise<Played> {
  const workload = madeWorkload(kind, { rows: Math.min(madeRequests, bench.mostRows ?? madeRequests), seed });
  const { feedbackAfter } = workload;
  const { choices } = await run(bench, { ...cold(`made.${kind}`, workload, seed), feedbackAfter });
  const { utility } = workload;
  const weights = utility ? utilityWeights(utility.preference, utility.scale, 0) : quality;
  const expected = candidatesOnly(workload, outcomeMatrix(workload.truth, weights));
  const truth = macro ? macroWeighted(expected) : expected;
  const shown = outcomeMatrix(workload, weights).utilities;
  const indexOf = new Map(workload.models.map((model, m) => [model.name, m]));
  const router = judgeChoices(
    'router',
    truth,
    choices.map((model) => indexOf.get(model)!),
  );
  const linear = linUcb(truth, { contexts: requestContexts(workload, seed), shown, feedbackAfter });
  const half = Math.floor(truth.rows / 2);
  return {
    router: router.meanUtility,
    linUcb: linear.meanUtility,
    random: uniformRandom(truth).meanUtility,
    bestSingle: bestSingle(truth).meanUtility,
    bestPerTask: bestPerGroup(truth).meanUtility,
    lastHalf: meanOf([...router.utilities.subarray(half)]),
    comparison: {
      ids: Array.from({ length: truth.rows }, (_, r) => workload.row(r).id),
      ours: router.utilities,
      theirs: linear.utilities,
    },
  };
}

/** A model that has not joined yet is no candidate, in hindsight neither. */
function candidatesOnly({ events }: MadeWorkload, matrix: OutcomeMatrix): OutcomeMatrix {
  const [joined] = events;
  if (!joined) return matrix;
  const count = matrix.models.length;
  const isCandidate = (at: number): boolean => at % count < count - 1 || at / count >= joined.atIndex;
  return { ...matrix, utilities: matrix.utilities.map((value, at) => (isCandidate(at) ? value : Number.NaN)) };
}

/** Rows weighted, 1 on average, so that every task counts the same. */
function macroWeighted(matrix: OutcomeMatrix): OutcomeMatrix {
  const { groups, rows, models } = matrix;
  const counts = new Map<string | null, number>();
  for (const group of groups) counts.set(group, (counts.get(group) ?? 0) + 1);
  const weightOf = (r: number): number => rows / counts.size / counts.get(groups[r]!)!;
  return {
    ...matrix,
    utilities: matrix.utilities.map((value, at) => value * weightOf(Math.floor(at / models.length))),
  };
}
