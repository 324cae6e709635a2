import fc from 'fast-check';
import {
  decodeRecord,
  encodeRecord,
  numberedKey,
  numberInKey,
  partitionKey,
  timestampOf,
} from '../../../../lib/adapters/embedded/layout';

describe('the layout', () => {
  const text = fc.string({ unit: 'grapheme' });
  const records = fc.record({
    timestampMs: fc.integer({ min: 0, max: 2 ** 45 }),
    key: fc.option(text),
    value: fc.option(fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes))),
    headers: fc.dictionary(text, text, { noNullPrototype: true }),
  });

  test('a record is decoded as it was encoded', () => {
    fc.assert(
      fc.property(records, (fields) => {
        const record = { topic: 't', partition: 3, offset: 42, ...fields };
        const bytes = encodeRecord(record);
        expect(decodeRecord('t', 3, 42, bytes)).toEqual(record);
        expect(timestampOf(bytes)).toBe(fields.timestampMs);
      }),
    );
  });

  test('keys sort as topic, partition and number do', () => {
    const place = fc.tuple(fc.nat(300), fc.nat(300), fc.maxSafeNat());
    fc.assert(
      fc.property(place, place, (a, b) => {
        const [x, y] = [a, b].map(([topic, partition, number]) => numberedKey(partitionKey(topic, partition), number));
        const order = a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
        expect(Math.sign(Buffer.compare(x!, y!))).toBe(Math.sign(order));
        expect(numberInKey(x!)).toBe(a[2]);
      }),
    );
  });
});
