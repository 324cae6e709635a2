/** The records of one partition as the store has them: alone, or several under the key of the first (record-batch.ts). */
import type { LogRecord } from '../../ports/broker';
import { decodeRecord, numberedKey, numberInKey } from './layout';
import {
  batchOf,
  batchOfStored,
  bytesInBatch,
  newestMsIn,
  type PackedBatch,
  type RecordBatch,
  type StoredRecord,
  spanOf,
  storedRecordsIn,
  writeAlone,
  writeBatch,
  writePacked,
} from './record-batch';
import { createSmallBatchQueue, type SmallBatches } from './small-batches';
import type { StoreTable } from './store-table';

/** Before compression: what one read of a record has to decompress. */
const maxBatchBytes = 65_536;
/** Of a table: what has to be written anew when one of its rows goes. */
const maxRowBatchBytes = 16_384;
/** Rows that are smaller than this on average fill the pages that they share, and each goes by itself. */
const leastBatchedRowBytes = 600;
/** Smaller batches are merged with their neighbours, and compressed then. */
const smallBatchBytes = 16_384;
/** lmdb gives longer values pages of their own. */
const largestSharingBytes = 2_000;
/** One read may return less than asked for rather than hold more than this in memory (weights come in large records). */
const maxReadBytes = 8 * 1_048_576;

/** What is stored under one key. */
export interface StoredValue {
  readonly first: number;
  readonly last: number;
  readonly newestMs: number;
}

export interface StoredRecords {
  /** Puts what one transaction has appended, in the order of offsets. */
  putAppended(records: readonly LogRecord[]): void;
  /** As `putAppended`, for rows of a table. */
  putRows(rows: readonly LogRecord[]): void;
  /** Up to `maxRecords` records with offsets in [from, to). */
  read(from: number, to: number, maxRecords: number): LogRecord[];
  firstOffset(): number | null;
  lastOffset(): number | null;
  /** What is stored with offsets in [from, to), at most `limit` of it; the first may begin before. */
  values(from: number, to: number, limit: number): readonly StoredValue[];
  /** Removes all that is stored under one key. */
  removeValue(value: StoredValue): void;
  /** Removes records wherever they are stored. Each costs at most one value, written anew without it. */
  remove(offsets: readonly number[]): void;
  /** Small batches that can be merged now, to be given to `merge` once. */
  takeSmallBatches(): readonly SmallBatches[];
  /** Puts one in place of small batches. Where they are not all there any more, nothing is done. */
  merge(small: SmallBatches, packed: PackedBatch): void;
}

/** Everything that changes it is called inside a transaction. `maxMergedSpanMs`: see small-batches.ts. */
export function createStoredRecords(
  table: StoreTable,
  place: {
    readonly topic: string;
    readonly partition: number;
    readonly prefix: Buffer;
    readonly maxMergedSpanMs: number;
  },
): StoredRecords {
  const { topic, partition, prefix } = place;
  const smallBatches = createSmallBatchQueue({ maxSpanMs: place.maxMergedSpanMs, maxBatchBytes, smallBatchBytes });
  const end = numberedKey(prefix, Number.POSITIVE_INFINITY);
  const keyOf = (offset: number): Buffer => numberedKey(prefix, Math.max(0, offset));
  /** The key under which a record is, or would be, stored: of its batch, or its own. */
  const keyFor = (offset: number): Buffer => {
    const [key] = table.keys({ start: keyOf(offset), end: prefix, reverse: true, limit: 1 });
    return key ?? keyOf(offset);
  };
  const entries = (from: number, to: number, limit: number) => {
    const range = { start: keyFor(from), end: keyOf(to), ...(Number.isFinite(limit) && { limit }) };
    return table.entries(range);
  };
  /** The batch that was put; it holds until the next one is made. */
  const put = (records: readonly LogRecord[], bytes: number, mayBeMerged: boolean): RecordBatch => {
    const key = keyOf(records[0]!.offset);
    const compress = bytes >= (mayBeMerged ? smallBatchBytes : largestSharingBytes);
    const batch = batchOf(records, bytes);
    if (records.length === 1 && !compress) writeAlone(table, key, batch);
    else writeBatch(table, key, batch, compress);
    return batch;
  };
  const putStored = (records: readonly StoredRecord[]): void => {
    const [first] = records;
    if (records.length === 1) table.put(keyOf(first!.offset), first!.bytes);
    else writeBatch(table, keyOf(first!.offset), batchOfStored(records), true);
  };

  return {
    putAppended(records) {
      for (const { group, bytes } of groupsOf(records, maxBatchBytes)) {
        smallBatches.note(group[0]!.offset, put(group, bytes, true));
      }
    },
    putRows(rows) {
      for (const { group, bytes } of groupsOf(rows, maxRowBatchBytes)) {
        if (bytes >= group.length * leastBatchedRowBytes) put(group, bytes, false);
        else for (const row of group) put([row], bytesInBatch(row), false);
      }
    },
    read(from, to, maxRecords) {
      const records: LogRecord[] = [];
      let bytes = 0;
      // The first may end before `from`.
      for (const { key, value } of entries(from, to, maxRecords + 1)) {
        for (const stored of storedRecordsIn(numberInKey(key), value)) {
          if (stored.offset < from) continue;
          if (stored.offset >= to || records.length === maxRecords) return records;
          records.push(decodeRecord(topic, partition, stored.offset, stored.bytes));
          bytes += stored.bytes.length;
        }
        if (bytes >= maxReadBytes) break;
      }
      return records;
    },
    firstOffset() {
      const [key] = table.keys({ start: prefix, end, limit: 1 });
      return key ? numberInKey(key) : null;
    },
    lastOffset() {
      const [last] = table.entries({ start: end, end: prefix, reverse: true, limit: 1 });
      return last ? numberInKey(last.key) + spanOf(last.value) - 1 : null;
    },
    values: (from, to, limit) =>
      Array.from(entries(from, to, limit), ({ key, value }) => {
        const first = numberInKey(key);
        return { first, last: first + spanOf(value) - 1, newestMs: newestMsIn(value) };
      }),
    removeValue: ({ first }) => table.remove(keyOf(first)),
    remove(offsets) {
      const dead = new Set(offsets);
      for (const offset of dead) {
        const key = keyFor(offset);
        const value = table.get(key);
        if (!value) continue;
        const kept: StoredRecord[] = [];
        let hasDead = false;
        for (const stored of storedRecordsIn(numberInKey(key), value)) {
          // Whatever else of this value is to go, goes with it.
          if (dead.delete(stored.offset)) hasDead = true;
          else kept.push(stored);
        }
        if (!hasDead) continue;
        table.remove(key);
        if (kept.length > 0) putStored(kept);
      }
    },
    takeSmallBatches: smallBatches.take,
    merge({ from, to, values }, packed) {
      const keys = [...table.keys({ start: keyOf(from), end: keyOf(to) })];
      if (keys.length !== values) return;
      for (const key of keys) table.remove(key);
      writePacked(table, keyOf(from), packed);
    },
  };
}

interface Group {
  readonly group: readonly LogRecord[];
  readonly bytes: number;
}

/** In their order, each of at most so many bytes or of one record. */
function* groupsOf(records: readonly LogRecord[], maxBytes: number): Generator<Group> {
  let [first, bytes] = [0, 0];
  for (const [at, record] of records.entries()) {
    const more = bytesInBatch(record);
    if (at > first && bytes + more > maxBytes) {
      yield { group: records.slice(first, at), bytes };
      [first, bytes] = [at, 0];
    }
    bytes += more;
  }
  if (records.length > 0) yield { group: records.slice(first), bytes };
}
