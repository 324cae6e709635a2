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
import { addToCell, cellKey, otherValue, spans } from './window';
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
  const { by, stepMs } = query;
  const spanMs = stepMs === null ? spanOfRange(query) : spanOf(stepMs);
  if (spanMs === null) throw new RangeError(`no windows make up steps of ${stepMs} ms`);
  const fromMs = Math.floor(query.fromMs / spanMs) * spanMs;
  const metrics = query.metrics.map((name) => ({ name, metric: analyticsMetrics[name] as AnalyticsMetric }));
  const asks = (of: 'decisionMs' | 'latencyMs'): boolean => metrics.some(({ metric }) => metric.quantile?.of === of);
  const wanted: Wanted = {
    by,
    prefix: cellKey(breakdowns[by], ''),
    decisionMs: asks('decisionMs') && by === 'none',
    latencyMs: asks('latencyMs'),
  };
  const steps = new Map<number, Map<string, Group>>();
  for (const [startMs, rows] of store.between(spanMs, fromMs, query.toMs)) {
    const at = stepMs === null ? fromMs : Math.floor(startMs / stepMs) * stepMs;
    const groups = steps.get(at) ?? new Map<string, Group>();
    steps.set(at, groups);
    for (const row of rows) addRow(groups, row, wanted);
  }
  // Most values come again in every step.
  const known = new Map<string, AnalyticsRow['of']>();
  const dimensionsOfValue = (value: string): AnalyticsRow['of'] => {
    const found = known.get(value) ?? valuesOf(by, value);
    known.set(value, found);
    return found;
  };
  const answer: AnalyticsRow[] = [];
  for (const [startMs, groups] of steps)
    for (const value of [...groups.keys()].sort()) {
      const group = groups.get(value)!;
      const values = dictionaryOf<string, number | null>();
      for (const { name, metric } of metrics) values[name] = figureOf(metric, group);
      answer.push({ startMs, of: dimensionsOfValue(value), values });
    }
  return answer;
}

interface Wanted {
  readonly by: Breakdown;
  /** How keys of its cells begin. */
  readonly prefix: string;
  /** Which sketches are asked for. */
  readonly decisionMs: boolean;
  readonly latencyMs: boolean;
}

/** A month has some thousand rows of some hundred cells: those of other dimensions are passed over without making anything. */
function addRow(groups: Map<string, Group>, row: AnalyticsWindow, { by, prefix, decisionMs, latencyMs }: Wanted): void {
  const groupOf = (value: string): Group => {
    const found = groups.get(value);
    if (found) return found;
    const made: Group = { cell: undefined, decisionMs: null, latencyMs: null };
    groups.set(value, made);
    return made;
  };
  const { keys, values } = row.cells;
  const count = Math.min(keys.length, values.length);
  for (let i = 0; i < count; i++) {
    if (!keys[i]!.startsWith(prefix)) continue;
    const group = groupOf(keys[i]!.slice(prefix.length));
    if (group.cell) addToCell(group.cell, values[i]!);
    else group.cell = { ...values[i]! };
    if (by === 'none') break;
  }
  const sum = (group: Group, of: 'decisionMs' | 'latencyMs', sketch: Sketch): void => {
    const sketches = group[of] ?? sumSketches();
    group[of] = sketches;
    sketches.add(sketch);
  };
  if (decisionMs) sum(groupOf(''), 'decisionMs', row.decisionMs);
  if (!latencyMs) return;
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
