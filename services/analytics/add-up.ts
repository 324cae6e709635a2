/** Adds what a record says to a row, within bounds of time and number, and says what becomes of the row with time. */
import { keyOfRecent, nextTelling, recentOf, toldRow } from '../../lib/analytics/recent';
import { addToWindow, type Contribution, emptyWindow, expiresAtMs, readWindowKey } from '../../lib/analytics/window';
import { type Context, emit, type Result, tombstone } from '../../lib/stream/define-service';
import type { Topic } from '../../lib/topics/define-topic';
import type { AnalyticsWindow, RecentWindow } from '../../lib/topics/generated/messages';

/** Clocks of machines differ by less. */
export const maxAheadMs = 3_600_000;

export function addUp(
  row: AnalyticsWindow | undefined,
  added: Contribution | null,
  { rowKey = '', nowMs }: Pick<Context, 'rowKey' | 'nowMs'>,
): Result<AnalyticsWindow> {
  if (added === null) return { kind: 'drop', reason: 'nothing-to-count' };
  const window = windowAt(rowKey, nowMs);
  if (typeof window === 'string') return { kind: 'drop', reason: window };
  if (!isCountable(added)) return { kind: 'drop', reason: 'not-a-number' };
  return { kind: 'done', state: addToWindow(row ?? emptyWindow(window.spanMs, window.startMs), [added], nowMs) };
}

/** The same for several records at once. Null where one of them is dropped: which one, and why, is seen when each comes by itself. */
export function addAllUp(
  row: AnalyticsWindow | undefined,
  added: readonly Contribution[],
  { rowKey = '', nowMs }: Pick<Context, 'rowKey' | 'nowMs'>,
): AnalyticsWindow | null {
  const window = windowAt(rowKey, nowMs);
  if (typeof window === 'string') return null;
  return addToWindow(row ?? emptyWindow(window.spanMs, window.startMs), added, nowMs);
}

/** What a record adds, for `addAllUp`; null where it is dropped. */
export function countable(added: Contribution | null): Contribution | null {
  return added !== null && isCountable(added) ? added : null;
}

/** The window of a row, or why nothing is added to it. */
function windowAt(rowKey: string, nowMs: number): { spanMs: number; startMs: number } | string {
  const window = readWindowKey(rowKey);
  if (!window || window.startMs > nowMs + maxAheadMs) return 'time-not-plausible';
  return expiresAtMs(window) <= nowMs ? 'window-no-longer-kept' : window;
}

function isCountable({ figures, decisionMs = 0, latency }: Contribution): boolean {
  for (const name of Object.keys(figures)) if (!isPlausible(figures[name as keyof typeof figures] ?? 0)) return false;
  return isPlausible(decisionMs) && isPlausible(latency?.ms ?? 0);
}

function isPlausible(figure: number): boolean {
  return Number.isFinite(figure) && Math.abs(figure) <= Number.MAX_SAFE_INTEGER;
}

/** When a row wants something: to be told of, or to be forgotten. */
export function dueAtMs(row: AnalyticsWindow): number {
  return Math.min(nextTelling(row)?.atMs ?? Number.POSITIVE_INFINITY, expiresAtMs(row));
}

/** Tells alerts of a row that has changed, tells them to forget it, and in the end forgets it here. */
export function passTime(
  row: AnalyticsWindow,
  recent: Topic<RecentWindow>,
  { nowMs, partition }: Pick<Context, 'nowMs' | 'partition'>,
): Result<AnalyticsWindow> {
  if (expiresAtMs(row) <= nowMs) return { kind: 'done', state: null };
  const telling = nextTelling(row);
  if (telling === null) return { kind: 'done' };
  const state = toldRow(row, telling, nowMs);
  if (telling.kind === 'tell') return { kind: 'done', state, emit: [emit(recent, recentOf(row, partition))] };
  // What was never told, since it came too late, is nowhere.
  if (row.toldAtMs === 0) return { kind: 'done', state };
  return { kind: 'done', state, emit: [tombstone(recent, keyOfRecent({ ...row, partition }))] };
}
