/** From the JSON lines of one figure to its picture and its table. Pure: the same lines give the same bytes. */
import {
  type About,
  type Curve,
  type FigureLine,
  type Measure,
  type Panel,
  pointEnds,
  type Result,
} from './figure-lines';
import { type Chart, lineChart, type Plot } from './line-chart';
import { looks, type PolicyName, policyNames } from './policies';

export interface Figure {
  readonly about: About;
  readonly curves: readonly Curve[];
  readonly results: readonly Result[];
}

/** Parses the file of one figure. Throws Error where a line is of no known kind or the first is not about the figure. */
export function readFigure(text: string): Figure {
  const lines = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as FigureLine);
  const unknown = lines.find(({ kind }) => kind !== 'about' && kind !== 'curve' && kind !== 'result');
  const about = lines[0];
  if (unknown || about?.kind !== 'about') throw new Error('a figure is one line about it, then curves and results');
  return {
    about,
    curves: lines.filter((line) => line.kind === 'curve'),
    results: lines.filter((line) => line.kind === 'result'),
  };
}

const { router, oracle, random } = policyNames;

const axisLabels: Readonly<Record<Measure, string>> = {
  score: 'mean score',
  utility: 'mean utility',
  spend: 'spending, budgets',
  regret: "regret, % of random's",
};

/** The picture as an SVG document. */
export function figureSvg({ about, curves }: Figure): string {
  const chart: Chart = {
    title: about.title,
    subtitle: describeRun(about),
    xLabel: 'requests',
    xMax: about.rows,
    changes: about.changes.map(({ atRow, label }) => ({ x: atRow, label })),
    plots: about.panels.map((panel) => plotOf(about, panel, curves)),
  };
  return lineChart(chart);
}

function plotOf({ rows }: About, panel: Panel, curves: readonly Curve[]): Plot {
  const { measure, windowRows } = panel;
  const what = windowRows === null ? 'so far' : `last ${windowRows}`;
  return {
    yLabel: `${axisLabels[measure]}, ${what}`,
    format: (value, exact) => format(measure, value, exact),
    // The cold start spends what it must; what counts is near 1.
    range: measure === 'spend' ? [0, 2] : null,
    level: measure === 'spend' ? { y: 1, label: 'budget' } : null,
    series: panel.policies.map((policy) => {
      const curve = curves.find((line) => line.policy === policy && line.measure === measure)!;
      const ends = pointEnds(rows, curve.mean.length);
      const points = curve.mean.map((y, i): [number, number] => [ends[i]!, y]);
      const learned = looks[policy].dash === null;
      return {
        label: policy,
        ...looks[policy],
        width: policy === router ? 2.6 : 1.6,
        points,
        band: learned ? points.map(([x], i): [number, number, number] => [x, curve.low[i]!, curve.high[i]!]) : [],
        stretchesAxis: policy !== oracle && policy !== random,
      };
    }),
  };
}

function describeRun({ path, seeds, rows }: About): string {
  const how = path === 'engine' ? 'the whole engine' : 'the learner alone';
  const shown = seeds === 1 ? 'one order' : `mean of ${seeds} orders, bands from the lowest to the highest`;
  return `${thousands(rows)} requests, ${how}, chosen outcomes only; ${shown}`;
}

const tableNames: Readonly<Record<PolicyName, string>> = {
  ...(Object.fromEntries(Object.values(policyNames).map((name) => [name, name])) as Record<PolicyName, string>),
  router: '**router**',
  'static mix': 'static mix of two models †',
  'best single': 'best single model †',
  oracle: 'oracle †',
};

const budgetTableNames: Partial<Record<PolicyName, string>> = {
  oracle: 'oracle at the best cost price †',
  'best single': 'best single model within the budget †',
  LinUCB: 'LinUCB at the best cost price †',
  'Thompson table': 'Thompson table at the best cost price †',
};

/** The table as Markdown, without a newline at its end. A dagger marks what knows the future. */
export function figureTable({ about, results }: Figure): string {
  const { parts, columns, budgetUsd } = about;
  const heads = columns.flatMap((measure) =>
    parts.map(({ name }) => (parts.length > 1 ? `${columnNames[measure]}, ${name}` : columnNames[measure])),
  );
  const header = ['policy', ...heads, 'the router is better by'];
  const rows = results.map(({ policy, cells, routerGain }) => [
    (budgetUsd === null ? undefined : budgetTableNames[policy]) ?? tableNames[policy],
    ...columns.flatMap((measure, c) => cells[c]!.map(({ mean, plusMinus }) => cell(measure, mean, plusMinus))),
    routerGain === null ? '' : `${signed(routerGain.mean)} (${signed(routerGain.low)} … ${signed(routerGain.high)})`,
  ]);
  return [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

const columnNames: Readonly<Record<Measure, string>> = {
  score: 'score',
  utility: 'utility',
  spend: 'spending, budgets',
  regret: "regret, % of random's",
};

/** Rounding errors between orders of the same rows. */
const negligible = 1e-9;

function cell(measure: Measure, mean: number, plusMinus: number | null): string {
  const value = format(measure, mean, true);
  // What does not depend on the order has no spread.
  return plusMinus === null || plusMinus < negligible ? value : `${value} ± ${format(measure, plusMinus, true)}`;
}

/** At the precision of a result, or as short as an axis wants it. */
function format(measure: Measure, value: number, exact: boolean): string {
  const shown = measure === 'regret' ? 100 * value : value;
  const decimals = { score: 3, utility: 3, spend: 2, regret: 1 }[measure];
  return withoutZero(exact ? shown.toFixed(decimals) : String(Number(shown.toFixed(decimals))));
}

function signed(value: number): string {
  const digits = withoutZero(Math.abs(value).toFixed(3));
  if (digits === '.000') return digits;
  return value < 0 ? `−${digits}` : `+${digits}`;
}

/** .62 instead of 0.62, as everywhere in the docs. */
function withoutZero(text: string): string {
  return text.replace(/^(-?)0\./, '$1.');
}

function thousands(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}
