/** Windows of all partitions as they are now, for questions about them. */
import type { AnalyticsWindow } from '../topics/generated/messages';
import { readWindowKey } from './window';

export interface WindowStore {
  /** `source`: whose row it is; rows of several sources are added. Null: it is deleted. Keys that are none are passed over. */
  set(source: string, key: string, row: AnalyticsWindow | null): void;
  /** Rows of this span that begin from `fromMs` on and before `toMs`, grouped by their beginning, in order of time. */
  between(spanMs: number, fromMs: number, toMs: number): Iterable<readonly [number, readonly AnalyticsWindow[]]>;
}

export function createWindowStore(): WindowStore {
  const bySpan = new Map<number, Map<number, Map<string, AnalyticsWindow>>>();
  return {
    set(source, key, row) {
      const window = readWindowKey(key);
      if (!window) return;
      const byStart = bySpan.get(window.spanMs) ?? new Map<number, Map<string, AnalyticsWindow>>();
      bySpan.set(window.spanMs, byStart);
      const rows = byStart.get(window.startMs) ?? new Map<string, AnalyticsWindow>();
      if (row === null) rows.delete(source);
      else rows.set(source, row);
      if (rows.size > 0) byStart.set(window.startMs, rows);
      else byStart.delete(window.startMs);
    },
    *between(spanMs, fromMs, toMs) {
      const byStart = bySpan.get(spanMs);
      if (!byStart) return;
      const starts = [...byStart.keys()].filter((startMs) => startMs >= fromMs && startMs < toMs);
      for (const startMs of starts.sort((a, b) => a - b)) yield [startMs, [...byStart.get(startMs)!.values()]];
    },
  };
}
