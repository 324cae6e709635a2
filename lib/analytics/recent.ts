/**
 * What analytics tells of its windows to alerts: the minutes of the last hour and the hours of the last day, as they are now,
 * again and again while they change. Who is told twice, or late, replaces what was there.
 */
import { dictionaryOf } from '../dictionary';
import type { AnalyticsCell, AnalyticsWindow, RecentWindow } from '../topics/generated/messages';
import { accumulate, noCell, readCellKey } from './window';

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
  const shown = Object.entries(cells).filter(([key]) => dimensions.has(readCellKey(key).dimension));
  return { partition, startMs, spanMs, cells: dictionaryOf(shown) };
}

export interface RecentSum {
  readonly all: AnalyticsCell;
  readonly byModel: ReadonlyMap<string, AnalyticsCell>;
  readonly byProvider: ReadonlyMap<string, AnalyticsCell>;
}

/** Sums of the minutes from `fromMs`, the minute that it is in included, to `toMs`. */
export function sumMinutes(windows: Iterable<RecentWindow>, fromMs: number, toMs: number): RecentSum {
  return sumOf(windows, ({ spanMs, startMs }) => spanMs === minuteMs && startMs > fromMs - minuteMs && startMs <= toMs);
}

/** Sums of the hours that lie between the two times as a whole. */
export function sumHours(windows: Iterable<RecentWindow>, fromMs: number, toMs: number): RecentSum {
  return sumOf(windows, ({ spanMs, startMs }) => spanMs === hourMs && startMs >= fromMs && startMs + hourMs <= toMs);
}

function sumOf(windows: Iterable<RecentWindow>, isIn: (window: RecentWindow) => boolean): RecentSum {
  const sums = {
    all: { ...noCell },
    model: new Map<string, AnalyticsCell>(),
    provider: new Map<string, AnalyticsCell>(),
  };
  for (const window of windows) {
    if (!isIn(window)) continue;
    for (const [key, cell] of Object.entries(window.cells)) {
      const { dimension, value } = readCellKey(key);
      if (dimension === 'all') accumulate(sums.all, cell);
      else if (dimension === 'model' || dimension === 'provider') {
        const sum = sums[dimension].get(value) ?? { ...noCell };
        accumulate(sum, cell);
        sums[dimension].set(value, sum);
      }
    }
  }
  return { all: sums.all, byModel: sums.model, byProvider: sums.provider };
}
