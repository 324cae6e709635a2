/**
 * The binary form of everything large the learner makes (basis, policy, checkpoint): a magic word, a JSON header with
 * metadata and shapes, then the arrays, little-endian, each aligned to 8 bytes so that they can be read in place.
 */

import { createHash } from 'node:crypto';
import { endianness } from 'node:os';
import { dictionaryOf } from '../../dictionary';

export type BlobArray = Float32Array | Float64Array | Int32Array;

export interface Blob {
  readonly kind: string;
  /** Anything JSON can hold; numbers keep all their bits. */
  readonly meta: unknown;
  readonly arrays: Readonly<Record<string, BlobArray>>;
}

const magic = 'QRB1';
const prefixBytes = 8;
const alignment = 8;
const constructors = { f32: Float32Array, f64: Float64Array, i32: Int32Array };
type ArrayType = keyof typeof constructors;

const align = (offset: number): number => Math.ceil(offset / alignment) * alignment;

function typeOf(array: BlobArray): ArrayType {
  return array instanceof Float64Array ? 'f64' : array instanceof Int32Array ? 'i32' : 'f32';
}

/** The same content gives the same bytes: the header keeps insertion order. */
export function writeBlob(blob: Blob): Buffer {
  if (endianness() !== 'LE') throw new Error('blobs are little-endian, this machine is not');
  const entries = Object.entries(blob.arrays);
  const header = Buffer.from(
    JSON.stringify({
      kind: blob.kind,
      meta: blob.meta,
      arrays: entries.map(([name, a]) => [name, typeOf(a), a.length]),
    }),
  );
  let size = align(prefixBytes + header.length);
  for (const [, array] of entries) size = align(size + array.byteLength);
  const bytes = Buffer.alloc(size);
  bytes.write(magic, 0, 'latin1');
  bytes.writeUInt32LE(header.length, 4);
  header.copy(bytes, prefixBytes);
  let offset = align(prefixBytes + header.length);
  for (const [, array] of entries) {
    Buffer.from(array.buffer, array.byteOffset, array.byteLength).copy(bytes, offset);
    offset = align(offset + array.byteLength);
  }
  return bytes;
}

/** Reads a blob of one kind; its arrays are copies. Throws, saying what is wrong, for anything else. */
export function readBlob(bytes: Buffer, kind: string): Blob {
  if (bytes.length < prefixBytes || bytes.toString('latin1', 0, 4) !== magic)
    throw new Error(`${kind} blob: does not start with ${magic}`);
  const headerLength = bytes.readUInt32LE(4);
  if (prefixBytes + headerLength > bytes.length) throw new Error(`${kind} blob: header is cut off`);
  let header: { kind: string; meta: unknown; arrays: [string, ArrayType, number][] };
  try {
    header = JSON.parse(bytes.toString('utf8', prefixBytes, prefixBytes + headerLength));
  } catch (error) {
    throw new Error(`${kind} blob: header is not JSON`, { cause: error });
  }
  if (header.kind !== kind) throw new Error(`expected a ${kind} blob, got a ${String(header.kind)}`);
  const arrays = dictionaryOf<string, BlobArray>();
  let offset = align(prefixBytes + headerLength);
  for (const [name, type, length] of header.arrays) {
    const arrayType = constructors[type];
    const end = offset + length * arrayType.BYTES_PER_ELEMENT;
    if (end > bytes.length) throw new Error(`${kind} blob: array ${name} is cut off`);
    const copy = new arrayType(length);
    new Uint8Array(copy.buffer).set(bytes.subarray(offset, end));
    arrays[name] = copy;
    offset = align(end);
  }
  return { kind, meta: header.meta, arrays };
}

// Bound once: see encode.ts.
const finite = Number.isFinite;

/** One array of a blob, checked for type, length and finiteness. */
export function arrayOf<T extends BlobArray>(blob: Blob, name: string, like: new (n: number) => T, length: number): T {
  const array = blob.arrays[name];
  if (!(array instanceof like)) throw new Error(`${blob.kind} blob: array ${name} is missing or of another type`);
  if (array.length !== length)
    throw new Error(`${blob.kind} blob: array ${name} has ${array.length} values, not ${length}`);
  for (let i = 0; i < array.length; i++) {
    if (!finite(array[i]!)) throw new Error(`${blob.kind} blob: ${name}[${i}] is ${array[i]}`);
  }
  return array;
}

export function sha256Of(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}
