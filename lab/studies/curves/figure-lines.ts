/**
 * What a figure and its table are made of: a few JSON lines of means over seeds, small enough to be kept with the docs.
 * No recorded rows are in them. Pure.
 */

import type { PolicyResult } from '../../policies/baselines';
import { fourDigits } from '../../report/report-line';
import { meanOf, overSeeds, pairedGain } from '../quality/figures';
import { type PolicyName, policyNames } from './policies';

/**
 * How a policy is measured: `score` and `utility` are means per request; `spend` is cost in budgets; `regret` is what it loses to the
 * oracle as a share of what uniform random loses on the same rows.
 */
export type Measure = 'score' | 'utility' | 'spend' | 'regret';

/** One coordinate system of a figure. */
export interface Panel {
  readonly measure: Measure;
  /** Rows a point is the mean of; null: all rows so far. */
  readonly windowRows: number | null;
  readonly policies: readonly PolicyName[];
}

/** Rows `from` up to, not including, `to`, that the table judges. */
export interface Part {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

export interface About {
  readonly kind: 'about';
  readonly figure: string;
  readonly title: string;
  /** `engine`: every service on a virtual clock; `learner`: the learner alone with the production publishing rule. */
  readonly path: 'engine' | 'learner';
  readonly seeds: number;
  readonly rows: number;
  readonly budgetUsd: number | null;
  readonly panels: readonly Panel[];
  readonly parts: readonly Part[];
  /** What the table says of each part. */
  readonly columns: readonly Measure[];
  readonly changes: readonly { readonly atRow: number; readonly label: string }[];
}

/** Points of one policy in one panel, evenly spread up to the last row: the mean over the seeds, the lowest and the highest of them. */
export interface Curve {
  readonly kind: 'curve';
  readonly figure: string;
  readonly measure: Measure;
  readonly policy: PolicyName;
  readonly mean: readonly number[];
  readonly low: readonly number[];
  readonly high: readonly number[];
}

/** One row of a table. */
export interface Result {
  readonly kind: 'result';
  readonly figure: string;
  readonly policy: PolicyName;
  /** Per column, per part: the mean over the seeds and half the width of its 95 % interval (Student; null for fewer than three seeds). */
  readonly cells: readonly (readonly { readonly mean: number; readonly plusMinus: number | null }[])[];
  /** How much more score or utility per request the router has, over all judged rows, with its 95 % interval. */
  readonly routerGain: { readonly mean: number; readonly low: number; readonly high: number } | null;
}

export type FigureLine = About | Curve | Result;

/** What every policy did with one seed. All have the same rows. */
export interface SeedRun {
  readonly ids: readonly string[];
  readonly results: ReadonlyMap<PolicyName, PolicyResult>;
}

/** Points per curve. */
const mostPoints = 40;

/** After how many rows each of so many points stands; the last one after all. */
export function pointEnds(rows: number, points: number): number[] {
  return Array.from({ length: points }, (_, i) => Math.round(((i + 1) * rows) / points));
}

/** With two, Student's interval is thirteen deviations wide and the approximation in use does not hold. */
const leastSeeds = 3;

/** The lines of one figure, About first. Throws RangeError when a policy of a panel was not played. */
export function figureLines(about: About, runs: readonly SeedRun[]): FigureLine[] {
  const curves = about.panels.flatMap((panel) => panel.policies.map((policy) => curveOf(about, panel, policy, runs)));
  const results = [...runs[0]!.results.keys()].map((policy) => resultOf(about, policy, runs));
  return [about, ...curves, ...results];
}

function curveOf(about: About, panel: Panel, policy: PolicyName, runs: readonly SeedRun[]): Curve {
  const ends = pointEnds(about.rows, Math.min(mostPoints, about.rows));
  const ratios = runs.map((run) => measured(about, panel.measure, policy, run));
  const columns = ends.map((end) => {
    const from = panel.windowRows === null ? 0 : Math.max(0, end - panel.windowRows);
    return ratios.map((ratio) => ratio(from, end));
  });
  return {
    kind: 'curve',
    figure: about.figure,
    measure: panel.measure,
    policy,
    mean: columns.map((values) => fourDigits(meanOf(values))),
    low: columns.map((values) => fourDigits(Math.min(...values))),
    high: columns.map((values) => fourDigits(Math.max(...values))),
  };
}

function resultOf(about: About, policy: PolicyName, runs: readonly SeedRun[]): Result {
  const cells = about.columns.map((measure) => {
    const ratios = runs.map((run) => measured(about, measure, policy, run));
    return about.parts.map(({ from, to }) => {
      const { mean, plusMinus } = overSeeds(ratios.map((ratio) => ratio(from, to)));
      return {
        mean: fourDigits(mean),
        plusMinus: plusMinus === null || runs.length < leastSeeds ? null : fourDigits(plusMinus),
      };
    });
  });
  return { kind: 'result', figure: about.figure, policy, cells, routerGain: gainOver(about, policy, runs) };
}

function gainOver({ parts }: About, policy: PolicyName, runs: readonly SeedRun[]): Result['routerGain'] {
  if (policy === policyNames.router) return null;
  const from = parts[0]!.from;
  const to = parts.at(-1)!.to;
  const judged = (run: SeedRun, name: PolicyName) => resultIn(run, name).utilities.slice(from, to);
  const { mean, low, high } = pairedGain(
    runs.map((run) => ({
      ids: run.ids.slice(from, to),
      ours: judged(run, policyNames.router),
      theirs: judged(run, policy),
    })),
  );
  return { mean: fourDigits(mean), low: fourDigits(low), high: fourDigits(high) };
}

/** The measure over rows [from, to): a ratio of sums. */
function measured(
  about: About,
  measure: Measure,
  policy: PolicyName,
  run: SeedRun,
): (from: number, to: number) => number {
  const { utilities, costsUsd } = resultIn(run, policy);
  if (measure === 'score' || measure === 'utility') return (from, to) => sum(utilities, from, to) / (to - from);
  if (measure === 'spend') {
    const { budgetUsd } = about;
    if (budgetUsd === null) throw new RangeError(`${about.figure} has no budget to measure spending in`);
    return (from, to) => sum(costsUsd, from, to) / (to - from) / budgetUsd;
  }
  const best = resultIn(run, policyNames.oracle).utilities;
  const random = resultIn(run, policyNames.random).utilities;
  return (from, to) => {
    const top = sum(best, from, to);
    return (top - sum(utilities, from, to)) / (top - sum(random, from, to));
  };
}

function resultIn(run: SeedRun, policy: PolicyName): PolicyResult {
  const result = run.results.get(policy);
  if (!result) throw new RangeError(`${policy} was not played`);
  return result;
}

function sum(values: Float64Array, from: number, to: number): number {
  let total = 0;
  for (let r = from; r < to; r++) total += values[r]!;
  return total;
}
