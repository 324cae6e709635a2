/** From nothing, shown chosen outcomes alone: two models of which one dominates, and three that are all good. */
import { bestSingle, oracle, thompsonTable, uniformRandom } from '../../policies/baselines';
import type { Workload } from '../../workloads/workload';
import {
  atLeast,
  atMost,
  type Bench,
  coldRuns,
  type Line,
  meanOver,
  type Run,
  readData,
  seedLine,
  worstLine,
} from './bench';
import { linUcbLine, linUcbOn } from './lin-ucb-line';

/** The fourth model of that data, a newcomer: it is missing in some rows. */
export const newcomer = 'google/gemini-2.5-flash';

/** Llama 3.1 8B, Mistral Large and Gemini 2.5 Pro. */
export function readPareto(bench: Bench): Promise<Workload> {
  return readData(bench, 'paretobandit-val', [newcomer]);
}

export async function routerArena(bench: Bench): Promise<Line[]> {
  const runs = await coldRuns(bench, 'routerarena2', await readData(bench, 'routerarena2'));
  return [
    seedLine(
      bench,
      { name: 'routerarena2.score', unit: 'score', bar: atLeast(0.675) },
      runs.map(({ all }) => all.router.meanScore),
      {
        aim: 0.682,
        thompsonTable: meanOver(runs, ({ all, seed }) => thompsonTable(all.matrix, { seed }).meanScore),
        bestSingleInHindsight: meanOver(runs, ({ all }) => bestSingle(all.matrix).meanScore),
        firstFifth: meanOver(runs, ({ between, rows }) => between(0, 0.2 * rows).router.meanScore),
        lastFifth: meanOver(runs, ({ between, rows }) => between(0.8 * rows, rows).router.meanScore),
      },
    ),
    worstLine(
      bench,
      { name: 'routerarena2.worstScore', unit: 'score', bar: atLeast(0.665) },
      runs.map(({ all }) => all.router.meanScore),
    ),
    linUcbLine(bench, 'routerarena2', linUcbOn(runs)),
  ];
}

/** Regret as a share of what uniform random loses on the same rows. */
export async function paretoCold(bench: Bench): Promise<Line[]> {
  const runs = await coldRuns(bench, 'pareto.cold', await readPareto(bench));
  const shareIn = (run: Run, from: number, to: number, regret = run.between(from, to).router.regret): number =>
    (100 * regret) / uniformRandom(run.between(from, to).matrix).regret;
  return [
    seedLine(
      bench,
      { name: 'pareto.cold.regretOfRandom', unit: '%', bar: atMost(44) },
      runs.map((run) => shareIn(run, 0, run.rows)),
      {
        aim: 38,
        thompsonTable: meanOver(runs, (run) =>
          shareIn(run, 0, run.rows, thompsonTable(run.all.matrix, { seed: run.seed }).regret),
        ),
        bestSingleInHindsight: meanOver(runs, (run) => shareIn(run, 0, run.rows, bestSingle(run.all.matrix).regret)),
        firstFifth: meanOver(runs, (run) => shareIn(run, 0, run.rows / 5)),
        lastFifth: meanOver(runs, (run) => shareIn(run, 0.8 * run.rows, run.rows)),
        meanScore: meanOver(runs, ({ all }) => all.router.meanScore),
        oracle: meanOver(runs, ({ all }) => oracle(all.matrix).meanScore),
      },
    ),
    worstLine(
      bench,
      { name: 'pareto.cold.worstRegretOfRandom', unit: '%', bar: atMost(42) },
      runs.map((run) => shareIn(run, 0, run.rows)),
    ),
    linUcbLine(bench, 'pareto.cold', linUcbOn(runs)),
  ];
}
