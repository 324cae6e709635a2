/** Memory for the columns of the record that is being encoded: it is the same for every record, so packing allocates next to nothing. */
import type { ThreadScore } from '../generated/messages';

const firstBytes = 65_536;
const numberBytes = Float64Array.BYTES_PER_ELEMENT;
const none: number[] = [];

/** Pieces are places in it: a view of each would be larger than many of them. */
export class Room {
  private memory: Buffer = Buffer.from(new ArrayBuffer(firstBytes));
  private memoryAsNumbers = new Float64Array(this.memory.buffer);
  private used = 0;
  private readonly threads: ThreadScore[] = [];
  private usedThreads = 0;

  /** All of it; another one after it has grown, so it is good until something is taken. */
  get bytes(): Buffer {
    return this.memory;
  }

  /** The same as numbers. */
  get numbers(): Float64Array {
    return this.memoryAsNumbers;
  }

  /** What was taken before must not be used any more. */
  clear(): void {
    this.used = 0;
    this.usedThreads = 0;
  }

  /** The thread without its lists. */
  takeThread(thread: ThreadScore): ThreadScore {
    const { strategy, status, confidence, durationMs, error, policySha256, coldStart } = thread;
    const taken = this.threads[this.usedThreads];
    this.usedThreads++;
    if (taken === undefined) {
      const lists = { probabilities: none, utilities: none, qualities: none };
      const made = { strategy, status, ...lists, confidence, durationMs, error, policySha256, coldStart };
      this.threads.push(made);
      return made;
    }
    taken.strategy = strategy;
    taken.status = status;
    taken.confidence = confidence;
    taken.durationMs = durationMs;
    taken.error = error;
    taken.policySha256 = policySha256;
    taken.coldStart = coldStart;
    return taken;
  }

  /** The place of so many bytes in `bytes`. What is in them is anything. */
  takeBytes(count: number): number {
    const start = this.used;
    this.used = start + Math.ceil(count / numberBytes) * numberBytes;
    if (this.used > this.memory.length) this.grow();
    return start;
  }

  /** The place of so many numbers in `numbers`. What is in them is anything. */
  takeNumbers(count: number): number {
    return this.takeBytes(count * numberBytes) / numberBytes;
  }

  /** Of so many numbers that were taken, little-endian, as all machines have them that this runs on. */
  bytesOfNumbers(at: number, count: number): Buffer {
    return this.memory.subarray(at * numberBytes, (at + count) * numberBytes);
  }

  private grow(): void {
    const larger = Buffer.from(new ArrayBuffer(2 * this.used));
    this.memory.copy(larger);
    this.memory = larger;
    this.memoryAsNumbers = new Float64Array(larger.buffer);
  }
}

export function viewOf(bytes: Buffer): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}
