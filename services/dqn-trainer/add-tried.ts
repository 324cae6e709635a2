/** Batches that were folded one after another, as if they had been one. */
import type { Tried } from './fold/fold';

export const nothingTried: Tried = {
  outputs: [],
  folded: new Map(),
  duplicates: 0,
  foreign: 0,
  faults: [],
  pace: null,
  verdict: null,
  threadMs: null,
};

export function addTried(a: Tried, b: Tried): Tried {
  const folded = new Map(a.folded);
  for (const [kind, count] of b.folded) folded.set(kind, (folded.get(kind) ?? 0) + count);
  return {
    outputs: [...a.outputs, ...b.outputs],
    folded,
    duplicates: a.duplicates + b.duplicates,
    foreign: a.foreign + b.foreign,
    faults: [...a.faults, ...b.faults],
    pace: b.pace ?? a.pace,
    // Of two verdicts on one candidate the later has more evidence.
    verdict: b.verdict ?? a.verdict,
    threadMs: a.threadMs === null ? b.threadMs : a.threadMs + (b.threadMs ?? 0),
  };
}
