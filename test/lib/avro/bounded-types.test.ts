import avro from 'avsc';
import fc from 'fast-check';
import { beginRecord, boundedTypeOf, maxItems, partReaderOf } from '../../../lib/avro/bounded-types';
import { codecOf, InvalidRecordError, UndecodableError } from '../../../lib/avro/codec';
import type { TablePosition } from '../../../lib/topics/generated/messages';
import { schemaVersions } from '../../../lib/topics/generated/schemas';
import { anyValueOf, hostileCounts, latestSchema, longBytes, mapOf, withHostileCounts } from './schema-values';

const positions = codecOf<TablePosition>('TablePosition');
const header = positions.encode({ positions: {} }).subarray(0, 5);
const framed = (...parts: Buffer[]): Buffer => Buffer.concat([header, ...parts]);
const text = (value: string | Buffer): Buffer => {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([longBytes(BigInt(bytes.length)), bytes]);
};

/** What avsc makes of a schema without our bounds. */
const plainType = (name: string): avro.Type =>
  avro.Type.forSchema(latestSchema(name) as avro.Schema, { wrapUnions: false });

test.each(Object.keys(schemaVersions))('law: %s reads what avsc writes, and writes what avsc reads', (name) => {
  const codec = codecOf<unknown>(name);
  const plain = plainType(name);
  fc.assert(
    fc.property(anyValueOf(latestSchema(name)), (value) => {
      const bytes = codec.encode(value);
      // JSON text, since a plain avsc map loses a key named __proto__; that one is tested by itself.
      expect(codec.decode(bytes)).toEqual(value);
      expect(bytes.subarray(5)).toEqual(plain.toBuffer(value));
    }),
    { numRuns: 20, endOnFailure: true },
  );
});

test.each(Object.keys(schemaVersions))('law: changed bytes of a %s are decoded or undecodable', (name) => {
  const codec = codecOf<unknown>(name);
  fc.assert(
    fc.property(
      anyValueOf(latestSchema(name)),
      fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 4 }),
      (value, changes) => {
        const bytes = Buffer.from(codec.encode(value));
        if (bytes.length > 5) for (const [at, byte] of changes) bytes[5 + (at % (bytes.length - 5))] = byte;
        try {
          codec.decode(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(UndecodableError);
        }
      },
    ),
    { numRuns: 100, endOnFailure: true },
  );
});

test.each(Object.keys(schemaVersions))('law: no count in a %s is believed beyond its bytes', (name) => {
  const codec = codecOf<unknown>(name);
  fc.assert(
    fc.property(anyValueOf(latestSchema(name)), (value) => {
      for (const hostile of withHostileCounts(latestSchema(name), codec.encode(value)))
        expect(() => codec.decode(hostile)).toThrow(UndecodableError);
    }),
    { numRuns: 5, endOnFailure: true },
  );
});

