/** Answers a question about the windows: which sums of which time, broken down by what. Pure, and bounded by the number of steps. */
import { dictionaryOf } from '../dictionary';
import type { AnalyticsCell, AnalyticsWindow, Sketch } from '../topics/generated/messages';
import { entriesOf } from './keyed-list';
import {
  type AnalyticsMetric,
  analyticsMetrics,
  type Breakdown,
  breakdowns,
  dimensionsOf,
  type MetricName,
} from './metrics';
import { type SketchSum, sumSketches } from './sketch';
import { otherValue, readCellKey, spans, sumOfCells } from './window';
import type { WindowStore } from './window-store';

export interface AnalyticsQuery {
  /** Milliseconds since the epoch; the beginning of the first step, rounded down to a window. */
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
  /** Length of a step, a multiple of a minute, an hour or a day; null: the whole time is one. */
  readonly stepMs: number | null;
  readonly metrics: readonly MetricName[];
  readonly by: Breakdown;
}

export interface AnalyticsRow {
  /** Beginning of the step, milliseconds since the epoch. */
  readonly startMs: number;
  /** Value of each dimension of the breakdown; `other` stands for those beyond the limit. */
  readonly of: Readonly<Record<string, string>>;
  /** Null where nothing is known. */
  readonly values: Readonly<Record<string, number | null>>;
}

export const maxSteps = 2_000;

/** The longest span whose windows make up the steps; null where there is none. */
export function spanOf(stepMs: number): number | null {
  return spans.map(({ spanMs }) => spanMs).findLast((spanMs) => stepMs % spanMs === 0) ?? null;
}

/** For a whole range: the longest windows that its ends do not cut, or hours where minutes are no longer kept. */
function spanOfRange({ fromMs, toMs }: Pick<AnalyticsQuery, 'fromMs' | 'toMs'>): number {
  const lengthMs = toMs - fromMs;
  const [minute, hour, day] = spans;
  if (lengthMs <= 6 * hour.spanMs) return minute.spanMs;
  return lengthMs <= 14 * day.spanMs ? hour.spanMs : day.spanMs;
}

interface Group {
  cell: AnalyticsCell | undefined;
  decisionMs: SketchSum | null;
  latencyMs: SketchSum | null;
}

/** Steps without anything have no row; rows are in order of time and value. */
export function answerQuery(store: WindowStore, query: AnalyticsQuery): AnalyticsRow[] {
  const { by, metrics } = query;
  const spanMs = query.stepMs === null ? spanOfRange(query) : spanOf(query.stepMs);
  if (spanMs === null) throw new RangeError(`no windows make up steps of ${query.stepMs} ms`);
  const fromMs = Math.floor(query.fromMs / spanMs) * spanMs;
  const steps = new Map<number, Map<string, Group>>();
  for (const [startMs, rows] of store.between(spanMs, fromMs, query.toMs)) {
    const { stepMs } = query;
    const at = stepMs === null ? fromMs : Math.floor(startMs / stepMs) * stepMs;
    const groups = steps.get(at) ?? new Map<string, Group>();
    steps.set(at, groups);
    for (const row of rows) addRow(groups, row, query);
  }
  const answer: AnalyticsRow[] = [];
  for (const [startMs, groups] of steps)
    for (const [value, group] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1)))
      answer.push({
        startMs,
        of: valuesOf(by, value),
        values: dictionaryOf(metrics.map((name) => [name, figureOf(analyticsMetrics[name], group)] as const)),
      });
  return answer;
}

function addRow(groups: Map<string, Group>, row: AnalyticsWindow, { by, metrics }: AnalyticsQuery): void {
  const groupOf = (value: string): Group => {
    const group = groups.get(value) ?? { cell: undefined, decisionMs: null, latencyMs: null };
    groups.set(value, group);
    return group;
  };
  const wanted = breakdowns[by];
  for (const [key, cell] of entriesOf(row.cells)) {
    const { dimension, value } = readCellKey(key);
    if (dimension !== wanted) continue;
    const group = groupOf(value);
    group.cell = group.cell ? sumOfCells(group.cell, cell) : cell;
  }
  const asks = (of: 'decisionMs' | 'latencyMs'): boolean =>
    metrics.some((name) => (analyticsMetrics[name] as AnalyticsMetric).quantile?.of === of);
  const sum = (group: Group, of: 'decisionMs' | 'latencyMs', sketch: Sketch): void => {
    const sketches = group[of] ?? sumSketches();
    group[of] = sketches;
    sketches.add(sketch);
  };
  if (asks('decisionMs') && by === 'none') sum(groupOf(''), 'decisionMs', row.decisionMs);
  if (!asks('latencyMs')) return;
  for (const [model, sketch] of entriesOf(row.latencyMs)) sum(groupOf(by === 'none' ? '' : model), 'latencyMs', sketch);
}

function figureOf(metric: AnalyticsMetric, { cell, decisionMs, latencyMs }: Group): number | null {
  if (metric.quantile) {
    const sketch = metric.quantile.of === 'decisionMs' ? decisionMs : latencyMs;
    return sketch?.quantile(metric.quantile.share) ?? null;
  }
  return cell ? (metric.of?.(cell) ?? null) : null;
}

/** The value of a cell, by the names of the breakdown. */
function valuesOf(by: Breakdown, value: string): Record<string, string> {
  const { names, separator } = dimensionsOf(by);
  const parts =
    names.length === 1 ? [value] : value === otherValue ? names.map(() => otherValue) : value.split(separator);
  return dictionaryOf(names.map((name, i) => [name, parts[i] ?? ''] as const));
}

/** The answer as comma-separated values (RFC 4180), with a line of headings; times in ISO 8601. */
export function csvOf(rows: readonly AnalyticsRow[], { by, metrics }: Pick<AnalyticsQuery, 'by' | 'metrics'>): string {
  const { names } = dimensionsOf(by);
  const lines = rows.map(({ startMs, of, values }) =>
    [
      new Date(startMs).toISOString(),
      ...names.map((name) => quoted(of[name] ?? '')),
      ...metrics.map((name) => values[name]?.toString() ?? ''),
    ].join(','),
  );
  return `${[['start', ...names, ...metrics].join(','), ...lines].join('\r\n')}\r\n`;
}

/** A text that a spreadsheet would take for a formula gets an apostrophe in front: names come from outside. */
function quoted(text: string): string {
  const harmless = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless;
}
