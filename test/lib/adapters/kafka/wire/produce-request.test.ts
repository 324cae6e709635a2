import fc from 'fast-check';
import { produceOf } from '../../../../../lib/adapters/kafka/wire/produce-request';
import { decodeBatches } from '../../../../../lib/adapters/kafka/wire/record-batch';

const messages = fc.array(
  fc.record({
    key: fc.option(fc.string(), { nil: null }),
    value: fc.option(
      fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      { nil: null },
    ),
    headers: fc.dictionary(fc.string(), fc.string(), { maxKeys: 4 }),
    timestamp: fc.oneof(fc.integer({ min: 0, max: 2 ** 41 }), fc.constantFrom(0, Number.MAX_SAFE_INTEGER)),
  }),
  { minLength: 1, maxLength: 200 },
);
const refuse = (code: number): Error => new Error(`error ${code}`);

async function encoded(of: Partial<Parameters<typeof produceOf>[0]>, version = 12): Promise<Buffer> {
  const request = { acks: -1, timeout: 100, producerId: '7', producerEpoch: 3, topicData: [], ...of } as const;
  return (await produceOf(request, version, refuse).request.encode()).buffer;
}

describe('records that are sent', () => {
  test('whatever is written is read, with its order and times', async () => {
    await fc.assert(
      fc.asyncProperty(messages, async (written) => {
        const topicData = [{ topic: 't', partitions: [{ partition: 1, firstSequence: 5, messages: written }] }];
        const bytes = await encoded({ topicData });
        // No tags, no transactional id, acks and time-out, one topic named t, one partition, and its number.
        const at = 1 + 1 + 2 + 4 + 1 + 2 + 1 + 4;
        let lengthBytes = 1;
        while (bytes[at + lengthBytes - 1]! >= 0x80) lengthBytes++;
        const batch = bytes.subarray(at + lengthBytes, bytes.length - 3);
        const { messages: read, unreadable } = await decodeBatches(batch, { leftBytes: 1e9 });
        expect(unreadable).toEqual([]);
        expect(
          read.map(({ key, value, headers, timestamp }) => ({
            key: key?.toString() ?? null,
            value,
            headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, text!.toString()])),
            timestamp,
          })),
        ).toEqual(written.map((message) => ({ ...message, headers: { ...message.headers } })));
        expect(read.map(({ offset }) => offset)).toEqual(written.map((_, i) => i));
      }),
      { numRuns: 300 },
    );
  });

  test('a batch names its producer, its first number and the transaction that it belongs to', async () => {
    const topicData = [
      {
        topic: 't',
        partitions: [{ partition: 0, firstSequence: 5, messages: [{ key: null, value: null, timestamp: 1 }] }],
      },
    ];
    const bytes = await encoded({ topicData, transactionalId: 'id' });
    const batch = bytes.subarray(bytes.indexOf('t') + 1 + 1 + 4 + 1);
    expect(batch.readInt16BE(21) & 0x10).toBe(0x10);
    expect(batch.readBigInt64BE(43)).toBe(7n);
    expect(batch.readInt16BE(51)).toBe(3);
    expect(batch.readInt32BE(53)).toBe(5);
  });
});
