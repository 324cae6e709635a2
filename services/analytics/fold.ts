/** Folds what a record adds into a row, within bounds of time and number. */
import { addToWindow, type Contribution, emptyWindow, expiresAtMs, readWindowKey } from '../../lib/analytics/window';
import type { Context, Result } from '../../lib/stream/define-service';
import type { AnalyticsWindow } from '../../lib/topics/generated/messages';

/** Clocks of machines differ by less. */
const maxAheadMs = 3_600_000;

export function fold(
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
  const numbers = [...Object.values(figures), decisionMs, latency?.ms ?? 0];
  return numbers.every((number) => Number.isFinite(number) && Math.abs(number) <= Number.MAX_SAFE_INTEGER);
}

/** The time of a row has passed. */
export function forget(): Result<AnalyticsWindow> {
  return { kind: 'done', state: null };
}
