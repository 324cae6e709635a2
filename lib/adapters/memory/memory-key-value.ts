/** Shared memory inside one process: least recently used entries go first, and none outlives its time to live. */
import { newestEntries } from '../../newest-entries';
import type { Clock } from '../../ports/clock';
import type { KeyValue } from '../../ports/key-value';

interface Entry {
  readonly value: Buffer;
  readonly expiresAtMs: number;
}

const defaultMaxEntries = 100_000;

/** Keeps at most `maxEntries` (default 100,000). Times to live count on `clock`. */
export function createMemoryKeyValue(options: { clock: Clock; maxEntries?: number }): KeyValue {
  const { clock } = options;
  const maxEntries = options.maxEntries ?? defaultMaxEntries;
  if (!Number.isSafeInteger(maxEntries) || maxEntries < 1)
    throw new Error(`maxEntries must be positive, got ${maxEntries}`);
  const entries = newestEntries<string, Entry>(maxEntries);
  let closed = false;

  const refuseClosed = (): void => {
    if (closed) throw new Error('the key-value store is closed');
  };
  const live = (key: string): Entry | undefined => {
    const entry = entries.peek(key);
    if (!entry || entry.expiresAtMs > clock.nowMs()) return entry;
    entries.delete(key);
    return undefined;
  };
  const put = (key: string, value: Buffer, expiresAtMs: number): void => {
    entries.set(key, { value, expiresAtMs });
  };
  const expiryOf = (ttlMs: number | null): number =>
    ttlMs === null ? Number.POSITIVE_INFINITY : clock.nowMs() + ttlMs;

  return {
    async getMany(keys) {
      refuseClosed();
      return keys.map((key) => {
        const entry = live(key);
        if (!entry) return null;
        put(key, entry.value, entry.expiresAtMs);
        return entry.value;
      });
    },
    async putMany(added) {
      refuseClosed();
      for (const { key, value, ttlMs } of added) put(key, value, expiryOf(ttlMs));
    },
    async deleteMany(keys) {
      refuseClosed();
      for (const key of keys) entries.delete(key);
    },
    async increment(key, by, ttlMs) {
      refuseClosed();
      const entry = live(key);
      const total = counterOf(key, entry?.value) + by;
      put(key, Buffer.from(String(total)), entry?.expiresAtMs ?? expiryOf(ttlMs));
      return total;
    },
    async keys(prefix, limit) {
      refuseClosed();
      const found: string[] = [];
      for (const key of entries.keys()) {
        if (found.length >= limit) break;
        if (key.startsWith(prefix) && live(key)) found.push(key);
      }
      return found;
    },
    async close() {
      closed = true;
      entries.clear();
    },
  };
}

/** Counters are decimal text, as Redis keeps them. Throws when the value is something else. */
export function counterOf(key: string, value: Buffer | undefined | null): number {
  if (!value) return 0;
  const count = Number(value.toString());
  if (value.length === 0 || !Number.isFinite(count)) throw new Error(`the value of ${key} is not a counter`);
  return count;
}
