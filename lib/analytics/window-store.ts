/** Windows of all partitions as they are now, for questions about them. */
import type { AnalyticsWindow } from '../topics/generated/messages';
import { createCellNames } from './cell-names';
import { type PackedWindow, packWindow, releaseWindow } from './packed-window';
import { readWindowKey } from './window';

export interface WindowStore {
  /** `source`: whose row it is; rows of several sources are added. Null: it is deleted. Keys that are none are passed over. */
  set(source: string, key: string, row: AnalyticsWindow | null): void;
  /** Windows of this span that begin from `fromMs` on and before `toMs`. */
  between(spanMs: number, fromMs: number, toMs: number): WindowsThen;
}

/** Windows as they were at one moment: who takes long to look at them sees nothing of what comes meanwhile. */
export interface WindowsThen {
  /** In order of time; each with the rows of all sources. */
  readonly windows: readonly { readonly startMs: number; readonly rows: readonly PackedWindow[] }[];
  /** Keys of cells by their numbers. */
  readonly keys: readonly string[];
}

export function createWindowStore(): WindowStore {
  const names = createCellNames();
  const bySpan = new Map<number, Map<number, Map<string, PackedWindow>>>();
  return {
    set(source, key, row) {
      const window = readWindowKey(key);
      if (!window) return;
      const byStart = bySpan.get(window.spanMs) ?? new Map<number, Map<string, PackedWindow>>();
      bySpan.set(window.spanMs, byStart);
      const rows = byStart.get(window.startMs) ?? new Map<string, PackedWindow>();
      const before = rows.get(source);
      if (row === null) rows.delete(source);
      else rows.set(source, packWindow(row, names));
      if (before) releaseWindow(before, names);
      if (rows.size > 0) byStart.set(window.startMs, rows);
      else byStart.delete(window.startMs);
    },
    between(spanMs, fromMs, toMs) {
      const windows = [...(bySpan.get(spanMs) ?? [])]
        .filter(([startMs]) => startMs >= fromMs && startMs < toMs)
        .sort(([a], [b]) => a - b)
        .map(([startMs, rows]) => ({ startMs, rows: [...rows.values()] }));
      return { windows, keys: names.keys() };
    },
  };
}
