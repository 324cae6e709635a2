/** A sketch without its zeros, which are three quarters of it: what is kept of a request for as long as it may be fitted to. */
import { sketchSize } from './encode';

/** Immutable. */
export interface PackedSketch {
  /** A bit for each value, whether it is 0 or not, then those that are not, in order. */
  readonly packed: Uint8Array;
}

/** Bytes of the bits. */
const maskBytes = sketchSize / 8;
const scratch = new Uint8Array(maskBytes + sketchSize);
const values = new Int8Array(scratch.buffer, maskBytes);

/** Packs a sketch of `sketchSize` values; to be read before the next call. An empty one is all zeros. */
export function packInScratch(sketch: Int8Array): Uint8Array {
  scratch.fill(0, 0, maskBytes);
  let used = 0;
  for (let i = 0; i < sketch.length; i++) {
    const value = sketch[i]!;
    if (value === 0) continue;
    values[used++] = value;
    scratch[i >> 3]! |= 1 << (i & 7);
  }
  return scratch.subarray(0, maskBytes + used);
}

/** Writes what was packed, zeros included. */
export function unpackInto(to: Float64Array, { packed }: PackedSketch): void {
  to.fill(0);
  let at = maskBytes;
  for (let i = 0; i < sketchSize; i++) if (packed[i >> 3]! & (1 << (i & 7))) to[i] = (packed[at++]! << 24) >> 24;
}
