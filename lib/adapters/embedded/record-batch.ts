/**
 * Records of a partition that lie near each other as one value of the store, under the key of the first. lmdb gives a value
 * of more than half a page whole pages of its own, so records share pages this way, and what they have in common is
 * compressed away. A record alone is laid out as in layout.ts, which is all that stores of format 2 hold.
 *
 * A batch is: a mark (u8), 1 where the content is compressed (u8), the number of records (u32), how many offsets they span
 * (u32), their latest time (f64); then the content, as it is or as an LZ4 block with its length in front (u32, little-endian):
 * of each record how far it is behind the first (u32), its length (u32), and the record.
 */
import { compress, compressSync, uncompressSync } from 'lz4-napi';
import type { LogRecord } from '../../ports/broker';
import { encodedBytesOf, encodeRecordInto, timestampOf } from './layout';
import type { StoreTable } from './store-table';

/** What no record begins with: a record begins with a time, which is not negative. */
const mark = 0xff;
const headerBytes = 18;
const placeBytes = 8;

/** Some records as they are put into the store. */
export interface RecordBatch {
  readonly count: number;
  /** From the first offset to the last, both included. */
  readonly span: number;
  readonly newestMs: number;
  readonly content: Buffer;
}

/** A record in a value of the log. */
export interface StoredRecord {
  readonly offset: number;
  /** As in layout.ts. */
  readonly bytes: Buffer;
}

/** Bytes that a record takes in the content of a batch. */
export function bytesInBatch(record: LogRecord): number {
  return placeBytes + encodedBytesOf(record);
}

/** Puts the one record of a batch by itself. */
export function writeAlone(table: StoreTable, key: Buffer, { content }: RecordBatch): void {
  table.write(key, content.length - placeBytes, (value) => content.copy(value, 0, placeBytes));
}

/** A batch with its content as it will be stored. */
export interface PackedBatch extends RecordBatch {
  readonly isCompressed: boolean;
}

/** Compressed while other work of the process goes on; the batch's content must stay as it is meanwhile. */
export async function packBatch(batch: RecordBatch): Promise<PackedBatch> {
  return packed(batch, await compress(batch.content));
}

/** The batch with the smaller of its content and of that, compressed. */
function packed(batch: RecordBatch, block: Buffer): PackedBatch {
  const isCompressed = block.length < batch.content.length;
  return { ...batch, content: isCompressed ? block : batch.content, isCompressed };
}

/** Puts a batch under the key of its first record, compressed where that is asked for and makes it smaller. */
export function writeBatch(table: StoreTable, key: Buffer, batch: RecordBatch, isToCompress: boolean): void {
  writePacked(
    table,
    key,
    isToCompress ? packed(batch, compressSync(batch.content)) : { ...batch, isCompressed: false },
  );
}

/** Puts a batch under the key of its first record. */
export function writePacked(table: StoreTable, key: Buffer, batch: PackedBatch): void {
  const { count, span, newestMs, content, isCompressed } = batch;
  table.write(key, headerBytes + content.length, (value) => {
    value.writeUInt8(mark, 0);
    value.writeUInt8(isCompressed ? 1 : 0, 1);
    value.writeUInt32BE(count, 2);
    value.writeUInt32BE(span, 6);
    value.writeDoubleBE(newestMs, 10);
    content.copy(value, headerBytes);
  });
}

/** The content of one batch at a time: it is copied or compressed before the next one is made. */
let scratch = Buffer.alloc(65_536);

/** At least one record, in the order of offsets, of so many bytes in a batch. Its content holds until the next batch is made. */
export function batchOf(records: readonly LogRecord[], bytes: number): RecordBatch {
  if (scratch.length < bytes) scratch = Buffer.alloc(bytes);
  const content = scratch.subarray(0, bytes);
  const first = records[0]!.offset;
  let [at, newestMs] = [0, 0];
  for (const record of records) {
    const length = encodedBytesOf(record);
    content.writeUInt32BE(record.offset - first, at);
    content.writeUInt32BE(length, at + 4);
    at += placeBytes;
    encodeRecordInto(content.subarray(at, at + length), record);
    at += length;
    newestMs = Math.max(newestMs, record.timestampMs);
  }
  return { count: records.length, span: records.at(-1)!.offset - first + 1, newestMs, content };
}

/** A batch that is put together of neighbouring ones, as they are written. */
export interface GrowingBatch {
  /** Of its content so far. */
  readonly bytes: number;
  /** Takes a copy of a batch whose first record has this offset, behind all that are in it. */
  add(offset: number, batch: RecordBatch): void;
  /** What it has become. Nothing may be added afterwards. */
  finish(): RecordBatch;
}

/** `from`: offset of its first record; `expectedBytes`: what its content may come to, for which room is made at once. */
export function createGrowingBatch(from: number, expectedBytes: number): GrowingBatch {
  let content = Buffer.allocUnsafeSlow(expectedBytes);
  let [bytes, count, span, newestMs] = [0, 0, 0, 0];
  return {
    get bytes() {
      return bytes;
    },
    add(offset, batch) {
      const end = bytes + batch.content.length;
      if (end > content.length) {
        const larger = Buffer.allocUnsafeSlow(Math.max(end, 2 * content.length));
        content.copy(larger, 0, 0, bytes);
        content = larger;
      }
      batch.content.copy(content, bytes);
      for (let at = bytes; at < end; at += placeBytes + content.readUInt32BE(at + 4)) {
        content.writeUInt32BE(content.readUInt32BE(at) + offset - from, at);
      }
      bytes = end;
      count += batch.count;
      span = offset - from + batch.span;
      newestMs = Math.max(newestMs, batch.newestMs);
    },
    finish: () => ({ count, span, newestMs, content: content.subarray(0, bytes) }),
  };
}

/** As `batchOf`, of records that come from the store. */
export function batchOfStored(records: readonly StoredRecord[]): RecordBatch {
  const first = records[0]!.offset;
  let newestMs = 0;
  const pieces: Buffer[] = [];
  for (const { offset, bytes } of records) {
    const place = Buffer.allocUnsafe(placeBytes);
    place.writeUInt32BE(offset - first, 0);
    place.writeUInt32BE(bytes.length, 4);
    pieces.push(place, bytes);
    newestMs = Math.max(newestMs, timestampOf(bytes));
  }
  const span = records.at(-1)!.offset - first + 1;
  return { count: records.length, span, newestMs, content: Buffer.concat(pieces) };
}

function isBatch(value: Buffer): boolean {
  return value[0] === mark;
}

/** How many records a value of the log holds. */
export function recordsIn(value: Buffer): number {
  return isBatch(value) ? value.readUInt32BE(2) : 1;
}

/** From the first offset of a value of the log to its last, both included. */
export function spanOf(value: Buffer): number {
  return isBatch(value) ? value.readUInt32BE(6) : 1;
}

/** The latest time of the records that a value of the log holds. */
export function newestMsIn(value: Buffer): number {
  return isBatch(value) ? value.readDoubleBE(10) : timestampOf(value);
}

/** The records that are stored under the offset of the first of them. */
export function* storedRecordsIn(first: number, value: Buffer): Generator<StoredRecord> {
  if (!isBatch(value)) {
    yield { offset: first, bytes: value };
    return;
  }
  const stored = value.subarray(headerBytes);
  const content = value[1] === 0 ? stored : uncompressSync(stored);
  for (let at = 0; at < content.length; ) {
    const start = at + placeBytes;
    const end = start + content.readUInt32BE(at + 4);
    yield { offset: first + content.readUInt32BE(at), bytes: content.subarray(start, end) };
    at = end;
  }
}
