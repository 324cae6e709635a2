/** Memory for the columns of the record that is being encoded: it is the same for every record, so packing allocates nothing that lasts. */
const firstBytes = 65_536;
const numberBytes = Float64Array.BYTES_PER_ELEMENT;

export class Room {
  private memory = new ArrayBuffer(firstBytes);
  private used = 0;

  /** What was taken before must not be used any more. */
  clear(): void {
    this.used = 0;
  }

  /** What is in them is anything. */
  numbers(count: number): Float64Array {
    return new Float64Array(this.memory, this.take(count * numberBytes), count);
  }

  /** What is in them is anything. */
  bytes(count: number): Buffer {
    return Buffer.from(this.memory, this.take(count), count);
  }

  private take(bytes: number): number {
    if (this.used + bytes > this.memory.byteLength) {
      // What has been taken keeps the memory it is in.
      this.memory = new ArrayBuffer(2 * Math.max(bytes, this.memory.byteLength));
      this.used = 0;
    }
    const start = this.used;
    this.used = start + Math.ceil(bytes / numberBytes) * numberBytes;
    return start;
  }
}

/** The bytes of numbers, little-endian, as all machines have them that this runs on. */
export function bytesOfNumbers(numbers: Float64Array): Buffer {
  return Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);
}

export function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