describe('a part of a record', () => {
  const fieldsOf = (name: string): string[] => latestSchema(name).fields.map((field: { name: string }) => field.name);
  const result = <T>(read: () => T): T | null => {
    try {
      return read();
    } catch (error) {
      expect(error).toBeInstanceOf(UndecodableError);
      return null;
    }
  };

  test.each(Object.keys(schemaVersions))('law: of any bytes for a %s, it is what reading all of them gives', (name) => {
    const codec = codecOf<Record<string, unknown>>(name);
    fc.assert(
      fc.property(
        anyValueOf(latestSchema(name)),
        fc.subarray(fieldsOf(name)),
        fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { maxLength: 2 }),
        fc.nat({ max: 3 }),
        fc.nat(),
        (value, fields, changes, cut, pick) => {
          const bytes = Buffer.from(codec.encode(value as Record<string, unknown>));
          if (bytes.length > 5) for (const [at, byte] of changes) bytes[5 + (at % (bytes.length - 5))] = byte;
          const read = codec.partDecoder(Object.fromEntries(fields.map((field) => [field, true])));
          const hostile = withHostileCounts(latestSchema(name), codec.encode(value as Record<string, unknown>));
          const hostileOne = hostile.length > 0 ? [hostile[pick % hostile.length]!] : [];
          for (const record of [bytes, bytes.subarray(0, bytes.length - cut), ...hostileOne]) {
            const whole = result(() => codec.decode(record));
            const part = whole && Object.fromEntries(fields.map((field) => [field, whole[field]]));
            expect(result(() => read(record))).toEqual(part);
          }
        },
      ),
      { numRuns: 20, endOnFailure: true },
    );
  });

  const schema = {
    type: 'record',
    name: 'Outer',
    fields: [
      { name: 'before', type: 'string' },
      {
        name: 'inner',
        type: { type: 'record', name: 'Inner', fields: ['a', 'b'].map((name) => ({ name, type: 'double' })) },
      },
      { name: 'list', type: { type: 'array', items: 'Inner' } },
      { name: 'class', type: 'long' },
    ],
  };
  const inner = (a: number) => ({ a, b: -a });
  const outer = { before: 'x', inner: inner(1), list: [inner(2), inner(3)], class: 7 };
  const type = boundedTypeOf(schema);

  test('may be of records within it and of those in lists, and its fields may have any name', () => {
    beginRecord();
    const bytes = type.toBuffer(outer);
    beginRecord();
    const part = partReaderOf(type, { class: true, inner: { b: true }, list: { a: true } })(bytes);
    expect(part).toEqual({ class: 7, inner: { b: -1 }, list: [{ a: 2 }, { a: 3 }] });
  });

  test.each([
    [{ nothing: true }, 'has no field named nothing'],
    [{ list: { c: true } }, 'has no field named c'],
    [{ before: { a: true } }, 'has no fields'],
  ] as const)('%j is none of this type', (part, why) => {
    expect(() => partReaderOf(type, part)).toThrow(why);
  });

  test('of bytes that are no text is refused where nobody looks at them', () => {
    const bytes = Buffer.concat([text(Buffer.from([0x61, 0xff])), Buffer.alloc(16), longBytes(0n), longBytes(7n)]);
    const long = Buffer.concat([text(Buffer.alloc(200, 0xff)), bytes.subarray(3)]);
    for (const broken of [bytes, long]) {
      beginRecord();
      expect(() => partReaderOf(type, { class: true })(broken)).toThrow('a string is not UTF-8');
    }
  });
});

test('law: every text and every double has the bytes that avsc gives it', () => {
  const schema = {
    type: 'record',
    name: 'Both',
    fields: [
      { name: 'text', type: 'string' },
      { name: 'maybe', type: ['null', 'string'] },
      { name: 'number', type: 'double' },
      { name: 'numbers', type: { type: 'array', items: 'double' } },
    ],
  };
  const type = boundedTypeOf(schema);
  const plain = avro.Type.forSchema(schema as avro.Schema, { wrapUnions: false });
  // About as long as texts may be to be written character by character, and longer, with and without what is not ASCII.
  const anyText = fc.oneof(
    fc.string({ unit: 'binary-ascii', maxLength: 100 }),
    fc.tuple(fc.string({ maxLength: 79 }), fc.string({ unit: 'grapheme', maxLength: 3 })).map(([a, b]) => a + b),
  );
  const value = fc.record({
    text: anyText,
    maybe: fc.option(anyText),
    number: fc.double(),
    numbers: fc.array(fc.double()),
  });
  fc.assert(
    fc.property(value, fc.nat({ max: 40 }), (one, room) => {
      const expected = plain.toBuffer(one);
      beginRecord();
      const bytes = Buffer.alloc(expected.length);
      expect(type.encode(one, bytes, 0)).toBe(expected.length);
      expect(bytes).toEqual(expected);
      beginRecord();
      expect(type.fromBuffer(bytes)).toEqual(plain.fromBuffer(expected));
      // Into too little room nothing is written but how much is missing.
      const few = Buffer.alloc(Math.max(0, expected.length - 1 - room));
      beginRecord();
      expect(type.encode(one, few, 0)).toBe(few.length - expected.length);
    }),
  );
});

