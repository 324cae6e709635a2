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
  const window = readWindowKey(rowKey);
  if (!window || window.startMs > nowMs + maxAheadMs) return { kind: 'drop', reason: 'time-not-plausible' };
  if (expiresAtMs(window) <= nowMs) return { kind: 'drop', reason: 'window-no-longer-kept' };
  if (!isCountable(added)) return { kind: 'drop', reason: 'not-a-number' };
  return { kind: 'done', state: addToWindow(row ?? emptyWindow(window.spanMs, window.startMs), added, nowMs) };
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
