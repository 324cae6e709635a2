/**
 * Which neighbouring values of a partition are to become one. Where few records come at a time each commit writes small
 * values; there are enough of them for a batch a little later, and the pages that they leave take what is written next.
 */
import { createGrowingBatch, type GrowingBatch, type RecordBatch } from './record-batch';

/** Offsets of [from, to), in so many values, and what they are as one batch. */
export interface SmallBatches {
  readonly from: number;
  readonly to: number;
  readonly values: number;
  readonly batch: RecordBatch;
}

interface Run {
  readonly from: number;
  to: number;
  values: number;
  readonly oldestMs: number;
  /** Bytes as they were written: nothing has to be read or encoded again to merge them. */
  readonly batch: GrowingBatch;
}

/** Merging fewer saves less than it costs. */
const leastValues = 8;
/** Bounds what one merge removes. */
const maxValues = 256;
/** On a full disk nothing is merged, and what waits for it must not grow. */
const maxWaiting = 256;

export interface SmallBatchQueue {
  /** What one append has put into the log under the key of this offset. */
  note(offset: number, written: RecordBatch): void;
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
  let waiting: SmallBatches[] = [];
  let run: Run | null = null;
  /** What the last run came to: the next one comes to much the same. */
  let expectedBytes = 8_192;
  const close = (): void => {
    expectedBytes = run?.batch.bytes ?? expectedBytes;
    if (run && run.values >= leastValues && waiting.length < maxWaiting) {
      const { from, to, values, batch } = run;
      waiting.push({ from, to, values, batch: batch.finish() });
    }
    run = null;
  };
  return {
    note(offset, written) {
      const bytes = written.content.length;
      const isSmall = bytes < smallBatchBytes;
      const fits =
        isSmall &&
        run !== null &&
        run.to === offset &&
        run.values < maxValues &&
        run.batch.bytes + bytes <= maxBatchBytes &&
        Math.abs(written.newestMs - run.oldestMs) <= maxSpanMs;
      if (!fits) close();
      if (!isSmall) return;
      run ??= {
        from: offset,
        to: offset,
        values: 0,
        oldestMs: written.newestMs,
        batch: createGrowingBatch(offset, expectedBytes),
      };
      run.batch.add(offset, written);
      run.to = offset + written.span;
      run.values++;
    },
    take() {
      const taken = waiting;
      waiting = [];
      return taken;
    },
  };
}
