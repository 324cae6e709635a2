/** Features as the replay keeps them, tens of thousands: in one piece of memory where there were three, and without a sketch's zeros. */
import type { Features } from './basis';
import { type PackedSketch, packInScratch } from './packed-sketch';
import { createPieces } from './pieces';

const pieces = createPieces();

/** A copy: a record's bytes may be a slice of a whole batch, all of which they would keep in memory. */
export function keepFeatures(features: Features): Features {
  const { sketch, hand, caller, context } = features;
  if (caller || !(sketch instanceof Int8Array))
    return {
      ...features,
      sketch: sketch instanceof Int8Array ? sketch.slice() : sketch,
      hand: hand.slice(),
      caller: caller?.slice() ?? null,
      context: context?.slice() ?? null,
    };
  const packed = packInScratch(sketch);
  const handBytes = hand.byteLength;
  const contextBytes = context?.byteLength ?? 0;
  const bytes = pieces.take(handBytes + contextBytes + packed.length);
  new Float32Array(bytes.buffer, bytes.byteOffset, hand.length).set(hand);
  if (context) new Float32Array(bytes.buffer, bytes.byteOffset + handBytes, context.length).set(context);
  bytes.set(packed, handBytes + contextBytes);
  return new KeptFeatures(bytes, hand.length, context?.length ?? 0, features.sketchScale, features.task);
}

class KeptFeatures implements Features {
  readonly caller = null;

  constructor(
    private readonly bytes: Uint8Array,
    private readonly handLength: number,
    private readonly contextLength: number,
    readonly sketchScale: number,
    readonly task: number,
  ) {}

  get sketch(): PackedSketch {
    return { packed: this.bytes.subarray(4 * (this.handLength + this.contextLength)) };
  }

  get hand(): Float32Array {
    return new Float32Array(this.bytes.buffer, this.bytes.byteOffset, this.handLength);
  }

  get context(): Float32Array | null {
    if (this.contextLength === 0) return null;
    return new Float32Array(this.bytes.buffer, this.bytes.byteOffset + 4 * this.handLength, this.contextLength);
  }
}