test('lists of several blocks are one list, and fields that are left out are written with their defaults', () => {
  const schema = {
    type: 'record',
    name: 'Lists',
    fields: [
      { name: 'numbers', type: { type: 'array', items: 'double' }, default: [] },
      { name: 'names', type: { type: 'array', items: 'string' }, default: ['none'] },
      { name: 'share', type: 'double', default: 0.25 },
      { name: 'note', type: 'string', default: 'ä' },
      { name: 'maybe', type: ['null', 'double'], default: null },
    ],
  };
  const type = boundedTypeOf(schema);
  const double = (value: number): Buffer => {
    const bytes = Buffer.alloc(8);
    bytes.writeDoubleLE(value);
    return bytes;
  };
  const bytes = Buffer.concat([
    ...[longBytes(2n), double(1), double(-0), longBytes(1n), double(0.5), longBytes(0n)],
    ...[longBytes(1n), text('a'), longBytes(2n), text('b'), text('a'), longBytes(0n)],
    ...[double(7), text('n'), longBytes(1n), double(3)],
  ]);
  const read = { numbers: [1, -0, 0.5], names: ['a', 'b', 'a'], share: 7, note: 'n', maybe: 3 };
  beginRecord();
  expect({ ...(type.fromBuffer(bytes) as object) }).toEqual(read);
  const defaults = { numbers: [], names: ['none'], share: 0.25, note: 'ä', maybe: null };
  beginRecord();
  const written = type.toBuffer({});
  expect(written).toEqual(avro.Type.forSchema(schema as avro.Schema, { wrapUnions: false }).toBuffer(defaults));
  beginRecord();
  expect({ ...(type.fromBuffer(written) as object) }).toEqual(defaults);
  for (const wrong of [{ share: '1' }, { share: null }, { numbers: ['1'] }, { numbers: [1, undefined] }, { note: 1 }]) {
    beginRecord();
    expect(() => type.toBuffer(wrong)).toThrow(/invalid/);
  }
});

describe('counts', () => {
  test.each(hostileCounts.map((count) => [count.subarray(0, 12).toString('hex'), count]))(
    '%s is refused at once',
    (_hex, count) => {
      expect(() => positions.decode(framed(count))).toThrow(UndecodableError);
    },
  );

  test('more items than a record may have are refused, whether they are read or written', () => {
    const entries = Array.from({ length: maxItems / 3 + 1 }, (_, i) => [`k${i}`, i] as const);
    const plain = plainType('TablePosition').toBuffer({ positions: Object.fromEntries(entries) });
    expect(() => positions.decode(framed(plain))).toThrow(`more than ${maxItems} items`);
    expect(() => positions.encode({ positions: mapOf(entries) })).toThrow(InvalidRecordError);
    const most = mapOf(entries.slice(1));
    expect(positions.decode(positions.encode({ positions: most })).positions).toEqual(most);
  });

  test('items are counted over all arrays and maps of a record, and anew for the next', () => {
    const type = boundedTypeOf({ type: 'array', items: { type: 'array', items: 'boolean' } });
    const bytes = (inner: number, outer: number): Buffer =>
      avro.Type.forSchema({ type: 'array', items: { type: 'array', items: 'boolean' } }).toBuffer(
        Array.from({ length: outer }, () => new Array(inner).fill(true)),
      );
    for (let i = 0; i < 2; i++) {
      beginRecord();
      expect(type.fromBuffer(bytes(299, 200))).toHaveLength(200);
    }
    beginRecord();
    expect(() => type.fromBuffer(bytes(300, 200))).toThrow(`more than ${maxItems} items`);
  });

  test('blocks with a size, and several of them, are read and passed over', () => {
    const entry = Buffer.concat([text('a'), longBytes(7n)]);
    const block = Buffer.concat([longBytes(-1n), longBytes(BigInt(entry.length)), entry]);
    const other = Buffer.concat([longBytes(1n), text('b'), longBytes(8n)]);
    const bytes = Buffer.concat([block, other, longBytes(0n)]);
    expect(positions.decode(framed(bytes)).positions).toEqual({ a: 7, b: 8 });
    const writer = boundedTypeOf({
      type: 'record',
      name: 'R',
      fields: [
        { name: 'gone', type: { type: 'map', values: 'long' } },
        { name: 'list', type: { type: 'array', items: 'string' } },
        { name: 'kept', type: 'int' },
      ],
    });
    const reader = boundedTypeOf({ type: 'record', name: 'R', fields: [{ name: 'kept', type: 'int' }] });
    const listed = Buffer.concat([longBytes(-1n), longBytes(2n), text('x'), longBytes(1n), text('y'), longBytes(0n)]);
    const resolver = reader.createResolver(writer);
    beginRecord();
    expect({ ...(reader.fromBuffer(Buffer.concat([bytes, listed, longBytes(5n)]), resolver) as object) }).toEqual({
      kept: 5,
    });
    for (const hostile of hostileCounts) {
      beginRecord();
      expect(() => reader.fromBuffer(Buffer.concat([hostile, bytes]), resolver)).toThrow(/left|items|truncated|bytes/);
    }
  });

  test('items without width are bounded as well', () => {
    const type = boundedTypeOf({ type: 'array', items: 'null' });
    beginRecord();
    expect(() => type.fromBuffer(Buffer.concat([longBytes(2n ** 31n), longBytes(0n)]))).toThrow('items where');
  });
});

