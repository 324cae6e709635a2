/**
 * Produce in its flexible versions, of which 12 lets a partition join its producer's transaction (`transaction.version` 2);
 * kafkajs ends at 7. A batch is written in one piece here, and its checksum is that of native code.
 */
import { crc32c } from '@node-rs/crc32';
import { type ErrorOfCode, type OwnRequest, ownRequest } from './own-request';

export interface ProducedMessage {
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** Milliseconds since 1970, at least 0. */
  readonly timestamp: number;
}

export interface ProduceRequest {
  readonly acks: -1;
  readonly timeout: number;
  readonly producerId: string;
  readonly producerEpoch: number;
  /** Where the records belong to a transaction. */
  readonly transactionalId?: string;
  /** The partitions join the transaction with this request, and were not added to it before. */
  readonly joins?: boolean;
  readonly topicData: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly firstSequence: number;
      /** At least one. */
      readonly messages: readonly ProducedMessage[];
    }[];
  }[];
}

interface ProducedTopic {
  readonly topicName: string;
  readonly partitions: readonly {
    readonly partition: number;
    /** 0 for none; otherwise the partition took nothing, and the others are not concerned. */
    readonly errorCode: number;
    readonly baseOffset: string;
  }[];
}

/** The first version that is written here (Kafka 2.8), and the one in which partitions join the transaction. */
export const firstProduceVersion = 9;
export const joiningProduceVersion = 12;

/**
 * In a version from `firstProduceVersion` to `joiningProduceVersion`. In the last, partitions of a transactional producer join its
 * transaction; in those before, they must have been added to it.
 */
export function produceOf(
  of: ProduceRequest,
  version: number,
  errorOf: ErrorOfCode,
): OwnRequest<{ readonly topics: readonly ProducedTopic[] }> {
  return ownRequest(0, version, 'Produce', errorOf, {
    write: (out) => {
      out.text(of.transactionalId ?? null);
      out.int16(of.acks);
      out.int32(of.timeout);
      out.array(of.topicData, ({ topic, partitions }) => {
        out.text(topic);
        out.array(partitions, ({ partition, firstSequence, messages }) => {
          out.int32(partition);
          out.sized(batchOf(of, firstSequence, messages));
          out.noTags();
        });
        out.noTags();
      });
      out.noTags();
    },
    read: (bytes) => {
      const topics: ProducedTopic[] = [];
      bytes.array(() => {
        const topicName = bytes.text()!;
        const partitions: ProducedTopic['partitions'][number][] = [];
        bytes.array(() => {
          const partition = bytes.int32();
          const errorCode = bytes.int16();
          const baseOffset = bytes.int64().toString();
          // The time of the append, and the first offset of the log.
          bytes.int64();
          bytes.int64();
          bytes.array(() => {
            bytes.int32();
            bytes.text();
            bytes.skipTags();
          });
          bytes.text();
          bytes.skipTags();
          partitions.push({ partition, errorCode, baseOffset });
        });
        bytes.skipTags();
        topics.push({ topicName, partitions });
      });
      return { clientSideThrottleTime: bytes.int32(), errorCode: 0, topics };
    },
  });
}

const attributesAt = 21;
const recordsAt = 61;
const currentMagic = 2;
const transactionalFlag = 0x10;

/** Records as the log keeps them, each with its distance from the first in offset and in time. */
function batchOf(
  { producerId, producerEpoch, transactionalId }: ProduceRequest,
  firstSequence: number,
  messages: readonly ProducedMessage[],
): Buffer {
  let firstTimestamp = messages[0]!.timestamp;
  let maxTimestamp = firstTimestamp;
  for (const { timestamp } of messages) {
    firstTimestamp = Math.min(firstTimestamp, timestamp);
    maxTimestamp = Math.max(maxTimestamp, timestamp);
  }
  const sizes = messages.map((message, i) => recordSize(message, message.timestamp - firstTimestamp, i));
  const total = sizes.reduce((sum, size) => sum + varintSize(size) + size, recordsAt);
  const bytes = Buffer.allocUnsafe(total);
  // The first offset, which the broker chooses.
  bytes.writeBigInt64BE(0n, 0);
  bytes.writeInt32BE(total - 12, 8);
  // The leader epoch, which it writes as well.
  bytes.writeInt32BE(-1, 12);
  bytes.writeInt8(currentMagic, 16);
  bytes.writeInt16BE(transactionalId === undefined ? 0 : transactionalFlag, attributesAt);
  bytes.writeInt32BE(messages.length - 1, 23);
  bytes.writeBigInt64BE(BigInt(firstTimestamp), 27);
  bytes.writeBigInt64BE(BigInt(maxTimestamp), 35);
  bytes.writeBigInt64BE(BigInt(producerId), 43);
  bytes.writeInt16BE(producerEpoch, 51);
  bytes.writeInt32BE(firstSequence, 53);
  bytes.writeInt32BE(messages.length, 57);
  let at = recordsAt;
  const varint = (value: number): void => {
    at = writeVarint(bytes, at, value);
  };
  const text = (value: string): void => {
    varint(Buffer.byteLength(value));
    at += bytes.write(value, at);
  };
  for (const [i, { key, value, headers, timestamp }] of messages.entries()) {
    varint(sizes[i]!);
    bytes[at++] = 0;
    varint(timestamp - firstTimestamp);
    varint(i);
    if (key === null) varint(-1);
    else text(key);
    varint(value?.length ?? -1);
    if (value) at += value.copy(bytes, at);
    const names = Object.keys(headers ?? {});
    varint(names.length);
    for (const name of names) {
      text(name);
      text(headers![name]!);
    }
  }
  bytes.writeUInt32BE(crc32c(bytes.subarray(attributesAt)), 17);
  return bytes;
}

/** Of a record, without the length that comes before it. */
function recordSize({ key, value, headers }: ProducedMessage, timestampDelta: number, offsetDelta: number): number {
  const textSize = (text: string): number => {
    const length = Buffer.byteLength(text);
    return varintSize(length) + length;
  };
  let size = 1 + varintSize(timestampDelta) + varintSize(offsetDelta);
  size += key === null ? 1 : textSize(key);
  size += value === null ? 1 : varintSize(value.length) + value.length;
  const names = Object.keys(headers ?? {});
  size += varintSize(names.length);
  for (const name of names) size += textSize(name) + textSize(headers![name]!);
  return size;
}

/** Kafka's numbers alternate between both signs. Exact from -1 up to 2^53. */
const zigzag = (value: number): number => (value < 0 ? -2 * value - 1 : 2 * value);

function varintSize(value: number): number {
  let size = 1;
  for (let rest = zigzag(value); rest >= 0x80; rest = Math.floor(rest / 0x80)) size++;
  return size;
}

function writeVarint(bytes: Buffer, from: number, value: number): number {
  let at = from;
  let rest = zigzag(value);
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes[at++] = (rest % 0x80) | 0x80;
  bytes[at++] = rest;
  return at;
}
