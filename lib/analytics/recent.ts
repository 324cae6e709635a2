/**
 * What analytics tells of its windows to alerts: the minutes of the last hour and the hours of the last day, as they are now,
 * again and again while they change. Who is told twice, or late, replaces what was there.
 */
import { dictionaryOf, ownEntry } from '../dictionary';
import type { AnalyticsCell, AnalyticsWindow, RecentWindow } from '../topics/generated/messages';
import { entriesOf } from './keyed-list';
import { cellKey, readCellKey } from './window';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** Windows that are told of, how often at most, and how long after its beginning each stays. */
const told = new Map([
  [minuteMs, { everyMs: 10_000, keptMs: hourMs + 5 * minuteMs }],
  [hourMs, { everyMs: minuteMs, keptMs: 26 * hourMs }],
]);
const dimensions: ReadonlySet<string> = new Set(['all', 'model', 'provider']);

/** `toldAtMs` of a row that is told of no more. */
const noMore = -1;

export function keyOfRecent({ partition, spanMs, startMs }: Pick<RecentWindow, 'partition' | 'spanMs' | 'startMs'>) {
  return `${partition}\n${spanMs}\n${startMs}`;
}

export type Telling =
  | { readonly kind: 'tell'; readonly atMs: number }
  | { readonly kind: 'withdraw'; readonly atMs: number };

/** What is to be told of a row next, and when; null when nothing is. */
export function nextTelling({ spanMs, startMs, updatedAtMs, toldAtMs }: AnalyticsWindow): Telling | null {
  const how = told.get(spanMs);
  if (!how || toldAtMs === noMore) return null;
  const endsAtMs = startMs + how.keptMs;
  const dueAtMs = Math.max(startMs, toldAtMs) + how.everyMs;
  // At the same time may be before or after it: then it is told once more.
  return updatedAtMs >= toldAtMs && dueAtMs < endsAtMs
    ? { kind: 'tell', atMs: dueAtMs }
    : { kind: 'withdraw', atMs: endsAtMs };
}

export function toldRow(row: AnalyticsWindow, telling: Telling, nowMs: number): AnalyticsWindow {
  return { ...row, toldAtMs: telling.kind === 'withdraw' ? noMore : nowMs };
}

export function recentOf({ startMs, spanMs, cells }: AnalyticsWindow, partition: number): RecentWindow {
  const shown = [...entriesOf(cells)].filter(([key]) => dimensions.has(readCellKey(key).dimension));
  return { partition, startMs, spanMs, cells: dictionaryOf(shown) };
}

/** The figures that rules look at; adding all of them would take much longer. */
const figures = ['decisions', 'degraded', 'floored', 'calls', 'errors', 'judged', 'quality'] as const;
export type RecentFigures = Record<(typeof figures)[number], number>;

export interface RecentSum {
  readonly all: RecentFigures;
  /** By value of the dimension that was asked for. */
  readonly by: ReadonlyMap<string, RecentFigures>;
}

type Dimension = 'model' | 'provider';

/** Sums of the minutes from `fromMs`, the minute that it is in included, to `toMs`. */
export function sumMinutes(
  windows: Iterable<RecentWindow>,
  fromMs: number,
  toMs: number,
  by: Dimension | null = null,
): RecentSum {
  return sumOf(windows, by, ({ spanMs, startMs }) => {
    return spanMs === minuteMs && startMs > fromMs - minuteMs && startMs <= toMs;
  });
}

/** Sums of the hours that lie between the two times as a whole. */
export function sumHours(
  windows: Iterable<RecentWindow>,
  fromMs: number,
  toMs: number,
  by: Dimension | null = null,
): RecentSum {
  return sumOf(windows, by, ({ spanMs, startMs }) => {
    return spanMs === hourMs && startMs >= fromMs && startMs + hourMs <= toMs;
  });
}

function sumOf(
  windows: Iterable<RecentWindow>,
  by: Dimension | null,
  isIn: (window: RecentWindow) => boolean,
): RecentSum {
  const all = none();
  const sums = new Map<string, RecentFigures>();
  const prefix = by === null ? null : cellKey(by, '');
  for (const window of windows) {
    if (!isIn(window)) continue;
    const { cells } = window;
    const whole = ownEntry(cells, cellKey('all', ''));
    if (whole) add(all, whole);
    if (prefix === null) continue;
    for (const key in cells) {
      if (!key.startsWith(prefix)) continue;
      const value = key.slice(prefix.length);
      const sum = sums.get(value) ?? none();
      add(sum, cells[key]!);
      sums.set(value, sum);
    }
  }
  return { all, by: sums };
}

function none(): RecentFigures {
  return { decisions: 0, degraded: 0, floored: 0, calls: 0, errors: 0, judged: 0, quality: 0 };
}

function add(sum: RecentFigures, cell: AnalyticsCell): void {
  for (const name of figures) sum[name] += cell[name];
}
