/**
 * Three requests that kafkajs knows only in versions that are too old to fence with: InitProducerId that names the producer
 * it succeeds (KIP-360), TxnOffsetCommit that names the member and its generation (KIP-447), and OffsetFetch that waits for
 * the end of transactions. Kafka has all three since 2.5. They are "flexible" versions: lengths are varints, and every
 * structure ends with tagged fields, of which there are none here.
 */
import { FixedReader } from './fixed-reader';

/** A request as kafkajs's connections take it. */
export interface OwnRequest<T> {
  readonly request: {
    readonly apiKey: number;
    readonly apiVersion: number;
    readonly apiName: string;
    encode(): Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>;
  };
  readonly response: {
    decode(bytes: Buffer): Promise<unknown>;
    parse(decoded: unknown): Promise<T>;
  };
}

export interface ProducerIdAndEpoch {
  readonly producerId: string;
  readonly producerEpoch: number;
}

/** Makes an error of Kafka's code. */
type ErrorOfCode = (code: number) => Error;

interface Answer {
  readonly clientSideThrottleTime: number;
  /** The first error in it; 0 for none. */
  readonly errorCode: number;
}

/**
 * Ends what is open of a transactional id, and gives its next owner an epoch that fences all earlier ones. With `succeeds`
 * it is refused unless that is the owner still, or was the one before this very request.
 */
export function initProducerId(
  of: {
    readonly transactionalId: string;
    readonly transactionTimeoutMs: number;
    readonly succeeds: ProducerIdAndEpoch | null;
  },
  errorOf: ErrorOfCode,
): OwnRequest<ProducerIdAndEpoch> {
  const { transactionalId, transactionTimeoutMs, succeeds } = of;
  return ownRequest(22, 3, 'InitProducerId', errorOf, {
    write: (out) => {
      out.text(transactionalId);
      out.int32(transactionTimeoutMs);
      out.int64(succeeds?.producerId ?? -1);
      out.int16(succeeds?.producerEpoch ?? -1);
      out.noTags();
    },
    read: (bytes) => {
      const clientSideThrottleTime = bytes.int32();
      const errorCode = bytes.int16();
      return {
        clientSideThrottleTime,
        errorCode,
        producerId: bytes.int64().toString(),
        producerEpoch: bytes.int16(),
      };
    },
  });
}

/** Adds the positions of one partition number to a transaction, if the member and its generation are still those of the group. */
export function commitInTransaction(
  of: ProducerIdAndEpoch & {
    readonly transactionalId: string;
    readonly groupId: string;
    readonly generationId: number;
    readonly memberId: string;
    readonly partition: number;
    /** Next offset to read, by topic. */
    readonly positions: ReadonlyMap<string, number>;
  },
  errorOf: ErrorOfCode,
): OwnRequest<unknown> {
  return ownRequest(28, 3, 'TxnOffsetCommit', errorOf, {
    write: (out) => {
      out.text(of.transactionalId);
      out.text(of.groupId);
      out.int64(of.producerId);
      out.int16(of.producerEpoch);
      out.int32(of.generationId);
      out.text(of.memberId);
      out.text(null);
      out.array([...of.positions], ([topic, offset]) => {
        out.text(topic);
        out.array([of.partition], (partition) => {
          out.int32(partition);
          out.int64(offset);
          // No leader epoch.
          out.int32(-1);
          out.text(null);
          out.noTags();
        });
        out.noTags();
      });
      out.noTags();
    },
    read: (bytes) => {
      const clientSideThrottleTime = bytes.int32();
      let errorCode = 0;
      bytes.array(() => {
        bytes.text();
        bytes.array(() => {
          bytes.int32();
          errorCode ||= bytes.int16();
          bytes.skipTags();
        });
        bytes.skipTags();
      });
      return { clientSideThrottleTime, errorCode };
    },
  });
}

