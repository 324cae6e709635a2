import { constants, gzipSync } from 'node:zlib';
import { compressFrameSync } from 'lz4-napi';
import { compressSync } from 'snappy';
import { decompress, maxUnpackedBytes } from '../../../../../lib/adapters/kafka/wire/decompress';

const words = Buffer.from('some words that come again '.repeat(10_000));
const zeros = Buffer.alloc(maxUnpackedBytes + 1);

/** As Java's stream of snappy chunks has it. */
function snappyStream(chunks: readonly Buffer[]): Buffer {
  const header = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00, 0, 0, 0, 1, 0, 0, 0, 1]);
  return Buffer.concat([
    header,
    ...chunks.flatMap((chunk) => {
      const packed = compressSync(chunk);
      const length = Buffer.alloc(4);
      length.writeInt32BE(packed.length);
      return [length, packed];
    }),
  ]);
}

/** A zstd frame of `blocks` blocks that each repeat one byte 128 kB long, with a window of 128 kB. */
function zstdOfRepeats(blocks: number): Buffer {
  const blockBytes = 131_072;
  const block = (last: boolean): Buffer => {
    const header = Buffer.alloc(3);
    header.writeUIntLE((last ? 1 : 0) | (1 << 1) | (blockBytes << 3), 0, 3);
    return Buffer.concat([header, Buffer.from('x')]);
  };
  const head = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 7 << 3]);
  return Buffer.concat([head, ...Array.from({ length: blocks }, (_, i) => block(i === blocks - 1))]);
}

describe('unpacking', () => {
  test.each([
    ['nothing', 0, words],
    ['gzip', 1, gzipSync(words)],
    ['snappy, one chunk as librdkafka writes it', 2, compressSync(words)],
    ['snappy, a stream as Java writes it', 2, snappyStream([words.subarray(0, 32_768), words.subarray(32_768)])],
    ['lz4', 3, compressFrameSync(words)],
  ])('%s', async (_what, codec, packed) => {
    expect((await decompress(codec, packed)).equals(words)).toBe(true);
  });

  test('zstd', async () => {
    expect((await decompress(4, zstdOfRepeats(3))).equals(Buffer.alloc(3 * 131_072, 'x'))).toBe(true);
  });

  test.each([
    ['gzip', 1, gzipSync(zeros, { level: constants.Z_BEST_SPEED })],
    ['snappy', 2, compressSync(zeros)],
    [
      'snappy in chunks',
      2,
      snappyStream([zeros.subarray(0, maxUnpackedBytes / 2 + 1), zeros.subarray(0, maxUnpackedBytes / 2)]),
    ],
    ['lz4', 3, compressFrameSync(zeros)],
    ['zstd', 4, zstdOfRepeats(maxUnpackedBytes / 131_072 + 1)],
    ['zstd with a window of a terabyte', 4, Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xff, 1, 0, 0])],
  ])('%s that would become too much is refused', async (_what, codec, packed) => {
    expect(packed.length).toBeLessThan(maxUnpackedBytes / 10);
    await expect(decompress(codec, packed)).rejects.toThrow(/cannot be undone: (it unpacks to|.*larger than)/i);
  });

  test.each([1, 2, 3, 4])('garbage under codec %i is an error that names it', async (codec) => {
    for (const bytes of [Buffer.alloc(0), Buffer.from('garbage'), Buffer.alloc(100, 0xff)]) {
      await expect(decompress(codec, bytes)).rejects.toThrow(/its (gzip|snappy|lz4|zstd) compression cannot be undone/);
    }
  });

  test('an unknown codec is named', async () => {
    await expect(decompress(5, words)).rejects.toThrow('nobody knows its compression codec, 5');
  });
});

test('while a large zstd batch is unpacked, other work of the process gets its turns', async () => {
  let turns = 0;
  let isDone = false;
  const work = (): void => {
    turns++;
    if (!isDone) setImmediate(work);
  };
  setImmediate(work);
  const unpacked = await decompress(4, zstdOfRepeats(500));
  isDone = true;
  expect(unpacked.equals(Buffer.alloc(500 * 131_072, 'x'))).toBe(true);
  expect(turns).toBeGreaterThan(1);
});
