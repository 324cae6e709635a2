import fc from 'fast-check';
import { codecOf, InvalidRecordError, UndecodableError } from '../../../lib/avro/codec';
import type { DeadLetter, TablePosition, Tuning } from '../../../lib/topics/generated/messages';
import { schemaVersions } from '../../../lib/topics/generated/schemas';
import { mapOf } from './schema-values';

const deadLetters = codecOf<DeadLetter>('DeadLetter');
const positions = codecOf<TablePosition>('TablePosition');

const letter: DeadLetter = {
  topic: 'route.requested',
  partition: 3,
  offset: 2 ** 40,
  group: 'route-intake',
  reason: 'undecodable',
  field: null,
  key: 'k',
  value: Buffer.from([0, 1, 255]),
  valueSha256: null,
  valueBytes: 3,
  failedAtMs: 1_700_000_000_000,
};

test('frames records as Confluent does: 0, the id of the latest version, Avro', () => {
  const bytes = deadLetters.encode(letter);
  expect(bytes[0]).toBe(0);
  expect(bytes.readInt32BE(1)).toBe(schemaVersions['DeadLetter']!.at(-1)!.id);
  expect(deadLetters.schemaId).toBe(bytes.readInt32BE(1));
  expect(deadLetters.decode(bytes)).toEqual(letter);
});

// Beyond that avsc refuses some longs and loses the last bit of others. Ours are offsets and times.
const long = fc.integer({ min: -(2 ** 52), max: 2 ** 52 });

test('law: what was encoded decodes to the same, whatever its size', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.string(), long)).map(mapOf),
      fc.uint8Array({ maxLength: 40_000 }),
      fc.option(fc.string({ unit: 'binary' })),
      (map, bytes, key) => {
        expect(positions.decode(positions.encode({ positions: map })).positions).toEqual(map);
        const value = Buffer.from(bytes);
        expect(deadLetters.decode(deadLetters.encode({ ...letter, value, key }))).toEqual({ ...letter, value, key });
      },
    ),
    { numRuns: 50 },
  );
});

test('records share their memory with none that is written later, whatever their size', () => {
  const sizes = [10, 100_000, 1, 40_000, 20_000, 1_000_000, 0, ...Array.from({ length: 200 }, (_, i) => 37 * i)];
  const letters = sizes.map((bytes, i) => ({ ...letter, offset: i, value: Buffer.alloc(bytes, i) }));
  const records = letters.map((one) => deadLetters.encode(one));
  expect(records.map((record) => deadLetters.decode(record))).toEqual(letters);
});

test('a record that cannot be written leaves the one before it and the one after it whole', () => {
  const before = deadLetters.encode(letter);
  const unfit = { ...letter, reason: 'x'.repeat(500), failedAtMs: 'never' } as unknown as DeadLetter;
  expect(() => deadLetters.encode(unfit)).toThrow(InvalidRecordError);
  const after = deadLetters.encode({ ...letter, offset: 1 });
  expect(deadLetters.decode(before)).toEqual(letter);
  expect(deadLetters.decode(after)).toEqual({ ...letter, offset: 1 });
});

test('one instance per type; an unknown type is refused', () => {
  expect(codecOf('DeadLetter')).toBe(deadLetters);
  expect(() => codecOf('Nonsense')).toThrow('no schema named Nonsense under schemas/');
});

test.each<[string, Buffer, RegExp]>([
  ['too few bytes', Buffer.from([0, 0]), /2 bytes are too few/],
  ['JSON', Buffer.from('{"requestId":1}'), /first byte is 123, not the Confluent magic byte 0/],
  ['an unknown id', Buffer.from([0, 0, 0, 0, 1, 0]), /unknown schema id 1/],
  [
    'the record of another type',
    positions.encode({ positions: {} }),
    /schema id \d+ is a TablePosition, not a DeadLetter/,
  ],
  ['a truncated record', deadLetters.encode(letter).subarray(0, 12), /not a DeadLetter of schema id/],
  [
    'bytes behind the record',
    Buffer.concat([deadLetters.encode(letter), Buffer.from([1])]),
    /not a DeadLetter of schema id/,
  ],
])('%s is undecodable, saying why', (_what, bytes, message) => {
  expect(() => deadLetters.decode(bytes)).toThrow(UndecodableError);
  expect(() => deadLetters.decode(bytes)).toThrow(message);
});

test('law: random bytes are decoded or undecodable, nothing else', () => {
  const header = deadLetters.encode(letter).subarray(0, 5);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (bytes, framed) => {
      try {
        deadLetters.decode(framed ? Buffer.concat([header, bytes]) : Buffer.from(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(UndecodableError);
      }
    }),
  );
});

test.each<[string, unknown, string]>([
  ['a missing field', { ...letter, topic: undefined }, 'topic'],
  ['a wrong type', { ...letter, offset: 'x' }, 'offset'],
  ['a whole number that is none', { ...letter, partition: 1.5 }, 'partition'],
  ['a long beyond 2^53', { ...letter, failedAtMs: 2 ** 60 }, 'failedAtMs'],
])('%s is refused, naming the field', (_what, value, field) => {
  const encode = (): unknown => deadLetters.encode(value as DeadLetter);
  expect(encode).toThrow(InvalidRecordError);
  expect(encode).toThrow(new RegExp(`^DeadLetter\\.${field}: `));
});

test('a nested field is named by its path', () => {
  expect(() => positions.encode({ positions: { topic: 'x' as never } })).toThrow(
    /^TablePosition\.positions\.topic: "x" is not/,
  );
});

test('what is needed but of an optional record is named too', () => {
  expect(() => codecOf<Tuning>('Tuning').encode({} as Tuning)).toThrow(/^Tuning\.\w+: undefined is not/);
});