describe('maps', () => {
  test('have no prototype, so that every word is a key like any other', () => {
    const map = mapOf([
      ['__proto__', 1],
      ['constructor', 2],
    ]);
    const { positions: read } = positions.decode(positions.encode({ positions: map }));
    expect(Object.getPrototypeOf(read)).toBeNull();
    expect(Object.entries(read)).toEqual([
      ['__proto__', 1],
      ['constructor', 2],
    ]);
    expect(positions.decode(positions.encode({ positions: {} })).positions['toString']).toBeUndefined();
  });
});

describe('text', () => {
  test('one text after the other is read as it is, also where several take the same place in memory', () => {
    const words = Array.from({ length: 6_000 }, (_, i) => `word-${i % 5_000}`);
    const map = mapOf(words.map((word, i) => [word, i] as const));
    for (let i = 0; i < 2; i++) expect(positions.decode(positions.encode({ positions: map })).positions).toEqual(map);
  });

  test.each([
    ['a lone surrogate', Buffer.from([0xed, 0xa0, 0x80])],
    ['half a character', Buffer.from([0xf0, 0x90, 0x80])],
    ['a byte that begins nothing', Buffer.from([0xff])],
  ])('%s is not UTF-8, hence undecodable: replaced, different ids would become one', (_what, bytes) => {
    expect(() => positions.decode(framed(longBytes(1n), text(bytes), longBytes(0n), longBytes(0n)))).toThrow(
      'a string is not UTF-8',
    );
  });

  test('the replacement character itself is text', () => {
    const map = mapOf([['\ufffd', 1]]);
    expect(positions.decode(positions.encode({ positions: map })).positions).toEqual(map);
  });

  test.each([
    ['\ud800', '\ufffd'],
    [`${'a'.repeat(100)}\udc00`, `${'a'.repeat(100)}\ufffd`],
  ])('what we write can be read, lone surrogates and all', (key, read) => {
    const bytes = positions.encode({ positions: { [key]: 1 } });
    expect(Object.keys(positions.decode(bytes).positions)).toEqual([read]);
  });
});

test('an int beyond 32 bits, which could not be written again, is undecodable', () => {
  const type = boundedTypeOf('int');
  expect(() => type.fromBuffer(longBytes(2n ** 31n))).toThrow('2147483648 is no int');
  expect(type.fromBuffer(longBytes(-(2n ** 31n)))).toBe(-(2 ** 31));
});

test('no schema of ours has items without width, which the bytes that are left could not bound', () => {
  const zero = (schema: unknown): boolean =>
    schema === 'null' ||
    (typeof schema === 'object' &&
      (schema as { fields?: { type: unknown }[] })?.fields?.every((f) => zero(f.type)) === true);
  const check = (schema: unknown): void => {
    if (typeof schema !== 'object' || schema === null) return;
    for (const [key, part] of Object.entries(schema)) {
      if (key === 'items' || key === 'values') expect(zero(part)).toBe(false);
      check(part);
    }
  };
  for (const versions of Object.values(schemaVersions)) for (const { schema } of versions) check(schema);
});
