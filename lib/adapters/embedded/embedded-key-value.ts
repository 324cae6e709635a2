/** The key-value store of the embedded home, in the same lmdb file as the log. Expired entries are swept in slices. */
import { createHash } from 'node:crypto';
import type { KeyValue } from '../../ports/key-value';
import { counterOf } from '../memory/memory-key-value';
import type { EmbeddedStore } from './embedded-store';
import type { WorkSize } from './group-commit';
import { maxFreeingEntries } from './store-space';

export interface EmbeddedKeyValueOptions {
  /** How often expired entries are removed; default 5,000. null leaves it to calls of `sweep`. */
  readonly sweepIntervalMs?: number | null;
}

export interface EmbeddedKeyValue extends KeyValue {
  /** Removes entries that have expired and returns how many. */
  sweep(): Promise<number>;
}

const defaultSweepIntervalMs = 5_000;
// The index entry and the value of each.
const entriesPerSlice = maxFreeingEntries / 2;
const timeBytes = 8;
const maxKeyBytes = 1_024;
const never = Number.POSITIVE_INFINITY;
const nothing = Buffer.alloc(0);

// Keys in the table are longer and shorter than lmdb needs them to be (store-table.ts).
const keyPrefix = Buffer.from('entry:');
const maxPlainKeyBytes = 160;
const lengthBytes = 2;

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
      return keys.map((key) => entries.get(refuseUnfit(key))?.value ?? null);
    },
    async putMany(added) {
      refuseClosed();
      const encoded = added.map(({ key, value, ttlMs }) => ({
        key: refuseUnfit(key),
        value,
        expiresAtMs: expiryOf(ttlMs),
      }));
      if (encoded.length === 0) return;
      const bytes = encoded.reduce((sum, { key, value }) => sum + key.length + value.length, 0);
      await write(store, { entries: 2 * encoded.length, bytes }, () => {
        for (const { key, value, expiresAtMs } of encoded) entries.put(key, value, expiresAtMs);
      });
    },
    async deleteMany(keys) {
      refuseClosed();
      const places = keys.map((key) => placeOf(refuseUnfit(key)));
      await write(store, { entries: places.length, bytes: 0 }, () => {
        for (const place of places) entries.values.remove(place);
      });
    },
    async increment(key, by, ttlMs) {
      refuseClosed();
      const bytes = refuseUnfit(key);
      let total = 0;
      await store.write({
        size: { entries: 2, bytes: bytes.length },
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
      const wanted = Buffer.from(prefix);
      const start = Buffer.concat([keyPrefix, wanted.subarray(0, maxPlainKeyBytes)]);
      const found: string[] = [];
      for (const { key: place, value: stored } of entries.values.entries({ start })) {
        if (found.length >= limit || !place.subarray(0, start.length).equals(start)) break;
        const { key, expiresAtMs } = decodeEntry(stored);
        if (expiresAtMs > store.clock.nowMs() && key.subarray(0, wanted.length).equals(wanted))
          found.push(key.toString());
      }
      return found;
    },
    sweep: sweeper.sweep,
    close,
  };
}

type Entries = ReturnType<typeof openEntries>;

function openEntries(store: EmbeddedStore) {
  const describe = (place: Buffer): string =>
    `the entry of key ${place.subarray(keyPrefix.length)} in the key-value store`;
  const values = store.table('key-value', describe);
  const expiries = store.table('key-value-expiries', (entry) => describe(entry.subarray(timeBytes)));
  return {
    values,
    expiries,
    /** null when missing or expired. */
    get(key: Buffer): { value: Buffer; expiresAtMs: number } | null {
      const stored = values.get(placeOf(key));
      if (!stored) return null;
      const { value, expiresAtMs } = decodeEntry(stored);
      return expiresAtMs > store.clock.nowMs() ? { value, expiresAtMs } : null;
    },
    /** Inside a transaction. */
    put(key: Buffer, value: Buffer, expiresAtMs: number): void {
      const place = placeOf(key);
      const head = Buffer.allocUnsafe(lengthBytes);
      head.writeUInt16BE(key.length);
      values.put(place, withTime(expiresAtMs, Buffer.concat([head, key, value])));
      if (expiresAtMs < never) expiries.put(withTime(expiresAtMs, place), nothing);
    },
  };
}

/** The key in the table: a long one is its beginning and a hash of all of it. */
function placeOf(key: Buffer): Buffer {
  if (key.length <= maxPlainKeyBytes) return Buffer.concat([keyPrefix, key]);
  const hash = createHash('sha1').update(key).digest();
  return Buffer.concat([keyPrefix, key.subarray(0, maxPlainKeyBytes), hash]);
}

/** When it expires (f64), length of the key (u16), the key, the value. */
function decodeEntry(stored: Buffer): { key: Buffer; value: Buffer; expiresAtMs: number } {
  const start = timeBytes + lengthBytes;
  const end = start + stored.readUInt16BE(timeBytes);
  return { key: stored.subarray(start, end), value: stored.subarray(end), expiresAtMs: stored.readDoubleBE(0) };
}

/** Removes what has expired from time to time, `entriesPerSlice` per transaction. */
function startSweeper(store: EmbeddedStore, { values, expiries }: Entries, interval?: number | null) {
  const intervalMs = interval === undefined ? defaultSweepIntervalMs : interval;
  let stopped = false;
  let cancelTimer = (): void => {};

  const dueEntries = (limit: number): Buffer[] => [
    ...expiries.keys({ end: withTime(store.clock.nowMs(), Buffer.from([255])), limit }),
  ];
  /** Inside a transaction. Returns how many index entries were looked at and how many values went. */
  const sweepSlice = (): { looked: number; removed: number } => {
    const due = dueEntries(entriesPerSlice);
    let removed = 0;
    for (const entry of due) {
      const place = entry.subarray(timeBytes);
      const stored = values.get(place);
      if (stored && stored.readDoubleBE(0) === entry.readDoubleBE(0)) {
        values.remove(place);
        removed++;
      }
      expiries.remove(entry);
    }
    return { looked: due.length, removed };
  };
  const sweep = async (): Promise<number> => {
    let total = 0;
    // Where nothing is due, which is most of the time, there is nothing to commit and nothing to bring to disk.
    if (dueEntries(1).length === 0) return total;
    for (let looked = entriesPerSlice; looked === entriesPerSlice && !stopped; ) {
      await store.write({
        size: { entries: 2 * entriesPerSlice, bytes: 0 },
        frees: true,
        apply() {
          const slice = sweepSlice();
          looked = slice.looked;
          total += slice.removed;
          return null;
        },
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

function write(store: EmbeddedStore, size: WorkSize, apply: () => void): Promise<void> {
  return store.write({
    size,
    apply() {
      apply();
      return null;
    },
  });
}

function refuseUnfit(key: string): Buffer {
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
