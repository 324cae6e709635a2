/**
 * What happened in a window of time, as sums by dimension: the row that the analytics service keeps and the gateway reads.
 * Everything is a sum, so rows of partitions and of shorter spans are merged by adding. A row is bounded: each dimension
 * has so many values of its own, in the order they first came, and `other` for the rest.
 */
import type { AnalyticsCell, AnalyticsWindow } from '../topics/generated/messages';
import { emptyList, ListCopy } from './keyed-list';
import { addValues, emptySketch } from './sketch';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;

/** Lengths of windows, and how long after its beginning each is kept. */
export const spans = [
  { spanMs: minuteMs, keptMs: 26 * hourMs },
  { spanMs: hourMs, keptMs: 40 * dayMs },
  { spanMs: dayMs, keptMs: 731 * dayMs },
] as const;

/** Values that each dimension has in one window; what comes after is counted under `other`. */
export const dimensionLimits = {
  all: 1,
  model: 64,
  provider: 32,
  task: 32,
  strategy: 16,
  tenant: 64,
  degradation: 8,
  experiment: 64,
  modelTask: 256,
} as const;
export type Dimension = keyof typeof dimensionLimits;
export const dimensions = Object.keys(dimensionLimits) as readonly Dimension[];

export const otherValue = 'other';
/** Latencies of so many models have a sketch of their own; of the others together, one. */
export const maxSketches = 32;

/** No name may hold it: see lib/topics/identifiers.ts. */
const separator = '\n';

/** What a cell has sums of. */
export type Figure = keyof AnalyticsCell;

/** What one record adds to its window. */
export interface Contribution {
  /** Cells it is counted in, by `cellKey`. */
  readonly of: readonly string[];
  readonly figures: Readonly<AnalyticsCell>;
  readonly decisionMs?: number;
  readonly latency?: { readonly model: string; readonly ms: number };
}

/** Keys of the rows that a time belongs to, shortest span first. */
export function windowKeys(atMs: number): string[] {
  return spans.map(({ spanMs }) => `${spanMs}${separator}${Math.floor(atMs / spanMs) * spanMs}`);
}

/** Span and beginning of a row, from its key; null for a key that is none. */
export function readWindowKey(key: string): { spanMs: number; startMs: number } | null {
  const [spanMs = Number.NaN, startMs = Number.NaN] = key.split(separator).map(Number);
  return spans.some((span) => span.spanMs === spanMs) && Number.isSafeInteger(startMs) ? { spanMs, startMs } : null;
}

export function keyOfWindow({ spanMs, startMs }: Pick<AnalyticsWindow, 'spanMs' | 'startMs'>): string {
  return `${spanMs}${separator}${startMs}`;
}

/** When a row is no longer kept. */
export function expiresAtMs({ spanMs, startMs }: Pick<AnalyticsWindow, 'spanMs' | 'startMs'>): number {
  return startMs + (spans.find((span) => span.spanMs === spanMs)?.keptMs ?? 0);
}

export function emptyWindow(spanMs: number, startMs: number): AnalyticsWindow {
  return {
    startMs,
    spanMs,
    cells: emptyList(),
    decisionMs: emptySketch,
    latencyMs: emptyList(),
    updatedAtMs: startMs,
    toldAtMs: 0,
  };
}

/** The arm of an experiment, as learning events name it; neither name has a slash. */
export function armValue(experiment: string, arm: string): string {
  return `${experiment}/${arm}`;
}

export function modelTaskValue(model: string, task: string): string {
  return `${model}${separator}${task}`;
}

/** Dimension and value of a cell. */
export function readCellKey(key: string): { dimension: string; value: string } {
  const at = key.indexOf(separator);
  return { dimension: key.slice(0, at), value: key.slice(at + 1) };
}

export function cellKey(dimension: Dimension, value: string): string {
  return `${dimension}${separator}${value}`;
}

/** The dimension of a cell, by its key; empty for a key that is none. */
export function dimensionOf(key: string): string {
  return key.slice(0, Math.max(0, key.indexOf(separator)));
}

export const noCell: AnalyticsCell = {
  decisions: 0,
  degraded: 0,
  cacheHits: 0,
  floored: 0,
  expectedCostUsd: 0,
  decisionMs: 0,
  calls: 0,
  errors: 0,
  costed: 0,
  costUsd: 0,
  timed: 0,
  latencyMs: 0,
  inputTokens: 0,
  outputTokens: 0,
  judged: 0,
  quality: 0,
  utility: 0,
  late: 0,
};

