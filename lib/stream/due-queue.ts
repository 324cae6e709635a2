/**
 * Which rows want to be called when. A binary heap whose outdated entries are skipped, and swept once they are the majority.
 * Times are those of the wall clock, waits are not: what waits when that clock is set waits on for as long as it would have.
 */
export interface DueQueue {
  /** Sets, moves or (null) removes the time a key is due. */
  set(key: string, dueAtMs: number | null): void;
  /** The clock shows so much later than it would have (earlier: below 0), and so what waits is due so much later by it. */
  clockWasSet(byMs: number): void;
  /** Entries held, outdated ones included: bounded by twice the keys that wait, or 64. */
  readonly entries: number;
  /** The earliest due time, null when nothing waits. */
  nextAtMs(): number | null;
  /** Removes and returns up to `limit` keys due at `nowMs` or earlier, earliest first, equal times in order of `set`. */
  take(nowMs: number, limit: number): string[];
}

interface Entry {
  readonly key: string;
  /** As it was said. */
  readonly saidAtMs: number;
  /** By the clock as it was before it was ever set. */
  readonly dueAtMs: number;
  readonly sequence: number;
}

export function createDueQueue(): DueQueue {
  const current = new Map<string, Entry>();
  let heap: Entry[] = [];
  let sequence = 0;
  let setByMs = 0;
  const before = (a: Entry, b: Entry): boolean =>
    a.dueAtMs < b.dueAtMs || (a.dueAtMs === b.dueAtMs && a.sequence < b.sequence);

  const push = (entry: Entry): void => {
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(entry, heap[parent]!)) break;
      heap[at] = heap[parent]!;
      at = parent;
    }
    heap[at] = entry;
  };
  const pop = (): void => {
    const last = heap.pop()!;
    if (heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++;
      if (!before(heap[child]!, last)) break;
      heap[at] = heap[child]!;
      at = child;
    }
    heap[at] = last;
  };
  /** Drops outdated entries from the top, so that the top is the entry that is due next. */
  const top = (): Entry | undefined => {
    while (heap.length > 0 && current.get(heap[0]!.key) !== heap[0]) pop();
    return heap[0];
  };
  const sweep = (): void => {
    if (heap.length < 64 || heap.length < 2 * current.size) return;
    // A sorted array is a heap.
    heap = [...current.values()].sort((a, b) => (before(a, b) ? -1 : 1));
  };

  return {
    set(key, dueAtMs) {
      if (dueAtMs === null) {
        if (current.delete(key)) sweep();
        return;
      }
      if (current.get(key)?.saidAtMs === dueAtMs) return;
      const entry = { key, saidAtMs: dueAtMs, dueAtMs: dueAtMs - setByMs, sequence: sequence++ };
      current.set(key, entry);
      push(entry);
      sweep();
    },
    clockWasSet(byMs) {
      setByMs += byMs;
    },
    get entries() {
      return heap.length;
    },
    nextAtMs() {
      const next = top();
      return next ? next.dueAtMs + setByMs : null;
    },
    take(nowMs, limit) {
      const keys: string[] = [];
      for (let entry = top(); entry && entry.dueAtMs + setByMs <= nowMs && keys.length < limit; entry = top()) {
        keys.push(entry.key);
        current.delete(entry.key);
        pop();
      }
      return keys;
    },
  };
}
