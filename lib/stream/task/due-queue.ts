/**
 * Which rows want to be called when. A binary heap in which each row that waits stands once, and that knows where.
 * Times are those of the wall clock, waits are not: what waits when that clock is set waits on for as long as it would have.
 */
export interface DueQueue {
  /** Sets, moves or (null) removes the time a row is due; rows go by small numbers, which need memory up to the largest. */
  set(slot: number, dueAtMs: number | null): void;
  /** The clock shows so much later than it would have (earlier: below 0), and so what waits is due so much later by it. */
  clockWasSet(byMs: number): void;
  /** Rows that wait. */
  readonly size: number;
  /** The earliest due time, null when nothing waits. */
  nextAtMs(): number | null;
  /** Removes and returns up to `limit` rows due at `nowMs` or earlier, earliest first, equal times in order of `set`. */
  take(nowMs: number, limit: number): number[];
  /** Rows have new numbers, from 0: `before[i]` was that of i. What waits is among them. Gives back the memory that these do not need. */
  renumber(before: ArrayLike<number>): void;
}

/** Rows that there is room for at first, and after everything has gone. */
const leastRoom = 64;

/** All lies in arrays of numbers: a hundred thousand rows may wait for an hour, and the collector would walk over objects each time. */
export function createDueQueue(): DueQueue {
  let size = 0;
  /** The rows that wait, each due no earlier than the one at half its place. */
  let heap = new Int32Array(leastRoom);
  /** By row: its place in the heap and one more; 0 where it does not wait. */
  let places = new Int32Array(leastRoom);
  /** By row, as it was said. */
  let saidAtMs = new Float64Array(leastRoom);
  /** By row, by the clock as it was before it was ever set. */
  let dueAtMs = new Float64Array(leastRoom);
  let sequences = new Float64Array(leastRoom);
  let sequence = 0;
  let setByMs = 0;
  const isBefore = (a: number, b: number): boolean =>
    dueAtMs[a]! < dueAtMs[b]! || (dueAtMs[a] === dueAtMs[b] && sequences[a]! < sequences[b]!);
  const put = (slot: number, at: number): void => {
    heap[at] = slot;
    places[slot] = at + 1;
  };
  /** Puts a row where it belongs, beginning at a place that is free. */
  const settle = (slot: number, free: number): void => {
    let at = free;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(slot, heap[parent]!)) break;
      put(heap[parent]!, at);
      at = parent;
    }
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && isBefore(heap[child + 1]!, heap[child]!)) child++;
      if (!isBefore(heap[child]!, slot)) break;
      put(heap[child]!, at);
      at = child;
    }
    put(slot, at);
  };
  const remove = (slot: number): void => {
    const at = places[slot]! - 1;
    places[slot] = 0;
    const last = heap[--size]!;
    if (last !== slot) settle(last, at);
  };
  const resize = (room: number): void => {
    const moved = <A extends Int32Array | Float64Array>(numbers: A, into: A): A => {
      into.set(numbers.subarray(0, room));
      return into;
    };
    heap = moved(heap, new Int32Array(room));
    places = moved(places, new Int32Array(room));
    saidAtMs = moved(saidAtMs, new Float64Array(room));
    dueAtMs = moved(dueAtMs, new Float64Array(room));
    sequences = moved(sequences, new Float64Array(room));
  };

  return {
    set(slot, saidMs) {
      const waits = slot < places.length && places[slot] !== 0;
      if (saidMs === null) {
        if (waits) remove(slot);
        return;
      }
      if (waits && saidAtMs[slot] === saidMs) return;
      if (slot >= places.length) resize(Math.ceil(1.5 * slot));
      saidAtMs[slot] = saidMs;
      dueAtMs[slot] = saidMs - setByMs;
      sequences[slot] = sequence++;
      settle(slot, waits ? places[slot]! - 1 : size++);
    },
    clockWasSet(byMs) {
      setByMs += byMs;
    },
    get size() {
      return size;
    },
    nextAtMs: () => (size === 0 ? null : dueAtMs[heap[0]!]! + setByMs),
    take(nowMs, limit) {
      const taken: number[] = [];
      while (size > 0 && taken.length < limit && dueAtMs[heap[0]!]! + setByMs <= nowMs) {
        const slot = heap[0]!;
        taken.push(slot);
        remove(slot);
      }
      return taken;
    },
    renumber(before) {
      const now = new Map<number, number>();
      for (let slot = 0; slot < before.length; slot++) now.set(before[slot]!, slot);
      const room = Math.max(leastRoom, before.length);
      const moved = (numbers: Float64Array): Float64Array<ArrayBuffer> => {
        const into = new Float64Array(room);
        for (let slot = 0; slot < before.length; slot++) into[slot] = numbers[before[slot]!] ?? 0;
        return into;
      };
      [saidAtMs, dueAtMs, sequences] = [moved(saidAtMs), moved(dueAtMs), moved(sequences)];
      const waiting = Array.from(heap.subarray(0, size), (slot) => now.get(slot)!);
      heap = new Int32Array(room);
      places = new Int32Array(room);
      for (const [at, slot] of waiting.entries()) put(slot, at);
    },
  };
}
