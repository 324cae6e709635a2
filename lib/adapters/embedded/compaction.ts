/**
 * Compaction of a table's partition: of each key only the newest record stays. A range of records is worked through in steps,
 * a transaction each, in an order in which steps write few pages: what goes is taken in the order of offsets, so that a batch
 * of rows is written anew once; then the index of keys is brought up to date in its own order, since hashes next to each other
 * share a page, and a page is written as a whole however little of it changes.
 *
 * A process that ends between two steps begins the range anew, and each step may be done twice: rows go before the index says
 * that newer ones have come, and an index that says so already is left as it is.
 */
import { hashedKey, numberBytesOf, numberedKey } from './layout';
import type { StoreTable } from './store-table';
import type { StoredRecords } from './stored-records';

export interface Compaction {
  /** The offset up to which everything has been compacted. */
  readonly doneTo: number;
  /**
   * Inside a transaction: the next step, with at most `maxWrites` entries written or removed, of the range in hand or of a new
   * one that ends at `end` at the latest. Returns whether the range is done.
   */
  step(end: number, maxWrites: number): boolean;
}

/** Entries that a row which goes takes at most: what it is stored with, removed and put anew. */
const writesToRemove = 2;
/** Entries that a key in the index takes at most: its latest offset, its older tombstone, its newer one. */
const writesToIndex = 3;
/** Looking records up takes time, though it writes nothing: so many in one step. */
const mostLookedUp = 256;
/** Records of one range: the more there are, the more of them share a page of the index. */
const mostInRange = 1_024;
const nothing = Buffer.alloc(0);

/** The newest record of a key in the range in hand. */
interface Newest {
  /** As the index has it. */
  readonly key: Buffer;
  readonly offset: number;
  readonly isTombstone: boolean;
}

interface Range {
  readonly newest: Map<string, Newest>;
  /** Up to where records are looked up; in the end, where the range ends. */
  next: number;
  /** Offsets of what goes, in their order once all are known. */
  readonly dead: number[];
  /** What the index is to say, in its order; null until all records are looked up. */
  toIndex: readonly Newest[] | null;
  removed: number;
  indexed: number;
}

export function createCompaction(
  tables: { readonly latest: StoreTable; readonly tombstones: StoreTable; readonly cleaned: StoreTable },
  prefix: Buffer,
  records: Pick<StoredRecords, 'read' | 'remove'>,
): Compaction {
  let doneTo = tables.cleaned.get(prefix)?.readDoubleBE(0) ?? 0;
  let range: Range | null = null;

  const latestOf = (key: Buffer): number | null => tables.latest.get(key)?.readDoubleBE(0) ?? null;

  /** Takes the next records into the range. */
  const lookUp = (range: Range, end: number): void => {
    const { newest, dead } = range;
    const some = records.read(range.next, end, mostLookedUp);
    for (const { key, offset, value } of some) {
      const name = key ?? '';
      const before = newest.get(name);
      const hashed = before?.key ?? hashedKey(prefix, name);
      const older = before ? before.offset : latestOf(hashed);
      if (older !== null && older < offset) dead.push(older);
      newest.set(name, { key: hashed, offset, isTombstone: value === null });
    }
    range.next = (some.at(-1)?.offset ?? end - 1) + 1;
    if (range.next < end && range.next - doneTo < mostInRange) return;
    dead.sort((a, b) => a - b);
    range.toIndex = [...newest.values()].sort((a, b) => a.key.compare(b.key));
  };

  /** Returns how many entries it has written or removed. */
  const index = ({ key, offset, isTombstone }: Newest): number => {
    const older = latestOf(key);
    if (older !== null && older >= offset) return 0;
    if (older !== null) tables.tombstones.remove(numberedKey(prefix, older));
    tables.latest.put(key, numberBytesOf(offset));
    if (isTombstone) tables.tombstones.put(numberedKey(prefix, offset), nothing);
    return 1 + Number(older !== null) + Number(isTombstone);
  };

  return {
    get doneTo() {
      return doneTo;
    },
    step(end, maxWrites) {
      range ??= { newest: new Map(), next: doneTo, dead: [], toIndex: null, removed: 0, indexed: 0 };
      if (range.toIndex === null) lookUp(range, end);
      if (range.toIndex === null) return false;
      const { dead, toIndex } = range;
      // One write is for `cleaned`.
      let left = maxWrites - 1;
      const some = dead.slice(range.removed, range.removed + Math.floor(left / writesToRemove));
      records.remove(some);
      range.removed += some.length;
      left -= writesToRemove * some.length;
      if (range.removed < dead.length) return false;
      while (range.indexed < toIndex.length && left >= writesToIndex) left -= index(toIndex[range.indexed++]!);
      if (range.indexed < toIndex.length) return false;
      doneTo = range.next;
      tables.cleaned.put(prefix, numberBytesOf(doneTo));
      range = null;
      return true;
    },
  };
}
