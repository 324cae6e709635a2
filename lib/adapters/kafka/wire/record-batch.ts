/**
 * Reads the batches of a fetch, each for itself: kafkajs throws the whole answer away for one batch that it cannot read, for
 * ever, and reads neither checksums nor three of Kafka's four codecs. A batch that cannot be read is named by its offsets here.
 */
import { crc32c } from '@node-rs/crc32';
import { decompress } from './decompress';
import type { FetchedMessage, UnreadableBatch } from './fetched-data';

export interface DecodedBatches {
  readonly messages: FetchedMessage[];
  readonly unreadable: readonly UnreadableBatch[];
  /** One past the last offset of the last whole batch, readable or not; null when there was none. */
  readonly nextOffset: number | null;
}

// baseOffset int64, length int32; then leaderEpoch int32, magic int8, crc uint32, attributes int16, lastOffsetDelta int32,
// baseTimestamp int64, maxTimestamp int64, producerId int64, producerEpoch int16, baseSequence int32, count int32, records.
const prefixBytes = 12;
const magicAt = 16;
const crcAt = 17;
const attributesAt = 21;
const lastOffsetDeltaAt = 23;
const baseTimestampAt = 27;
const maxTimestampAt = 35;
const producerIdAt = 43;
const countAt = 57;
const recordsAt = 61;
const currentMagic = 2;
const codecMask = 0x07;
const logAppendTimeFlag = 0x08;
const transactionalFlag = 0x10;
const controlFlag = 0x20;
/** Length, attributes, time, offset, key length, value length, number of headers: a byte each at least. */
const leastRecordBytes = 7;

/** What a record takes in memory beside its bytes, about. */
const recordBytes = 256;
/** No producer gathers more into one batch, and so many of the smallest still fit a batch that is not packed. */
export const maxBatchRecords = 250_000;
/**
 * Of a record's headers so many are read, and what comes behind them is passed over: a megabyte holds a hundred thousand, and a
 * table of so many names takes seconds, at every reader.
 */
export const maxHeaders = 256;
/** Decoded between two turns of the process. */
const recordsInTurn = 10_000;

/** How much an answer may become in memory. What its batches become together is taken off, so that what is above is left for the next. */
export interface UnpackBudget {
  leftBytes: number;
}

/** Twice what an answer has when nothing of it is packed. Packed, a megabyte of the log can be a gigabyte. */
export const unpackBudget = (): UnpackBudget => ({ leftBytes: 16 * 1_048_576 });

/**
 * Batches one after the other, the last of which may be cut off. Never rejects. Begins no batch once the budget is used up:
 * what is left of the bytes is for the next answer, and of a fresh budget at least one batch is read.
 */
export async function decodeBatches(bytes: Buffer, budget = unpackBudget()): Promise<DecodedBatches> {
  const messages: FetchedMessage[] = [];
  const unreadable: UnreadableBatch[] = [];
  let nextOffset: number | null = null;
  for (let at = 0; bytes.length - at >= prefixBytes && budget.leftBytes > 0; ) {
    const firstOffset = Number(bytes.readBigInt64BE(at));
    const end = at + prefixBytes + bytes.readInt32BE(at + 8);
    if (end - at < magicAt + 1) {
      // Where the next one begins cannot be known: one offset at a time.
      unreadable.push({ firstOffset, lastOffset: firstOffset, reason: 'its length is damaged' });
      nextOffset = firstOffset + 1;
      break;
    }
    if (end > bytes.length) break;
    const batch = bytes.subarray(at, end);
    const isCurrent = batch[magicAt] === currentMagic && batch.length >= recordsAt;
    const isWhole = isCurrent && crc32c(batch.subarray(attributesAt)) === batch.readUInt32BE(crcAt);
    const lastOffsetDelta = isCurrent ? batch.readInt32BE(lastOffsetDeltaAt) : 0;
    if (!isWhole) {
      // Nothing it says can be believed, its length included: what follows is for the next fetch to find.
      const lastOffset = firstOffset + (lastOffsetDelta > 0 && lastOffsetDelta < batch.length ? lastOffsetDelta : 0);
      const format = `its format is ${batch[magicAt]}, not ${currentMagic} (Kafka 0.11 and newer)`;
      unreadable.push({ firstOffset, lastOffset, reason: isCurrent ? 'its checksum is wrong' : format });
      nextOffset = lastOffset + 1;
      break;
    }
    const lastOffset = firstOffset + Math.max(0, lastOffsetDelta);
    try {
      for (const message of await messagesOf(batch, firstOffset, lastOffset, budget)) messages.push(message);
    } catch (error) {
      unreadable.push({ firstOffset, lastOffset, reason: (error as Error).message });
    }
    nextOffset = lastOffset + 1;
    at = end;
  }
  return { messages, unreadable, nextOffset };
}

