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
  /** Entries that there is memory for: after `take` at most four times those held, or 64. */
  readonly room: number;
  /** The earliest due time, null when nothing waits. */
  nextAtMs(): number | null;
  /** Removes and returns up to `limit` keys due at `nowMs` or earlier, earliest first, equal times in order of `set`. */
  take(nowMs: number, limit: number): string[];
}

/** Room for entries at first, and after everything has gone. */
const leastEntries = 64;

/**
 * What an entry says lies at its place in arrays of numbers: there may be a hundred thousand of them for an hour, and objects
 * would have the collector walk them all each time.
 */
export function createDueQueue(): DueQueue {
  /** The place of the entry that counts, by key. */
  const current = new Map<string, number>();
  let keys: string[] = [];
  /** As it was said. */
  let saidAtMs = new Float64Array(leastEntries);
  /** By the clock as it was before it was ever set. */
  let dueAtMs = new Float64Array(leastEntries);
  let sequences = new Float64Array(leastEntries);
  let heap: number[] = [];
  /** Places of entries that have left the heap. */
  let free: number[] = [];
  let sequence = 0;
  let setByMs = 0;
  const before = (a: number, b: number): boolean =>
    dueAtMs[a]! < dueAtMs[b]! || (dueAtMs[a] === dueAtMs[b] && sequences[a]! < sequences[b]!);

  const push = (entry: number): void => {
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
    free.push(heap[0]!);
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
  const top = (): number | undefined => {
    while (heap.length > 0 && current.get(keys[heap[0]!]!) !== heap[0]) pop();
    return heap[0];
  };
  const resize = (entries: readonly number[], room: number): void => {
    const moved = (numbers: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> => {
      const into = new Float64Array(room);
      for (const [to, from] of entries.entries()) into[to] = numbers[from]!;
      return into;
    };
    [saidAtMs, dueAtMs, sequences] = [moved(saidAtMs), moved(dueAtMs), moved(sequences)];
    keys = entries.map((entry) => keys[entry]!);
  };
  const place = (): number => {
    const entry = free.pop() ?? keys.length;
    if (entry === saidAtMs.length) resize([...keys.keys()], 2 * entry);
    return entry;
  };
  /** Drops outdated entries, and gives back the memory that the others do not need. */
  const sweep = (): void => {
    // A sorted array is a heap.
    const sorted = [...current.values()].sort((a, b) => (before(a, b) ? -1 : 1));
    resize(sorted, Math.max(leastEntries, 2 * sorted.length));
    for (const [entry, key] of keys.entries()) current.set(key, entry);
    heap = [...keys.keys()];
    free = [];
  };
  const sweepOutdated = (): void => {
    if (heap.length >= leastEntries && heap.length >= 2 * current.size) sweep();
  };
  const sweepTaken = (): void => {
    if (saidAtMs.length > leastEntries && saidAtMs.length >= 4 * heap.length) sweep();
  };

  return {
    set(key, saidMs) {
      const known = current.get(key);
      if (saidMs === null) {
        if (current.delete(key)) sweepOutdated();
        return;
      }
      if (known !== undefined && saidAtMs[known] === saidMs) return;
      const entry = place();
      keys[entry] = key;
      saidAtMs[entry] = saidMs;
      dueAtMs[entry] = saidMs - setByMs;
      sequences[entry] = sequence++;
      current.set(key, entry);
      push(entry);
      sweepOutdated();
    },
    clockWasSet(byMs) {
      setByMs += byMs;
    },
    get entries() {
      return heap.length;
    },
    get room() {
      return saidAtMs.length;
    },
    nextAtMs() {
      const next = top();
      return next === undefined ? null : dueAtMs[next]! + setByMs;
    },
    take(nowMs, limit) {
      const taken: string[] = [];
      for (
        let entry = top();
        entry !== undefined && dueAtMs[entry]! + setByMs <= nowMs && taken.length < limit;
        entry = top()
      ) {
        const key = keys[entry]!;
        taken.push(key);
        current.delete(key);
        pop();
      }
      sweepTaken();
      return taken;
    },
  };
}
