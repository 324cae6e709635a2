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

/** Views of the memory are made when they are asked for: each is a hundred bytes on V8's heap. */
class KeptFeatures implements Features {
  readonly caller = null;
  private readonly piece: ArrayBufferLike;
  private readonly from: number;
  private readonly bytes: number;

  constructor(
    kept: Uint8Array,
    private readonly handLength: number,
    private readonly contextLength: number,
    readonly sketchScale: number,
    readonly task: number,
  ) {
    this.piece = kept.buffer;
    this.from = kept.byteOffset;
    this.bytes = kept.byteLength;
  }

  get sketch(): PackedSketch {
    const before = 4 * (this.handLength + this.contextLength);
    return { packed: new Uint8Array(this.piece, this.from + before, this.bytes - before) };
  }

  get hand(): Float32Array {
    return new Float32Array(this.piece, this.from, this.handLength);
  }

  get context(): Float32Array | null {
    if (this.contextLength === 0) return null;
    return new Float32Array(this.piece, this.from + 4 * this.handLength, this.contextLength);
  }
}
