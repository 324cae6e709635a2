/** Records that nobody waits for: written in batches, tried again where the log takes none, and given up before they fill the memory. */
import type { OutgoingRecord, Producer } from '../../lib/ports/broker';
import { type Clock, sleep } from '../../lib/ports/clock';

export interface WriteBehind {
  /** False where too much waits already: then it is not written. */
  add(record: OutgoingRecord): boolean;
  /** Resolves when everything is written, or has been given up. */
  flush(): Promise<void>;
}

export interface WriteBehindOptions {
  readonly producer: Producer;
  readonly clock: Clock;
  readonly maxBatch: number;
  /** Of the values of records that wait. */
  readonly maxWaitingBytes: number;
  readonly onWritten: (records: number) => void;
  readonly onFailed: (records: number, error: Error) => void;
}

/** A log that does not take a batch is tried again so often, waiting twice as long each time. */
const maxTries = 5;
const firstWaitMs = 250;

export function createWriteBehind(options: WriteBehindOptions): WriteBehind {
  const { producer, clock, maxBatch, maxWaitingBytes, onWritten, onFailed } = options;
  const waiting: OutgoingRecord[] = [];
  let waitingBytes = 0;
  let writing: Promise<void> | null = null;

  const write = async (batch: readonly OutgoingRecord[]): Promise<void> => {
    for (let tries = 1, waitMs = firstWaitMs; ; tries++, waitMs *= 2) {
      try {
        await producer.send(batch);
        return onWritten(batch.length);
      } catch (error) {
        if (tries >= maxTries) return onFailed(batch.length, error as Error);
        await sleep(clock, waitMs);
      }
    }
  };

  const writeAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, maxBatch);
      waitingBytes -= batch.reduce((sum, record) => sum + sizeOf(record), 0);
      await write(batch);
    }
    writing = null;
  };

  return {
    add(record) {
      if (waitingBytes + sizeOf(record) > maxWaitingBytes) return false;
      waiting.push(record);
      waitingBytes += sizeOf(record);
      writing ??= writeAll();
      return true;
    },
    flush: async () => writing ?? undefined,
  };
}

function sizeOf({ value }: OutgoingRecord): number {
  return value?.length ?? 0;
}
