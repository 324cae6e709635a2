/** Reads the numbers of Kafka's answers one after the other: big-endian, of fixed width. */
export class FixedReader {
  protected at = 0;

  constructor(protected readonly buffer: Buffer) {}

  int16(): number {
    this.at += 2;
    return this.buffer.readInt16BE(this.at - 2);
  }

  int32(): number {
    this.at += 4;
    return this.buffer.readInt32BE(this.at - 4);
  }

  int64(): bigint {
    this.at += 8;
    return this.buffer.readBigInt64BE(this.at - 8);
  }
}
