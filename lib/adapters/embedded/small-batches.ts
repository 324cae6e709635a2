/**
 * Which neighbouring values of a partition are to become one. Where few records come at a time each commit writes small
 * values; there are enough of them for a batch a little later, and the pages that they leave take what is written next.
 */
/** What one append has put into the log under one key. */
export interface WrittenValue {
  readonly offset: number;
  readonly count: number;
  readonly bytes: number;
  readonly newestMs: number;
}

/** Offsets of [from, to), in so many values and bytes. */
export interface SmallBatches {
  readonly from: number;
  readonly to: number;
  readonly values: number;
  readonly bytes: number;
}

interface Run extends SmallBatches {
  readonly oldestMs: number;
}

/** Merging fewer saves less than it costs. */
const leastValues = 8;
/** Bounds what one merge removes. */
const maxValues = 256;
/** On a full disk nothing is merged, and what waits for it must not grow. */
const maxWaiting = 256;

export interface SmallBatchQueue {
  note(value: WrittenValue): void;
  /** Those that can be merged now, taken from the queue. */
  take(): readonly SmallBatches[];
}

export interface MergeLimits {
  /** Records further apart stay apart, since a batch goes when the newest of its records may go. */
  readonly maxSpanMs: number;
  readonly maxBatchBytes: number;
  readonly smallBatchBytes: number;
}

export function createSmallBatchQueue(limits: MergeLimits): SmallBatchQueue {
  const { maxSpanMs, maxBatchBytes, smallBatchBytes } = limits;
  let waiting: Run[] = [];
  let run: Run | null = null;
  const close = (): void => {
    if (run && run.values >= leastValues && waiting.length < maxWaiting) waiting.push(run);
    run = null;
  };
  return {
    note({ offset, count, bytes, newestMs }) {
      const isSmall = bytes < smallBatchBytes;
      const fits =
        isSmall &&
        run !== null &&
        run.to === offset &&
        run.values < maxValues &&
        run.bytes + bytes <= maxBatchBytes &&
        Math.abs(newestMs - run.oldestMs) <= maxSpanMs;
      if (!fits) close();
      if (!isSmall) return;
      const {
        from,
        values,
        bytes: before,
        oldestMs,
      } = run ?? { from: offset, values: 0, bytes: 0, oldestMs: newestMs };
      run = { from, to: offset + count, values: values + 1, bytes: before + bytes, oldestMs };
    },
    take() {
      const taken = waiting;
      waiting = [];
      return taken;
    },
  };
}
