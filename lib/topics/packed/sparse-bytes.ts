/** Bytes of which many are 0: a bit for each says whether it is, and only the others follow. Sketches of texts are like that. */
import type { Room } from './room';

const lengthBytes = 2;
const mostBytes = 0xffff;
const nothing = Buffer.alloc(0);

/** Length (uint16, little-endian), bits from the lowest, bytes that are not 0. Empty where that would be no shorter. */
export function packSparse(bytes: Buffer, room: Room): Buffer {
  const { length } = bytes;
  if (length === 0 || length > mostBytes) return nothing;
  const groups = Math.ceil(length / 8);
  const start = room.takeBytes(lengthBytes + groups + length);
  const packed = room.bytes;
  packed.writeUInt16LE(length, start);
  let at = start + lengthBytes + groups;
  for (let group = 0; group < groups; group++) {
    const end = Math.min(8 * group + 8, length);
    let bits = 0;
    for (let i = 8 * group; i < end; i++) {
      const byte = bytes[i]!;
      const isThere = byte === 0 ? 0 : 1;
      // Written in any case and kept where it counts: which ones are 0 cannot be foreseen, so a branch would be guessed wrong.
      packed[at] = byte;
      at += isThere;
      bits |= isThere << (i & 7);
    }
    packed[start + lengthBytes + group] = bits;
  }
  return at - start < length ? packed.subarray(start, at) : nothing;
}

/** Throws for bytes that `packSparse` has not written. */
export function unpackSparse(packed: Buffer): Buffer {
  const length = packed.length < lengthBytes ? 0 : packed.readUInt16LE(0);
  const start = lengthBytes + Math.ceil(length / 8);
  if (length === 0 || packed.length < start) throw new Error('sparse bytes are cut off');
  const bytes = Buffer.alloc(length);
  let at = start;
  for (let i = 0; i < length; i++) {
    const isThere = (packed[lengthBytes + (i >> 3)]! >> (i & 7)) & 1;
    // As above, without a branch; beyond the end it reads nothing, and the check below finds that out.
    bytes[i] = packed[at]! * isThere;
    at += isThere;
  }
  if (at !== packed.length) throw new Error(`sparse bytes are ${packed.length}, and should be ${at}`);
  // Packed again they have to be the same bytes, whoever wrote them.
  const unusedBits = length % 8 === 0 ? 0 : packed[start - 1]! >> (length % 8);
  if (at >= length || unusedBits !== 0 || packed.includes(0, start))
    throw new Error('sparse bytes are not as they are packed');
  return bytes;
}
