/** Writes to the key-value store on the side: never waited for by routing, never more than a limit waiting, given up when the store is gone. */
import type { KeyValue, KeyValueEntry } from '../../ports/key-value';

export interface Rememberer {
  put(entries: readonly KeyValueEntry[]): void;
  /** Resolves when nothing waits any more. */
  idle(): Promise<void>;
}

/**
 * `onLost` is told of all entries that were given up, and why: null when too many waited. `isFirst`: the first since the
 * store last took some, so that an outage can be reported once.
 */
export function createRememberer(
  keyValue: KeyValue,
  maxQueue: number,
  onLost: (entries: number, error: Error | null, isFirst: boolean) => void,
): Rememberer {
  let losing = false;
  const lose = (entries: number, error: Error | null): void => {
    onLost(entries, error, !losing);
    losing = true;
  };
  let queue: KeyValueEntry[] = [];
  let writing: Promise<void> | null = null;

  const drain = async (): Promise<void> => {
    while (queue.length > 0) {
      const entries = queue;
      queue = [];
      try {
        await keyValue.putMany(entries);
        losing = false;
      } catch (error) {
        lose(entries.length, error as Error);
      }
    }
    writing = null;
  };

  return {
    put(entries) {
      const room = Math.max(0, maxQueue - queue.length);
      if (entries.length > room) lose(entries.length - room, null);
      for (const entry of entries.slice(0, room)) queue.push(entry);
      if (queue.length > 0) writing ??= drain();
    },
    idle: async () => {
      await writing;
    },
  };
}
