/**
 * Answers a question about the windows: which sums of which time, broken down by what. Pure, and bounded by the number of steps.
 * The answer is text, step by step: a month by hour, model and task has 144,000 rows, and an object each would take longer than all the rest.
 */
import type { AnswerFormat } from './answer-format';
import {
  type AnalyticsMetric,
  analyticsMetrics,
  type Breakdown,
  breakdowns,
  dimensionsOf,
  type MetricName,
} from './metrics';
import { cellsOf, type PackedWindow, sumsOf } from './packed-window';
import { SketchSum } from './sketch';
import { cellKey, type Dimension, type Figure, otherValue, spans } from './window';
import type { WindowStore, WindowsThen } from './window-store';

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

/**
 * The rows in order of time and value, as texts that are put one behind the other; steps without anything have none. There is
 * a text, empty or not, for every window: whoever has other work may look at it between two of them.
 */
export function* answerQuery(store: WindowStore, query: AnalyticsQuery, format: AnswerFormat): Iterable<string> {
  const { by, stepMs } = query;
  const spanMs = stepMs === null ? spanOfRange(query) : spanOf(stepMs);
  if (spanMs === null) throw new RangeError(`no windows make up steps of ${stepMs} ms`);
  const fromMs = Math.floor(query.fromMs / spanMs) * spanMs;
  const metrics = query.metrics.map((name): AnalyticsMetric => analyticsMetrics[name]);
  const then = store.between(spanMs, fromMs, query.toMs);
  const groups = groupsOf(then, breakdowns[by]);
  const sums = new StepSums(breakdowns[by], metrics, groups);
  const rowTexts = createRowTexts(query, format, groups.values, metrics, sums);
  let atMs: number | null = null;
  let between = '';
  const finish = (): string => {
    const text = atMs === null ? '' : rowTexts(atMs);
    sums.clear();
    if (text === '') return '';
    const behind = between + text;
    ({ between } = format);
    return behind;
  };
  for (const { startMs, rows } of then.windows) {
    const at = stepMs === null ? fromMs : Math.floor(startMs / stepMs) * stepMs;
    yield at === atMs ? '' : finish();
    atMs = at;
    for (const row of rows) sums.add(row);
  }
  yield finish();
}

/** What rows of the answer are of. */
interface Groups {
  /** In order. */
  readonly values: readonly string[];
  /** Which of them a cell belongs to, by its number. */
  readonly ofCell: Int32Array;
  /** As many cells as no row has more of. */
  readonly mostCells: number;
}

/** Values of a dimension anywhere in the windows. Their order is made here once, and not again in every step. */
function groupsOf({ windows, keys }: WindowsThen, dimension: Dimension): Groups {
  const ofCell = new Int32Array(keys.length).fill(-1);
  const met: number[] = [];
  let mostCells = 0;
  const meet = (cells: Uint32Array, begin: number, end: number): void => {
    for (let i = begin; i < end; i++) {
      const cell = cells[i]!;
      if (ofCell[cell] !== -1) continue;
      ofCell[cell] = 0;
      met.push(cell);
    }
  };
  for (const { rows } of windows)
    for (const row of rows) {
      const [begin, end] = cellsOf(row, dimension);
      meet(row.cells, begin, end);
      mostCells = Math.max(mostCells, end - begin);
      if (dimension === 'model') meet(row.models, 0, row.models.length);
    }
  const start = cellKey(dimension, '').length;
  const found = met.map((cell) => ({ cell, value: keys[cell]!.slice(start) }));
  found.sort((a, b) => (a.value < b.value ? -1 : 1));
  found.forEach(({ cell }, group) => {
    ofCell[cell] = group;
  });
  return { values: found.map(({ value }) => value), ofCell, mostCells };
}

/** The sums of one step by group; cleared, it takes those of the next. */
class StepSums {
  /** Groups that the step has. */
  private readonly met: Int32Array;
  private metCount = 0;
  private readonly isMet: Uint8Array;
  /** Those that have more than latencies. */
  private readonly hasCell: Uint8Array;
  /** Of the cells of one row. */
  private readonly groupOf: Int32Array;
  private readonly sums: readonly FigureSums[];
  private readonly decisionMs: SketchSums | null;
  private readonly latencyMs: SketchSums | null;

  constructor(
    private readonly dimension: Dimension,
    metrics: readonly AnalyticsMetric[],
    private readonly groups: Groups,
  ) {
    const count = groups.values.length;
    this.met = new Int32Array(count);
    this.isMet = new Uint8Array(count);
    this.hasCell = new Uint8Array(count);
    this.groupOf = new Int32Array(groups.mostCells);
    const figures = new Set(metrics.flatMap(({ sum, per }) => [sum, per].filter((figure) => figure !== undefined)));
    this.sums = [...figures].map((figure) => ({ figure, ofGroup: new Float64Array(count) }));
    const asks = (of: 'decisionMs' | 'latencyMs'): boolean => metrics.some(({ quantile }) => quantile?.of === of);
    this.decisionMs = asks('decisionMs') && dimension === 'all' ? new SketchSums() : null;
    this.latencyMs = asks('latencyMs') ? new SketchSums() : null;
  }

