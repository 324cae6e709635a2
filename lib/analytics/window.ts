/**
 * What happened in a window of time, as sums by dimension: the row that the analytics service keeps and the gateway reads.
 * Everything is a sum, so rows of partitions and of shorter spans are merged by adding. A row is bounded: each dimension
 * has so many values of its own, in the order they first came, and `other` for the rest.
 */
import { dictionaryOf, ownEntry } from '../dictionary';
import type { AnalyticsCell, AnalyticsWindow, Sketch } from '../topics/generated/messages';
import { addValue, emptySketch } from './sketch';

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
  modelTask: 256,
} as const;
export type Dimension = keyof typeof dimensionLimits;
export const dimensions = Object.keys(dimensionLimits) as readonly Dimension[];

export const otherValue = 'other';
/** Latencies of so many models have a sketch of their own; of the others together, one. */
export const maxSketches = 32;

/** No name may hold it: see lib/topics/identifiers.ts. */
const separator = '\n';

export type Figures = Readonly<Partial<AnalyticsCell>>;

/** What one record adds to its window. */
export interface Contribution {
  /** Values of the dimensions it is counted under; `all` is always among them. */
  readonly of: readonly (readonly [Dimension, string])[];
  readonly figures: Figures;
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
    cells: dictionaryOf(),
    decisionMs: emptySketch,
    latencyMs: dictionaryOf(),
    updatedAtMs: startMs,
    toldAtMs: 0,
  };
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
};
const figureNames = Object.keys(noCell) as readonly (keyof AnalyticsCell)[];

/** Adds to `sum` itself. */
export function accumulate(sum: AnalyticsCell, figures: Figures): void {
  for (const name of figureNames) {
    const added = figures[name];
    if (added !== undefined) sum[name] += added;
  }
}

function addFigures(cell: AnalyticsCell | undefined, figures: Figures): AnalyticsCell {
  const sum = { ...(cell ?? noCell) };
  accumulate(sum, figures);
  return sum;
}

/** The row with what a record adds; `nowMs` is when. The row itself stays as it is. */
export function addToWindow(row: AnalyticsWindow, added: Contribution, nowMs: number): AnalyticsWindow {
  const cells = copyOf(row.cells);
  // Counted only where something new has come, which is seldom.
  let counts: Map<string, number> | null = null;
  const takesRoom = (dimension: Dimension): boolean => {
    counts ??= countsOf(row.cells);
    const count = counts.get(dimension) ?? 0;
    if (count >= dimensionLimits[dimension]) return false;
    counts.set(dimension, count + 1);
    return true;
  };
  for (const [dimension, value] of added.of) {
    const own = cellKey(dimension, value);
    const isNew = ownEntry(cells, own) === undefined;
    const key = isNew && !takesRoom(dimension) ? cellKey(dimension, otherValue) : own;
    cells[key] = addFigures(ownEntry(cells, key), added.figures);
  }
  const { decisionMs, latency } = added;
  return {
    ...row,
    cells,
    decisionMs: decisionMs === undefined ? row.decisionMs : addValue(row.decisionMs, decisionMs),
    latencyMs: latency ? withLatency(row.latencyMs, latency) : row.latencyMs,
    updatedAtMs: nowMs,
  };
}

function withLatency(sketches: Record<string, Sketch>, { model, ms }: { model: string; ms: number }) {
  const isFull = ownEntry(sketches, model) === undefined && Object.keys(sketches).length >= maxSketches;
  const name = isFull ? otherValue : model;
  const next = copyOf(sketches);
  next[name] = addValue(ownEntry(next, name) ?? emptySketch, ms);
  return next;
}

function copyOf<T>(dictionary: Readonly<Record<string, T>>): Record<string, T> {
  // Spread: an object made key by key is ten times as slow, and every record copies three rows.
  return { __proto__: null, ...dictionary } as unknown as Record<string, T>;
}

function countsOf(cells: AnalyticsWindow['cells']): Map<string, number> {
  const counts = new Map<string, number>();
  for (const key in cells) {
    const dimension = key.slice(0, key.indexOf(separator));
    counts.set(dimension, (counts.get(dimension) ?? 0) + 1);
  }
  return counts;
}
