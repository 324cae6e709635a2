/** Undoes the four codecs of Kafka, and never makes more of a batch than a stated number of bytes. */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { Decompress as ZstdStream } from 'fzstd';
import { decompressFrame } from 'lz4-napi';
import { uncompress as snappyUncompress } from 'snappy';

/** More than any producer gathers into one batch; a batch that says it holds more is not unpacked. */
export const maxUnpackedBytes = 64 * 1_048_576;

const gunzipAsync = promisify(gunzip);
/** What Java's snappy stream writes in front: this, two versions of four bytes, then chunks with their length before them. */
const snappyStreamMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const snappyStreamHeaderBytes = 16;
const lz4Magic = 0x184d2204;
const zstdMagic = 0xfd2fb528;

/** `codec` as in the attributes of a batch: 0 none, 1 gzip, 2 snappy, 3 lz4, 4 zstd. Rejects with a reason to show. */
export async function decompress(codec: number, bytes: Buffer): Promise<Buffer> {
  switch (codec) {
    case 0:
      return bytes;
    case 1:
      return named('gzip', () =>
        gunzipAsync(bytes, { maxOutputLength: maxUnpackedBytes, chunkSize: chunkBytes(bytes) }),
      );
    case 2:
      return named('snappy', () => unpackSnappy(bytes));
    case 3:
      return named('lz4', () => unpackLz4(bytes));
    case 4:
      return named('zstd', () => unpackZstd(bytes));
    default:
      throw new Error(`nobody knows its compression codec, ${codec}`);
  }
}

/** Every chunk takes a turn of another thread, which is long to come where a machine is busy: so few of them. */
function chunkBytes(packed: Buffer): number {
  return Math.min(1_048_576, Math.max(16_384, packed.length * 16));
}

async function named(codec: string, unpack: () => Promise<Buffer>): Promise<Buffer> {
  try {
    return await unpack();
  } catch (error) {
    throw new Error(`its ${codec} compression cannot be undone: ${(error as Error).message}`);
  }
}

function refuseLarge(bytes: number): void {
  if (bytes > maxUnpackedBytes) throw new Error(`it unpacks to ${bytes} bytes, more than ${maxUnpackedBytes}`);
}

/** Java writes a stream of chunks, librdkafka one chunk alone. */
async function unpackSnappy(bytes: Buffer): Promise<Buffer> {
  if (!bytes.subarray(0, snappyStreamMagic.length).equals(snappyStreamMagic)) return unpackSnappyChunk(bytes, 0);
  const chunks: Buffer[] = [];
  let unpacked = 0;
  for (let at = snappyStreamHeaderBytes; at < bytes.length; ) {
    const length = bytes.readInt32BE(at);
    const end = at + 4 + length;
    if (length < 0 || end > bytes.length) throw new Error('a chunk is cut off');
    const chunk = await unpackSnappyChunk(bytes.subarray(at + 4, end), unpacked);
    unpacked += chunk.length;
    chunks.push(chunk);
    at = end;
  }
  return Buffer.concat(chunks);
}

async function unpackSnappyChunk(chunk: Buffer, before: number): Promise<Buffer> {
  refuseLarge(before + snappyLength(chunk));
  return (await snappyUncompress(chunk, { asBuffer: true })) as Buffer;
}

/** A chunk says first how long it is when unpacked. */
function snappyLength(chunk: Buffer): number {
  let length = 0;
  for (let i = 0; i < 5; i++) {
    const byte = chunk[i];
    if (byte === undefined) break;
    length += (byte & 0x7f) * 2 ** (7 * i);
    if (byte < 0x80) return length;
  }
  throw new Error('its length is damaged');
}

async function unpackLz4(bytes: Buffer): Promise<Buffer> {
  refuseLarge(lz4Bound(bytes));
  const unpacked = await decompressFrame(bytes);
  refuseLarge(unpacked.length);
  return unpacked;
}

/** At most so many bytes can come out of a frame: each of its blocks says how long it is, and none unpacks to more than the largest. */
function lz4Bound(bytes: Buffer): number {
  if (bytes.length < 7 || bytes.readUInt32LE(0) !== lz4Magic) throw new Error('it is no frame');
  const flags = bytes[4]!;
  const largestBlock = 2 ** (8 + 2 * ((bytes[5]! >> 4) & 0x07));
  let at = 7 + ((flags & 0x08) === 0 ? 0 : 8) + ((flags & 0x01) === 0 ? 0 : 4);
  const checksumBytes = (flags & 0x10) === 0 ? 0 : 4;
  // A byte of a block gives at most 255.
  let bound = 0;
  while (at + 4 <= bytes.length) {
    const length = bytes.readUInt32LE(at) & 0x7fffffff;
    if (length === 0) return bound;
    bound += Math.min(largestBlock, 255 * length);
    at += 4 + length + checksumBytes;
  }
  throw new Error('a block is cut off');
}

/** At most 32 MB come of so many bytes, where every block repeats one; smaller steps would copy unfinished blocks too often. */
const zstdStepBytes = 1_024;

/** In this thread, some of it at a time: other work of the process gets its turns in between. */
async function unpackZstd(bytes: Buffer): Promise<Buffer> {
  refuseLarge(zstdWindow(bytes));
  const chunks: Uint8Array[] = [];
  let unpacked = 0;
  let unpackedAtTurn = 0;
  const stream = new ZstdStream((chunk) => {
    unpacked += chunk.length;
    refuseLarge(unpacked);
    chunks.push(chunk);
  });
  for (let at = 0; at < bytes.length; at += zstdStepBytes) {
    stream.push(bytes.subarray(at, at + zstdStepBytes), at + zstdStepBytes >= bytes.length);
    // A turn costs more than a small batch does.
    if (unpacked - unpackedAtTurn < zstdTurnBytes) continue;
    unpackedAtTurn = unpacked;
    await new Promise((resolve) => setImmediate(resolve));
  }
  return Buffer.concat(chunks);
}

/** Unpacked between two turns of the process. */
const zstdTurnBytes = 524_288;

/** What a decoder must keep in memory, as the frame says. */
function zstdWindow(bytes: Buffer): number {
  if (bytes.length < 6 || bytes.readUInt32LE(0) !== zstdMagic) throw new Error('it is no frame');
  const descriptor = bytes[4]!;
  const singleSegment = (descriptor & 0x20) !== 0;
  if (!singleSegment) {
    const exponent = bytes[5]! >> 3;
    const base = 2 ** (10 + exponent);
    return base + (base / 8) * (bytes[5]! & 0x07);
  }
  // The window is the content, whose size follows the id of the dictionary.
  const at = 5 + [0, 1, 2, 4][descriptor & 0x03]!;
  const sizeBytes = [1, 2, 4, 8][descriptor >> 6]!;
  if (bytes.length < at + sizeBytes) throw new Error('its header is cut off');
  if (sizeBytes === 8) return Number(bytes.readBigUInt64LE(at));
  return bytes.readUIntLE(at, sizeBytes) + (sizeBytes === 2 ? 256 : 0);
}
