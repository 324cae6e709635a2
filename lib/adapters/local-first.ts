/**
 * The newest values of some keys in the memory of this process, in front of a store that others share: what was read, missed or written
 * here lately costs no round trip. The store stays the truth: a copy is asked for again after a while, and the least recently used goes
 * first.
 */
import type { Clock } from '../ports/clock';
import type { KeyValue, KeyValueEntry } from '../ports/key-value';
import { createMemoryKeyValue } from './memory/memory-key-value';

export interface LocalFirstOptions {
  readonly clock: Clock;
  /** Other keys go to the store alone. */
  readonly prefix: string;
  readonly maxEntries: number;
  /** A copy is used for so long, in milliseconds: by as much it may outlive what it is of. */
  readonly maxAgeMs: number;
}

/** Stands for a key that the store does not have. */
const absent = Buffer.alloc(0);

/** Keys asked of a store at once while it is copied. */
const keysPerRead = 500;

function known(value: Buffer | null): Buffer | null {
  return value === absent ? null : value;
}

/**
 * Closing it closes `store`. Whoever asks for a key that is being read waits for that read. The first who asks for one of these keys
 * has the newest of the store copied beside it.
 */
export function createLocalFirst(store: KeyValue, options: LocalFirstOptions): KeyValue {
  const { clock, prefix, maxEntries, maxAgeMs } = options;
  const local = createMemoryKeyValue({ clock, maxEntries });
  const reading = new Map<string, Promise<Buffer | null>>();
  const isOurs = (key: string): boolean => key.startsWith(prefix);
  const keep = (entries: readonly KeyValueEntry[]): Promise<void> =>
    local.putMany(entries.map((entry) => ({ ...entry, ttlMs: Math.min(entry.ttlMs ?? maxAgeMs, maxAgeMs) })));

  /** One read for all keys that nobody reads already. */
  const readShared = (keys: readonly string[]): Promise<readonly (Buffer | null)[]> => {
    const missing = keys.filter((key) => !reading.has(key));
    if (missing.length > 0) {
      const read = store.getMany(missing).then(async (values) => {
        // What was written here meanwhile is newer.
        const written = await local.getMany(missing);
        const read = missing.map((key, i) => ({ key, value: values[i] ?? absent, ttlMs: maxAgeMs }));
        await keep(read.filter((_, i) => written[i] === null));
        return values;
      });
      const done = (): void => {
        for (const key of missing) reading.delete(key);
      };
      read.then(done, done);
      missing.forEach((key, i) => {
        const value = read.then((values) => values[i] ?? null);
        // Whoever waits is told of a failure; a copy that nobody waits for must not end the process.
        value.catch(() => undefined);
        reading.set(key, value);
      });
    }
    return Promise.all(keys.map((key) => reading.get(key)!));
  };

  /** Copies what the store has, up to what fits: a process that has just started then knows recent decisions. */
  const warm = async (): Promise<void> => {
    const keys = await store.keys(prefix, maxEntries);
    for (let from = 0; from < keys.length; from += keysPerRead) await readShared(keys.slice(from, from + keysPerRead));
  };
  let isWarm = false;

  return {
    async getMany(keys) {
      if (!keys.every(isOurs)) return await store.getMany(keys);
      if (!isWarm) {
        isWarm = true;
        // Nobody waits for it, and without it the memory fills by what is asked.
        void warm().catch(() => undefined);
      }
      const values = [...(await local.getMany(keys))];
      const missing = keys.flatMap((_, i) => (values[i] ? [] : [i]));
      if (missing.length === 0) return values.map(known);
      try {
        const found = await readShared(missing.map((i) => keys[i]!));
        for (const [at, i] of missing.entries()) values[i] = found[at] ?? null;
      } catch (error) {
        // While the store is away, what is known here goes on being used.
        if (missing.length === keys.length) throw error;
      }
      return values.map(known);
    },
    async putMany(entries) {
      const ours = entries.filter(({ key }) => isOurs(key));
      if (ours.length > 0) await keep(ours);
      await store.putMany(entries);
    },
    async deleteMany(keys) {
      await local.deleteMany(keys.filter(isOurs));
      await store.deleteMany(keys);
    },
    async increment(key, by, ttlMs) {
      await local.deleteMany([key]);
      return await store.increment(key, by, ttlMs);
    },
    keys: (wanted, limit) => store.keys(wanted, limit),
    async close() {
      await local.close();
      await store.close();
    },
  };
}