/** Written out, since every record does it some twenty times: a loop over names costs many times as much. */
function sumOfCells(a: AnalyticsCell, b: AnalyticsCell): AnalyticsCell {
  return {
    decisions: a.decisions + b.decisions,
    degraded: a.degraded + b.degraded,
    cacheHits: a.cacheHits + b.cacheHits,
    floored: a.floored + b.floored,
    expectedCostUsd: a.expectedCostUsd + b.expectedCostUsd,
    decisionMs: a.decisionMs + b.decisionMs,
    calls: a.calls + b.calls,
    errors: a.errors + b.errors,
    costed: a.costed + b.costed,
    costUsd: a.costUsd + b.costUsd,
    timed: a.timed + b.timed,
    latencyMs: a.latencyMs + b.latencyMs,
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    judged: a.judged + b.judged,
    quality: a.quality + b.quality,
    utility: a.utility + b.utility,
    late: a.late + b.late,
  };
}

/** Adds to a cell that nobody else has yet. */
export function addToCell(cell: AnalyticsCell, added: Readonly<AnalyticsCell>): void {
  cell.decisions += added.decisions;
  cell.degraded += added.degraded;
  cell.cacheHits += added.cacheHits;
  cell.floored += added.floored;
  cell.expectedCostUsd += added.expectedCostUsd;
  cell.decisionMs += added.decisionMs;
  cell.calls += added.calls;
  cell.errors += added.errors;
  cell.costed += added.costed;
  cell.costUsd += added.costUsd;
  cell.timed += added.timed;
  cell.latencyMs += added.latencyMs;
  cell.inputTokens += added.inputTokens;
  cell.outputTokens += added.outputTokens;
  cell.judged += added.judged;
  cell.quality += added.quality;
  cell.utility += added.utility;
  cell.late += added.late;
}

/** The row with what records add, one after the other; `nowMs` is when. The row itself stays as it is. */
export function addToWindow(row: AnalyticsWindow, added: readonly Contribution[], nowMs: number): AnalyticsWindow {
  const cells = new ListCopy(row.cells);
  /** Cells made here: a second record adds to them in place. */
  const made = new Set<AnalyticsCell>();
  // Counted only where something new has come, which is seldom.
  let counts: Map<string, number> | null = null;
  const takesRoom = (dimension: Dimension): boolean => {
    counts ??= countsOf(row.cells.keys);
    const count = counts.get(dimension) ?? 0;
    if (count >= dimensionLimits[dimension]) return false;
    counts.set(dimension, count + 1);
    return true;
  };
  const decisionsMs: number[] = [];
  const latenciesMs = new Map<string, number[]>();
  for (const { of, figures, decisionMs, latency } of added) {
    const add = (cell: AnalyticsCell = noCell): AnalyticsCell => {
      if (made.has(cell)) {
        addToCell(cell, figures);
        return cell;
      }
      const sum = sumOfCells(cell, figures);
      made.add(sum);
      return sum;
    };
    for (const key of of) {
      if (cells.has(key)) cells.update(key, add);
      else {
        const dimension = dimensionOf(key) as Dimension;
        cells.update(takesRoom(dimension) ? key : cellKey(dimension, otherValue), add);
      }
    }
    if (decisionMs !== undefined) decisionsMs.push(decisionMs);
    if (!latency) continue;
    const ofModel = latenciesMs.get(latency.model);
    if (ofModel) ofModel.push(latency.ms);
    else latenciesMs.set(latency.model, [latency.ms]);
  }
  return {
    ...row,
    cells: cells.done(),
    decisionMs: decisionsMs.length > 0 ? addValues(row.decisionMs, decisionsMs) : row.decisionMs,
    latencyMs: latenciesMs.size > 0 ? withLatencies(row.latencyMs, latenciesMs) : row.latencyMs,
    updatedAtMs: nowMs,
  };
}

function withLatencies(
  latencyMs: AnalyticsWindow['latencyMs'],
  added: ReadonlyMap<string, readonly number[]>,
): AnalyticsWindow['latencyMs'] {
  const sketches = new ListCopy(latencyMs);
  for (const [model, valuesMs] of added) {
    const name = sketches.has(model) || sketches.size < maxSketches ? model : otherValue;
    sketches.update(name, (sketch = emptySketch) => addValues(sketch, valuesMs));
  }
  return sketches.done();
}

function countsOf(cellKeys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key of cellKeys) {
    const dimension = dimensionOf(key);
    counts.set(dimension, (counts.get(dimension) ?? 0) + 1);
  }
  return counts;
}