  add(row: PackedWindow): void {
    const { dimension, hasCell, groupOf } = this;
    const { ofCell } = this.groups;
    const { cells, sums, models, sketches } = row;
    const [begin, end] = cellsOf(row, dimension);
    const count = end - begin;
    for (let i = 0; i < count; i++) {
      const group = ofCell[cells[begin + i]!]!;
      groupOf[i] = group;
      if (hasCell[group] === 1) continue;
      hasCell[group] = 1;
      this.meet(group);
    }
    for (const { figure, ofGroup } of this.sums) {
      const first = sumsOf(row, dimension, figure);
      if (first === -1) continue;
      for (let i = 0; i < count; i++) ofGroup[groupOf[i]!]! += sums[first + i]!;
    }
    // What is not broken down has one cell.
    const whole = dimension === 'all' && count > 0 ? groupOf[0]! : null;
    if (whole !== null) this.decisionMs?.of(whole).add(sketches, 0);
    if (!this.latencyMs || (dimension === 'all' && whole === null)) return;
    for (let i = 0; i < models.length; i++) {
      const group = whole ?? ofCell[models[i]!]!;
      this.meet(group);
      this.latencyMs.of(group).add(sketches, i + 1);
    }
  }

  private meet(group: number): void {
    if (this.isMet[group] === 1) return;
    this.isMet[group] = 1;
    this.met[this.metCount++] = group;
  }

  /** The groups of the step, in order. */
  inOrder(): Int32Array {
    return this.met.subarray(0, this.metCount).sort();
  }

  /** What a metric is in each of the groups, one after the other; not a number where nothing is known. */
  read({ sum, per, quantile }: AnalyticsMetric, groups: Int32Array, into: Float64Array): void {
    if (quantile) {
      const sketches = quantile.of === 'decisionMs' ? this.decisionMs : this.latencyMs;
      for (let i = 0; i < groups.length; i++)
        into[i] = sketches?.known(groups[i]!)?.quantile(quantile.share) ?? Number.NaN;
      return;
    }
    const { hasCell } = this;
    const sums = this.sumsOf(sum);
    if (per === undefined)
      for (let i = 0; i < groups.length; i++) into[i] = hasCell[groups[i]!] === 1 ? sums[groups[i]!]! : Number.NaN;
    else {
      const counts = this.sumsOf(per);
      for (let i = 0; i < groups.length; i++) {
        const count = counts[groups[i]!]!;
        into[i] = count > 0 ? sums[groups[i]!]! / count : Number.NaN;
      }
    }
  }

  private sumsOf(wanted: Figure | undefined): Float64Array {
    return this.sums.find(({ figure }) => figure === wanted)!.ofGroup;
  }

  clear(): void {
    for (let i = 0; i < this.metCount; i++) {
      const group = this.met[i]!;
      this.isMet[group] = 0;
      this.hasCell[group] = 0;
      for (const { ofGroup } of this.sums) ofGroup[group] = 0;
    }
    this.metCount = 0;
    this.decisionMs?.clear();
    this.latencyMs?.clear();
  }
}

interface FigureSums {
  readonly figure: Figure;
  readonly ofGroup: Float64Array;
}

/** Sums of sketches by group: those of one step are used again in the next. */
class SketchSums {
  private readonly byGroup = new Map<number, SketchSum>();
  private readonly unused: SketchSum[] = [];

  of(group: number): SketchSum {
    const known = this.byGroup.get(group);
    if (known) return known;
    const taken = this.unused.pop() ?? new SketchSum();
    this.byGroup.set(group, taken);
    return taken;
  }

  known(group: number): SketchSum | undefined {
    return this.byGroup.get(group);
  }

  clear(): void {
    for (const sum of this.byGroup.values()) {
      sum.clear();
      this.unused.push(sum);
    }
    this.byGroup.clear();
  }
}

/** Text of the rows of a step. What rows of a group have in common, and rows of a step, is written once. */
function createRowTexts(
  { by, metrics: names }: AnalyticsQuery,
  format: AnswerFormat,
  values: readonly string[],
  metrics: readonly AnalyticsMetric[],
  sums: StepSums,
): (startMs: number) => string {
  const heads = names.map((name, i) => format.headOf(name, i));
  const ofGroup = values.map((value) => flat(format.of(valuesOf(by, value)), heads[0]!));
  const columns = metrics.map(() => new Float64Array(values.length));
  const textOf = (value: number): string => (Number.isFinite(value) ? `${value}` : format.unknown);
  return (startMs) => {
    const groups = sums.inOrder();
    if (groups.length === 0) return '';
    metrics.forEach((metric, i) => {
      sums.read(metric, groups, columns[i]!);
    });
    const [first, ...others] = columns;
    const rows = new Array<string>(groups.length);
    for (let i = 0; i < groups.length; i++) {
      let row = ofGroup[groups[i]!]! + textOf(first![i]!);
      for (let other = 0; other < others.length; other++) row += heads[other + 1]! + textOf(others[other]![i]!);
      rows[i] = row;
    }
    const start = format.startOf(startMs);
    return start + rows.join(flat(format.end, format.between, start)) + format.end;
  };
}

/** A text in one piece: one that is put together of parts is gone through part by part, each of the many times that it is written. */
function flat(...parts: readonly string[]): string {
  return parts.join('');
}

/** The value of a cell, by the names of the breakdown. */
function valuesOf(by: Breakdown, value: string): readonly (readonly [string, string])[] {
  const { names, separator } = dimensionsOf(by);
  const parts =
    names.length === 1 ? [value] : value === otherValue ? names.map(() => otherValue) : value.split(separator);
  return names.map((name, i) => [name, parts[i] ?? '']);
}