/** Committed positions of one partition number, by topic; -1 for none. Fails while a transaction may still change them. */
export function stablePositions(
  of: { readonly groupId: string; readonly topics: readonly string[]; readonly partition: number },
  errorOf: ErrorOfCode,
): OwnRequest<{ readonly positions: ReadonlyMap<string, number> }> {
  return ownRequest(9, 7, 'OffsetFetch', errorOf, {
    write: (out) => {
      out.text(of.groupId);
      out.array(of.topics, (topic) => {
        out.text(topic);
        out.array([of.partition], (partition) => out.int32(partition));
        out.noTags();
      });
      out.boolean(true);
      out.noTags();
    },
    read: (bytes) => {
      const clientSideThrottleTime = bytes.int32();
      const positions = new Map<string, number>();
      let errorCode = 0;
      bytes.array(() => {
        const topic = bytes.text()!;
        bytes.array(() => {
          bytes.int32();
          positions.set(topic, Number(bytes.int64()));
          bytes.int32();
          bytes.text();
          errorCode ||= bytes.int16();
          bytes.skipTags();
        });
        bytes.skipTags();
      });
      return { clientSideThrottleTime, errorCode: errorCode || bytes.int16(), positions };
    },
  });
}

function ownRequest<T extends Answer>(
  apiKey: number,
  apiVersion: number,
  apiName: string,
  errorOf: ErrorOfCode,
  format: { write(out: FlexibleWriter): void; read(bytes: FlexibleReader): T },
): OwnRequest<T> {
  return {
    request: {
      apiKey,
      apiVersion,
      apiName,
      async encode() {
        const out = new FlexibleWriter();
        // kafkajs writes the header of older versions, which lacks its tagged fields: they come first here.
        out.noTags();
        format.write(out);
        const buffer = out.bytes();
        return { buf: buffer, buffer };
      },
    },
    response: {
      async decode(bytes) {
        const reader = new FlexibleReader(bytes);
        // Of the header, as above.
        reader.skipTags();
        return format.read(reader);
      },
      async parse(decoded) {
        const answer = decoded as T;
        if (answer.errorCode !== 0) throw errorOf(answer.errorCode);
        return answer;
      },
    },
  };
}

class FlexibleWriter {
  private readonly parts: Buffer[] = [];

  bytes(): Buffer {
    return Buffer.concat(this.parts);
  }

  boolean(value: boolean): void {
    this.parts.push(Buffer.from([value ? 1 : 0]));
  }

  int16(value: number): void {
    const bytes = Buffer.alloc(2);
    bytes.writeInt16BE(value);
    this.parts.push(bytes);
  }

  int32(value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32BE(value);
    this.parts.push(bytes);
  }

  int64(value: string | number): void {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64BE(BigInt(value));
    this.parts.push(bytes);
  }

  /** Lengths count from 1; 0 is null. */
  text(value: string | null): void {
    const bytes = value === null ? null : Buffer.from(value);
    this.unsigned(bytes === null ? 0 : bytes.length + 1);
    if (bytes) this.parts.push(bytes);
  }

  array<T>(items: readonly T[], write: (item: T) => void): void {
    this.unsigned(items.length + 1);
    for (const item of items) write(item);
  }

  noTags(): void {
    this.unsigned(0);
  }

  private unsigned(value: number): void {
    const bytes: number[] = [];
    let rest = value;
    for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
    bytes.push(rest);
    this.parts.push(Buffer.from(bytes));
  }
}

class FlexibleReader extends FixedReader {
  text(): string | null {
    const length = this.unsigned() - 1;
    if (length < 0) return null;
    this.at += length;
    return this.buffer.toString('utf8', this.at - length, this.at);
  }

  array(item: () => void): void {
    for (let left = this.unsigned() - 1; left > 0; left--) item();
  }

  skipTags(): void {
    for (let left = this.unsigned(); left > 0; left--) {
      this.unsigned();
      const length = this.unsigned();
      this.at += length;
    }
  }

  private unsigned(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.buffer.readUInt8(this.at++);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }
}
