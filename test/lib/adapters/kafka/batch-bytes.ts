/** Batches as Kafka keeps them, for tests: written here byte by byte, so that each can be damaged. */
import { crc32c } from '@node-rs/crc32';

export interface BatchRecord {
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly headers?: readonly (readonly [string, string | null])[];
}

export interface BatchOptions {
  readonly firstOffset?: number;
  readonly lastOffsetDelta?: number;
  readonly attributes?: number;
  readonly baseTimestamp?: number;
  readonly maxTimestamp?: number;
  readonly count?: number;
  /** Packs the records. */
  readonly pack?: (records: Buffer) => Buffer;
}

/** A zigzag number in groups of seven bits. */
function varint(value: number): Buffer {
  let rest = value < 0 ? BigInt(-value) * 2n - 1n : BigInt(value) * 2n;
  const bytes: number[] = [];
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest > 0n ? low | 0x80 : low);
  } while (rest > 0n);
  return Buffer.from(bytes);
}

const sized = (bytes: Buffer | null): Buffer =>
  bytes === null ? varint(-1) : Buffer.concat([varint(bytes.length), bytes]);

export function batchRecords(records: readonly BatchRecord[], timestampDelta = 0): Buffer {
  return Buffer.concat(
    records.map(({ key, value, headers = [] }, i) => {
      const body = Buffer.concat([
        Buffer.from([0]),
        varint(timestampDelta),
        varint(i),
        sized(key === null ? null : Buffer.from(key)),
        sized(value),
        varint(headers.length),
        ...headers.flatMap(([name, text]) => [
          sized(Buffer.from(name)),
          sized(text === null ? null : Buffer.from(text)),
        ]),
      ]);
      return Buffer.concat([varint(body.length), body]);
    }),
  );
}

export function batchOf(payload: Buffer, count: number, options: BatchOptions = {}): Buffer {
  const {
    firstOffset = 0,
    attributes = 0,
    baseTimestamp = 1_700_000_000_000,
    pack = (bytes: Buffer) => bytes,
  } = options;
  const tail = Buffer.alloc(40);
  tail.writeInt16BE(attributes, 0);
  tail.writeInt32BE(options.lastOffsetDelta ?? Math.max(0, count - 1), 2);
  tail.writeBigInt64BE(BigInt(baseTimestamp), 6);
  tail.writeBigInt64BE(BigInt(options.maxTimestamp ?? baseTimestamp), 14);
  tail.writeBigInt64BE(7n, 22);
  tail.writeInt16BE(0, 30);
  tail.writeInt32BE(0, 32);
  tail.writeInt32BE(options.count ?? count, 36);
  const checked = Buffer.concat([tail, pack(payload)]);
  const head = Buffer.alloc(21);
  head.writeBigInt64BE(BigInt(firstOffset), 0);
  head.writeInt32BE(9 + checked.length, 8);
  head.writeInt32BE(0, 12);
  head.writeInt8(2, 16);
  head.writeUInt32BE(crc32c(checked), 17);
  return Buffer.concat([head, checked]);
}

export const plainBatch = (records: readonly BatchRecord[], options: BatchOptions = {}): Buffer =>
  batchOf(batchRecords(records), records.length, options);
