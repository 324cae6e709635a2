import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { maxUnpackedBytes } from '../../../../../lib/adapters/kafka/wire/decompress';
import {
  decodeBatches,
  maxBatchRecords,
  maxHeaders,
  unpackBudget,
} from '../../../../../lib/adapters/kafka/wire/record-batch';
import { type BatchRecord, batchOf, batchRecords, plainBatch } from '../batch-bytes';

const record = (value: string): BatchRecord => ({ key: 'k', value: Buffer.from(value) });
const records = fc.array(
  fc.record({
    key: fc.option(fc.string(), { nil: null }),
    value: fc.option(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      { nil: null },
    ),
    headers: fc.uniqueArray(fc.tuple(fc.string(), fc.option(fc.string(), { nil: null })), {
      selector: ([name]) => name,
      maxLength: 4,
    }),
  }),
  { maxLength: 20 },
);

describe('batches of a fetch', () => {
  test('whatever is written is read, with its offsets and times', async () => {
    await fc.assert(
      fc.asyncProperty(
        records,
        fc.integer({ min: 0, max: 2 ** 50 }),
        fc.integer({ min: 0, max: 2 ** 41 }),
        async (written, firstOffset, baseTimestamp) => {
          const payload = batchRecords(written, 5);
          const { messages, unreadable, nextOffset } = await decodeBatches(
            batchOf(payload, written.length, { firstOffset, baseTimestamp }),
          );
          expect(unreadable).toEqual([]);
          expect(nextOffset).toBe(firstOffset + Math.max(1, written.length));
          expect(messages.map(({ offset }) => offset)).toEqual(written.map((_, i) => firstOffset + i));
          for (const [i, message] of messages.entries()) {
            expect(message.timestamp).toBe(baseTimestamp + 5);
            expect(message.key?.toString() ?? null).toBe(written[i]!.key);
            expect(message.value === null ? null : Buffer.from(message.value)).toEqual(written[i]!.value);
            expect(Object.keys(message.headers).sort()).toEqual(written[i]!.headers!.map(([name]) => name).sort());
            for (const [name, value] of written[i]!.headers!)
              expect(message.headers[name]?.toString() ?? null).toBe(value);
          }
        },
      ),
    );
  });

  test('a batch that was cut off is left for the next fetch; one without records moves the position', async () => {
    const [first, second] = [plainBatch([record('a')]), plainBatch([record('b')], { firstOffset: 1 })];
    const cut = await decodeBatches(Buffer.concat([first, second.subarray(0, second.length - 1)]));
    expect(cut.messages).toHaveLength(1);
    expect(cut.nextOffset).toBe(1);
    const emptied = await decodeBatches(plainBatch([], { firstOffset: 5, lastOffsetDelta: 9 }));
    expect(emptied).toEqual({ messages: [], unreadable: [], nextOffset: 15 });
    expect(await decodeBatches(Buffer.alloc(0))).toEqual({ messages: [], unreadable: [], nextOffset: null });
  });

  test('flags: markers, transactions, and the time of the broker where the topic wants it', async () => {
    const { messages } = await decodeBatches(
      plainBatch([record('a')], { attributes: 0x38, baseTimestamp: 1, maxTimestamp: 99 }),
    );
    expect(messages[0]).toMatchObject({
      timestamp: 99,
      isControlRecord: true,
      batchContext: { producerId: '7', inTransaction: true },
    });
  });

  const good = plainBatch([record('a'), record('b')], { firstOffset: 10 });
  const flipped = Buffer.from(good);
  flipped[flipped.length - 2]! ^= 1;
  const old = Buffer.from(good);
  old[16] = 1;
  const payload = batchRecords([record('a'), record('b')]);
  test.each([
    ['a codec that nobody knows', batchOf(payload, 2, { firstOffset: 10, attributes: 6 }), /codec, 6/],
    ['what is no gzip', batchOf(payload, 2, { firstOffset: 10, attributes: 1 }), /gzip/],
    ['more records than fit', batchOf(payload, 2, { firstOffset: 10, count: 2 ** 31 - 1 }), /holds 2147483647 records/],
    ['a negative number of them', batchOf(payload, 2, { firstOffset: 10, count: -1 }), /cannot hold -1/],
    [
      'a record that is longer than the batch',
      batchOf(Buffer.concat([payload, Buffer.from([0x7e, 0, 0, 0, 0, 0, 0])]), 3, {
        firstOffset: 10,
        lastOffsetDelta: 1,
      }),
      /damaged/,
    ],
  ])('%s: the batch is named, and what follows is read', async (_what, damaged, reason) => {
    const decoded = await decodeBatches(Buffer.concat([damaged, plainBatch([record('next')], { firstOffset: 12 })]));
    expect(decoded.unreadable).toEqual([{ firstOffset: 10, lastOffset: 11, reason: expect.stringMatching(reason) }]);
    expect(decoded.messages.map(({ offset }) => offset)).toEqual([12]);
    expect(decoded.nextOffset).toBe(13);
  });

  test('a flipped bit: the batch is named, and nothing behind it is believed', async () => {
    const decoded = await decodeBatches(Buffer.concat([flipped, plainBatch([record('next')], { firstOffset: 12 })]));
    expect(decoded.unreadable).toEqual([{ firstOffset: 10, lastOffset: 11, reason: 'its checksum is wrong' }]);
    expect(decoded.messages).toEqual([]);
    expect(decoded.nextOffset).toBe(12);
  });

  test('a format that is gone is named', async () => {
    const { unreadable } = await decodeBatches(old);
    expect(unreadable).toEqual([{ firstOffset: 10, lastOffset: 10, reason: expect.stringMatching(/format is 1/) }]);
  });

  test('what is packed small and unpacks to much is read some at a time, the rest of it with the next answers', async () => {
    const half = batchRecords([{ key: null, value: Buffer.alloc(maxUnpackedBytes / 2) }]);
    const one = batchOf(half, 1, { attributes: 1, pack: (bytes) => gzipSync(bytes, { level: 1 }) });
    const from = (firstOffset: number): Buffer =>
      Buffer.concat(
        Array.from({ length: 3 - firstOffset }, (_, i) => {
          const batch = Buffer.from(one);
          // The checksum is of what follows it.
          batch.writeBigInt64BE(BigInt(firstOffset + i));
          return batch;
        }),
      );
    expect(from(0).length).toBeLessThan(2 ** 20);
    const budget = unpackBudget();
    const first = await decodeBatches(from(0), budget);
    expect(first.messages.map(({ offset }) => offset)).toEqual([0]);
    expect(first.nextOffset).toBe(1);
    // Another partition of the same answer.
    expect(await decodeBatches(from(0), budget)).toEqual({ messages: [], unreadable: [], nextOffset: null });
    const next = await decodeBatches(from(1));
    expect(next.messages.map(({ offset }) => offset)).toEqual([1]);
  });

  test('of headers by the thousand the first are read, and the record behind them is whole', async () => {
    const headers = Array.from({ length: 20_000 }, (_, i) => [`name-${i}`, `${i}`] as const);
    const { messages, unreadable } = await decodeBatches(plainBatch([{ ...record('many'), headers }, record('next')]));
    expect(unreadable).toEqual([]);
    expect(messages.map(({ value }) => value?.toString())).toEqual(['many', 'next']);
    expect(Object.keys(messages[0]!.headers)).toEqual(headers.slice(0, maxHeaders).map(([name]) => name));
    expect(messages[0]!.headers['name-255']?.toString()).toBe('255');
  });

  test('records without anything in them count, too: a batch of more than anybody gathers is put aside', async () => {
    const record = Buffer.from([12, 0, 0, 0, 1, 1, 0]);
    const many = (count: number) =>
      batchOf(Buffer.alloc(count * record.length, record), count, { attributes: 1, pack: gzipSync });
    const most = await decodeBatches(many(maxBatchRecords));
    expect(most).toMatchObject({ unreadable: [], nextOffset: maxBatchRecords });
    expect(most.messages).toHaveLength(maxBatchRecords);
    const more = await decodeBatches(many(maxBatchRecords + 1));
    expect(more).toEqual({
      messages: [],
      unreadable: [
        { firstOffset: 0, lastOffset: maxBatchRecords, reason: expect.stringMatching(/holds 250001 records/) },
      ],
      nextOffset: maxBatchRecords + 1,
    });
  });

  test('bytes of any kind end, and never in a rejection', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(good.length - 1), fc.uint8Array({ minLength: 1, maxLength: 8 }), async (at, bytes) => {
        const damaged = Buffer.from(good);
        damaged.set(bytes.slice(0, damaged.length - at), at);
        const { messages, unreadable } = await decodeBatches(damaged);
        // Either nothing was changed, or it was noticed, or the length says that more must come.
        if (messages.length > 0) expect(messages.map(({ value }) => value!.toString())).toEqual(['a', 'b']);
        expect(unreadable.length).toBeLessThanOrEqual(1);
      }),
      { numRuns: 1_000 },
    );
  });
});