/** All records of one batch. Throws when any of them cannot be read. */
async function messagesOf(
  batch: Buffer,
  firstOffset: number,
  lastOffset: number,
  budget: UnpackBudget,
): Promise<FetchedMessage[]> {
  const attributes = batch.readInt16BE(attributesAt);
  const baseTimestamp = Number(batch.readBigInt64BE(baseTimestampAt));
  const appendedAt = (attributes & logAppendTimeFlag) === 0 ? null : Number(batch.readBigInt64BE(maxTimestampAt));
  const isControlRecord = (attributes & controlFlag) !== 0;
  const batchContext = {
    producerId: batch.readBigInt64BE(producerIdAt).toString(),
    inTransaction: (attributes & transactionalFlag) !== 0,
  };
  const count = batch.readInt32BE(countAt);
  if (count > maxBatchRecords) throw new Error(`it says it holds ${count} records, more than ${maxBatchRecords}`);
  const unpacked = await decompress(attributes & codecMask, batch.subarray(recordsAt));
  budget.leftBytes -= unpacked.length + Math.max(0, count) * recordBytes;
  const reader = new RecordReader(unpacked);
  if (count < 0 || count * leastRecordBytes > reader.left) throw new Error(`it cannot hold ${count} records`);
  const messages: FetchedMessage[] = [];
  for (let i = 0; i < count; i++) {
    if (i % recordsInTurn === recordsInTurn - 1) await new Promise<void>((resolve) => setImmediate(resolve));
    reader.begin();
    reader.skip(1);
    const timestamp = appendedAt ?? baseTimestamp + reader.varint();
    if (appendedAt !== null) reader.varint();
    const offset = firstOffset + reader.varint();
    if (offset < firstOffset || offset > lastOffset) throw new Error(`it holds a record of offset ${offset}`);
    const key = reader.bytes();
    const value = reader.bytes();
    const headers = reader.headers();
    reader.finish();
    messages.push({ offset, timestamp, key, value, headers, isControlRecord, batchContext });
  }
  return messages;
}

const noHeaders: FetchedMessage['headers'] = Object.freeze({});

class RecordReader {
  private at = 0;
  private end = 0;

  constructor(private readonly buffer: Buffer) {}

  get left(): number {
    return this.buffer.length - this.at;
  }

  /** The next record begins here, with its length. */
  begin(): void {
    this.end = this.buffer.length;
    const length = this.varint();
    this.end = this.at + length;
    if (length < leastRecordBytes - 1 || this.end > this.buffer.length) throw damaged();
  }

  /** What a newer format may have added is passed over. */
  finish(): void {
    this.at = this.end;
  }

  skip(bytes: number): void {
    this.at += bytes;
  }

  /** A zigzag number of up to 64 bits; exact up to 2^53, as offsets and times are. */
  varint(): number {
    let low = 0;
    let high = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      if (this.at >= this.end) throw damaged();
      const byte = this.buffer[this.at++]!;
      if (shift < 28) low += (byte & 0x7f) * 2 ** shift;
      else high += (byte & 0x7f) * 2 ** (shift - 28);
      if (byte < 0x80) {
        const value = high * 2 ** 28 + low;
        return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      }
    }
    throw damaged();
  }

  /** Bytes with their length before them; null for length -1. */
  bytes(): Buffer | null {
    const length = this.varint();
    if (length < 0) return null;
    const from = this.at;
    this.at += length;
    if (this.at > this.end) throw damaged();
    return this.buffer.subarray(from, this.at);
  }

  headers(): FetchedMessage['headers'] {
    const count = this.varint();
    if (count === 0) return noHeaders;
    if (count < 0 || count * 2 > this.end - this.at) throw damaged();
    const headers = Object.create(null) as Record<string, Buffer | undefined>;
    // Of a header given several times the last one counts.
    for (let i = 0; i < Math.min(count, maxHeaders); i++)
      headers[this.bytes()?.toString() ?? ''] = this.bytes() ?? undefined;
    return headers;
  }
}

function damaged(): Error {
  return new Error('one of its records is damaged');
}
