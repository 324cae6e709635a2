/** Memory for tens of thousands of small arrays that are dropped about in the order they were made. */

const pieceBytes = 256 * 1_024;
/** As floats of four bytes want it. */
const alignment = 4;

export interface Pieces {
  /** Zeroed, its first byte where floats can begin. */
  take(bytes: number): Uint8Array;
}

/**
 * Cuts arrays from larger pieces: an array on memory of its own costs V8 and the C library some 350 bytes beside its
 * contents. A piece is given back when nobody holds any array of it.
 */
export function createPieces(): Pieces {
  let piece = new ArrayBuffer(0);
  let used = 0;
  return {
    take(bytes) {
      // What would waste much of a piece has one to itself.
      if (bytes > pieceBytes / 8) return new Uint8Array(bytes);
      let from = Math.ceil(used / alignment) * alignment;
      if (from + bytes > piece.byteLength) {
        piece = new ArrayBuffer(pieceBytes);
        from = 0;
      }
      used = from + bytes;
      return new Uint8Array(piece, from, bytes);
    },
  };
}
