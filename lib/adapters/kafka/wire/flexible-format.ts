/** Kafka's "flexible" formats: lengths are varints that count from 1 (0 is null), and every structure ends with tagged fields. */
import { FixedReader } from '../fixed-reader';

export class FlexibleWriter {
  private readonly parts: Buffer[] = [];

  bytes(): Buffer {
    return Buffer.concat(this.parts);
  }

  boolean(value: boolean): void {
    this.parts.push(Buffer.from([value ? 1 : 0]));
  }

  int16(value: number): void {
    const bytes = Buffer.allocUnsafe(2);
    bytes.writeInt16BE(value);
    this.parts.push(bytes);
  }

  int32(value: number): void {
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeInt32BE(value);
    this.parts.push(bytes);
  }

  int64(value: string | number): void {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeBigInt64BE(BigInt(value));
    this.parts.push(bytes);
  }

  text(value: string | null): void {
    this.sized(value === null ? null : Buffer.from(value));
  }

  sized(bytes: Buffer | null): void {
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

export class FlexibleReader extends FixedReader {
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
    this.tags(() => {});
  }

  /** Hands each tagged field over, with its number. What `read` leaves of it is passed over. */
  tags(read: (tag: number) => void): void {
    for (let left = this.unsigned(); left > 0; left--) {
      const tag = this.unsigned();
      const length = this.unsigned();
      const end = this.at + length;
      read(tag);
      this.at = end;
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
