/** The key-value store of the embedded home, in the same lmdb file as the log. Expired entries are swept in slices. */
import type { KeyValue } from '../../ports/key-value';
import { counterOf } from '../memory/memory-key-value';
import type { EmbeddedStore } from './embedded-store';

export interface EmbeddedKeyValueOptions {
  /** How often expired entries are removed; default 5,000. null leaves it to calls of `sweep`. */
  readonly sweepIntervalMs?: number | null;
}

export interface EmbeddedKeyValue extends KeyValue {
  /** Removes entries that have expired and returns how many. */
  sweep(): Promise<number>;
}

const defaultSweepIntervalMs = 5_000;
const entriesPerSlice = 250;
const timeBytes = 8;
const maxKeyBytes = 1_024;
const never = Number.POSITIVE_INFINITY;
const nothing = Buffer.alloc(0);

/** On a store that the broker uses too; closing this leaves the store open. */
export function createEmbeddedKeyValue(store: EmbeddedStore, options: EmbeddedKeyValueOptions = {}): EmbeddedKeyValue {
  const entries = openEntries(store);
  const expiryOf = (ttlMs: number | null): number => (ttlMs === null ? never : store.clock.nowMs() + ttlMs);
  const sweeper = startSweeper(store, entries, options.sweepIntervalMs);
  let closed = false;
  const refuseClosed = (): void => {
    if (closed) throw new Error('the key-value store is closed');
  };
  const close = async (): Promise<void> => {
    closed = true;
    sweeper.stop();
  };
  store.onClose(() => void close());

  return {
    async getMany(keys) {
      refuseClosed();
      return keys.map((key) => entries.get(keyBytes(key))?.value ?? null);
    },
    async putMany(added) {
      refuseClosed();
      const encoded = added.map(({ key, value, ttlMs }) => ({
        key: keyBytes(key),
        value,
        expiresAtMs: expiryOf(ttlMs),
      }));
      if (encoded.length === 0) return;
      await write(store, () => {
        for (const { key, value, expiresAtMs } of encoded) entries.put(key, value, expiresAtMs);
      });
    },
    async deleteMany(keys) {
      refuseClosed();
      await write(store, () => {
        for (const key of keys) entries.values.remove(keyBytes(key));
      });
    },
    async increment(key, by, ttlMs) {
      refuseClosed();
      const bytes = keyBytes(key);
      let total = 0;
      await store.write({
        apply() {
          const entry = entries.get(bytes);
          try {
            total = counterOf(key, entry?.value) + by;
          } catch (error) {
            return error as Error;
          }
          entries.put(bytes, Buffer.from(String(total)), entry?.expiresAtMs ?? expiryOf(ttlMs));
          return null;
        },
      });
      return total;
    },
    async keys(prefix, limit) {
      refuseClosed();
      const start = Buffer.from(prefix);
      const found: string[] = [];
      for (const key of entries.values.getKeys({ ...(start.length > 0 && { start }) })) {
        if (found.length >= limit || !key.subarray(0, start.length).equals(start)) break;
        if (entries.get(key)) found.push(key.toString());
      }
      return found;
    },
    sweep: sweeper.sweep,
    close,
  };
}

type Entries = ReturnType<typeof openEntries>;

function openEntries(store: EmbeddedStore) {
  // key → when it expires (f64, infinity for never), value
  const values = store.table('key-value');
  // when it expires (f64), key → nothing; entries of values that were replaced since are stale and skipped
  const expiries = store.table('key-value-expiries');
  return {
    values,
    expiries,
    /** null when missing or expired. */
    get(key: Buffer): { value: Buffer; expiresAtMs: number } | null {
      const stored = values.get(key);
      if (!stored) return null;
      const expiresAtMs = stored.readDoubleBE(0);
      return expiresAtMs > store.clock.nowMs() ? { value: stored.subarray(timeBytes), expiresAtMs } : null;
    },
    /** Inside a transaction. */
    put(key: Buffer, value: Buffer, expiresAtMs: number): void {
      values.put(key, withTime(expiresAtMs, value));
      if (expiresAtMs < never) expiries.put(withTime(expiresAtMs, key), nothing);
    },
  };
}

/** Removes what has expired from time to time, `entriesPerSlice` per transaction. */
function startSweeper(store: EmbeddedStore, { values, expiries }: Entries, interval?: number | null) {
  const intervalMs = interval === undefined ? defaultSweepIntervalMs : interval;
  let stopped = false;
  let cancelTimer = (): void => {};

  /** Inside a transaction. Returns how many index entries were looked at and how many values went. */
  const sweepSlice = (): { looked: number; removed: number } => {
    const end = withTime(store.clock.nowMs(), Buffer.from([255]));
    const due = [...expiries.getKeys({ end, limit: entriesPerSlice })];
    let removed = 0;
    for (const entry of due) {
      const key = entry.subarray(timeBytes);
      const stored = values.get(key);
      if (stored && stored.readDoubleBE(0) === entry.readDoubleBE(0)) {
        values.remove(key);
        removed++;
      }
      expiries.remove(entry);
    }
    return { looked: due.length, removed };
  };
  const sweep = async (): Promise<number> => {
    let total = 0;
    for (let looked = entriesPerSlice; looked === entriesPerSlice && !stopped; ) {
      await write(store, () => {
        const slice = sweepSlice();
        looked = slice.looked;
        total += slice.removed;
      });
    }
    return total;
  };
  const schedule = (): void => {
    if (intervalMs === null || stopped) return;
    cancelTimer = store.clock.setTimer(intervalMs, () => {
      // A failure here is a failure of the store, which every write will report.
      sweep().then(schedule, schedule);
    });
  };
  schedule();
  return {
    sweep,
    stop(): void {
      stopped = true;
      cancelTimer();
    },
  };
}

function write(store: EmbeddedStore, apply: () => void): Promise<void> {
  return store.write({
    apply() {
      apply();
      return null;
    },
  });
}

function keyBytes(key: string): Buffer {
  const bytes = Buffer.from(key);
  if (bytes.length === 0 || bytes.length > maxKeyBytes) {
    throw new Error(`a key has 1 to ${maxKeyBytes} bytes, not ${bytes.length}: ${key.slice(0, 80)}`);
  }
  return bytes;
}

function withTime(timeMs: number, rest: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(timeBytes + rest.length);
  bytes.writeDoubleBE(timeMs);
  rest.copy(bytes, timeBytes);
  return bytes;
}
