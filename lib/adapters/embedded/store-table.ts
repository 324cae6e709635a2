/**
 * A table of the store: keys and values as lmdb keeps them, a checksum over both in front of each value.
 *
 * Why keys are short and pages are of 4 kB: lmdb looks for a good place to split a full page only while the page has fewer
 * than 32 entries or the new entry is larger than a sixteenth of the page. Otherwise it splits in the middle, and where
 * one half holds most of the bytes the new entry does not fit into it: the write fails (MDB_PAGE_FULL), and so does every
 * later write to that page. docs/decisions/0012-embedded-store.md shows that this cannot happen with these two limits.
 */
import { crc32 } from 'node:zlib';
import type { Database } from 'lmdb';

/** The size of a page in lmdb's file. */
export const pageBytes = 4096;
/** Keys of one table are all of one length, or within these. */
const keyLengths = { min: 7, max: 240 } as const;

const checksumBytes = 4;

export interface TableRange {
  /** First key, inclusive (with `reverse` the last one). */
  readonly start?: Buffer;
  /** Where to stop, exclusive. */
  readonly end?: Buffer;
  readonly limit?: number;
  readonly reverse?: boolean;
}

export interface TableEntry {
  readonly key: Buffer;
  readonly value: Buffer;
}

/** Makes the error of an entry, or where the key is null of a table, that is not what was written, and why it is not. */
export type Damaged = (key: Buffer | null, reason: string) => Error;

/** Reads throw what `Damaged` makes. */
export interface StoreTable {
  get(key: Buffer): Buffer | undefined;
  /** Inside a transaction. */
  put(key: Buffer, value: Buffer): void;
  /** Inside a transaction: as `put`, with a value that `fill` writes where it is needed, without a copy. */
  write(key: Buffer, valueBytes: number, fill: (value: Buffer) => void): void;
  /** Inside a transaction. */
  remove(key: Buffer): void;
  entries(range?: TableRange): Iterable<TableEntry>;
  keys(range?: TableRange): Iterable<Buffer>;
  /** How many pages of the file it takes. */
  pages(): number;
}

export function createStoreTable(
  database: Database<Buffer, Buffer>,
  damaged: Damaged,
  fixedKeyBytes?: number,
): StoreTable {
  const min = fixedKeyBytes ?? keyLengths.min;
  const max = fixedKeyBytes ?? keyLengths.max;
  const opened = (key: Buffer, sealed: Buffer): Buffer => {
    const value = unseal(key, sealed);
    if (value === null) throw damaged(key, 'it does not match its checksum');
    return value;
  };
  /** lmdb's own errors name a kind of fault and no place. */
  const ofLmdb = (error: unknown, key: Buffer | null): unknown =>
    error instanceof Error && error.message.startsWith('MDB_')
      ? damaged(key, `lmdb cannot read it (${error.message})`)
      : error;
  function* read<T>(all: () => Iterable<T>): Generator<T> {
    try {
      yield* all();
    } catch (error) {
      throw ofLmdb(error, null);
    }
  }
  const write = (key: Buffer, valueBytes: number, fill: (value: Buffer) => void): void => {
    if (key.length < min || key.length > max)
      throw new RangeError(`a key has ${min} to ${max} bytes, not ${key.length}`);
    database.put(key, sealed(key, valueBytes, fill));
  };
  return {
    get(key) {
      let sealed: Buffer | undefined;
      try {
        sealed = database.get(key);
      } catch (error) {
        throw ofLmdb(error, key);
      }
      return sealed && opened(key, sealed);
    },
    put: (key, value) => write(key, value.length, (target) => void value.copy(target)),
    write,
    remove: (key) => void database.remove(key),
    *entries(range = {}) {
      for (const { key, value } of read(() => database.getRange(range))) yield { key, value: opened(key, value) };
    },
    // A copy, since lmdb writes into what it is given that no values are wanted.
    keys: (range = {}) => read(() => database.getKeys({ ...range })),
    pages() {
      const { treeBranchPageCount, treeLeafPageCount, overflowPages } = database.getStats() as Record<string, number>;
      return treeBranchPageCount! + treeLeafPageCount! + overflowPages!;
    },
  };
}

/** What is written last: lmdb copies a value into its page while it is put. */
let scratch = Buffer.alloc(65_536);

/** Checksum and value; the checksum is over value and key, which lie one behind the other here. */
function sealed(key: Buffer, valueBytes: number, fill: (value: Buffer) => void): Buffer {
  const end = checksumBytes + valueBytes;
  if (scratch.length < end + key.length) scratch = Buffer.alloc(2 * (end + key.length));
  fill(scratch.subarray(checksumBytes, end));
  key.copy(scratch, end);
  scratch.writeUInt32LE(crc32(scratch.subarray(checksumBytes, end + key.length)), 0);
  return scratch.subarray(0, end);
}

/** The value without its checksum; null when it does not match. */
export function unseal(key: Buffer, sealed: Buffer): Buffer | null {
  if (sealed.length < checksumBytes) return null;
  const value = sealed.subarray(checksumBytes);
  return crc32(key, crc32(value)) === sealed.readUInt32LE(0) ? value : null;
}
