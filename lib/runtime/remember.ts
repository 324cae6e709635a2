/** Writes to the key-value store on the side: never waited for by routing, never more than a limit waiting, given up when the store is gone. */
import type { KeyValue, KeyValueEntry } from '../ports/key-value';

export interface Rememberer {
  put(entries: readonly KeyValueEntry[]): void;
  /** Resolves when nothing waits any more. */
  idle(): Promise<void>;
}

export function createRememberer(
  keyValue: KeyValue,
  maxQueue: number,
  onLost: (entries: number, error: Error | null) => void,
): Rememberer {
  let queue: KeyValueEntry[] = [];
  let writing: Promise<void> | null = null;

  const drain = async (): Promise<void> => {
    while (queue.length > 0) {
      const entries = queue;
      queue = [];
      try {
        await keyValue.putMany(entries);
      } catch (error) {
        onLost(entries.length, error as Error);
      }
    }
    writing = null;
  };

  return {
    put(entries) {
      const room = Math.max(0, maxQueue - queue.length);
      if (entries.length > room) onLost(entries.length - room, null);
      for (const entry of entries.slice(0, room)) queue.push(entry);
      if (queue.length > 0) writing ??= drain();
    },
    idle: async () => {
      await writing;
    },
  };
}
