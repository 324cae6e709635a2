/** What a stranger may write where a field of a record belongs, as bytes. */
import { type AvroSchema, blocks, double, editedAvro, float, sized, text, typeName, varint } from './avro-fields';
import { prototypeWords } from './hostile-json';

export interface HostileBytes {
  readonly how: string;
  /** Made when asked for: all of them together take longer than many cases, and hundreds of megabytes. */
  readonly bytes: () => Buffer;
}

const one = (how: string, bytes: () => Buffer): HostileBytes => ({ how, bytes });

const numbers: readonly (readonly [string, bigint])[] = [
  ['0', 0n],
  ['-1', -1n],
  ['2^31-1', 2n ** 31n - 1n],
  ['2^31', 2n ** 31n],
  ['-2^31', -(2n ** 31n)],
  ['2^53-1', 2n ** 53n - 1n],
  ['2^53', 2n ** 53n],
  ['-2^53', -(2n ** 53n)],
  ['2^63-1', 2n ** 63n - 1n],
  ['-2^63', -(2n ** 63n)],
];
const wholeNumbers = [
  ...numbers.map(([how, value]) => one(how, () => varint(value))),
  one('no end', () => Buffer.alloc(12, 0xff)),
];

const doubles = [0, -0, 1, -1, 0.1, 5e-324, 1e308, -1e308, 2 ** 53, 1e15, NaN, Infinity, -Infinity];

const texts: readonly HostileBytes[] = [
  one('empty', () => text('')),
  ...prototypeWords.map((word) => one(word, () => text(word))),
  one('no UTF-8', () => sized(Buffer.from([0xff, 0xfe, 0x80]))),
  one('surrogate in UTF-8', () => sized(Buffer.from([0xed, 0xa0, 0x80]))),
  one('zero character', () => text('a\0b')),
  one('201 characters', () => text('x'.repeat(201))),
  one('10,000 characters', () => text('x'.repeat(10_000))),
  one('400,000 characters', () => text('x'.repeat(400_000))),
  one('longer than the record', () => varint(1_000)),
  one('2^31 long', () => varint(2n ** 31n)),
  one('2^53 long', () => varint(2n ** 53n)),
  one('negative length', () => varint(-5)),
];

const counts: readonly (readonly [string, bigint])[] = [
  ['2^22', 2n ** 22n],
  ['2^31', 2n ** 31n],
  ['2^53', 2n ** 53n],
  ['2^63-1', 2n ** 63n - 1n],
  ['-2^22', -(2n ** 22n)],
  ['-2^63', -(2n ** 63n)],
];

/** Blocks that promise much and hold little, with and without something in them. */
function counted(item: () => Buffer): HostileBytes[] {
  const empty = Buffer.from([0]);
  return counts.flatMap(([how, count]) => {
    // A negative count is followed by the size of the block in bytes.
    const size = (): Buffer => (count < 0n ? varint(item().length) : Buffer.alloc(0));
    return [
      one(`${how} items announced`, () => Buffer.concat([varint(count), size()])),
      one(`${how} items announced, one there`, () => Buffer.concat([varint(count), size(), item(), empty])),
    ];
  });
}

const maxBytes = 700_000;

function many(items: (index: number) => Buffer, wanted: number): Buffer {
  const size = Math.max(1, items(wanted).length);
  return blocks(Array.from({ length: Math.min(wanted, Math.floor(maxBytes / size)) }, (_, index) => items(index)));
}

/** Everything hostile for a value of this schema. */
export function hostileBytes(schema: AvroSchema): HostileBytes[] {
  switch (typeName(schema)) {
    case 'string':
      return [...texts];
    case 'bytes':
      return [
        ...texts,
        ...[NaN, Infinity, 1e38, 1e-45].map((value) =>
          one(`a vector of ${value}`, () => sized(repeated(float(value), 128))),
        ),
        one('an odd number of bytes', () => sized(Buffer.alloc(7))),
        one('200,000 bytes', () => sized(Buffer.alloc(200_000))),
      ];
    case 'int':
    case 'long':
      return [...wholeNumbers];
    case 'double':
      return doubles.map((value) => one(Object.is(value, -0) ? '-0' : String(value), () => double(value)));
    case 'float':
      return doubles.map((value) => one(Object.is(value, -0) ? '-0' : String(value), () => float(value)));
    case 'boolean':
      return [one('2', () => Buffer.from([2])), one('255', () => Buffer.from([255]))];
    case 'enum': {
      const { symbols } = schema as unknown as { symbols: string[] };
      const known = symbols.map((symbol, index) => one(symbol, () => varint(index)));
      return [...known, one('unknown symbol', () => varint(symbols.length)), ...wholeNumbers.slice(1)];
    }
    case 'array': {
      const item = (): Buffer => editedAvro((schema as { items?: AvroSchema }).items!, undefined, []);
      return [
        one('empty', () => blocks([])),
        one('100,000 items', () => {
          const same = item();
          return many(() => same, 100_000);
        }),
        ...counted(item),
      ];
    }
    case 'map': {
      const value = (): Buffer => editedAvro((schema as { values?: AvroSchema }).values!, undefined, []);
      const entry = (key: string): Buffer => Buffer.concat([text(key), value()]);
      return [
        one('empty', () => blocks([])),
        ...prototypeWords.map((word) => one(`key ${word}`, () => blocks([entry(word)]))),
        one('empty key', () => blocks([entry('')])),
        one('a key twice', () => blocks([entry('a'), entry('a')])),
        one('a key of 520,000 characters', () => blocks([entry('k'.repeat(520_000))])),
        one('50,000 keys', () => {
          const same = value();
          return many((index) => Buffer.concat([text(`key-${index}`), same]), 50_000);
        }),
        ...counted(() => entry('a')),
      ];
    }
    case 'union': {
      const branches = schema as readonly AvroSchema[];
      const inside = branches.flatMap((branch, index) =>
        hostileBytes(branch).map(({ how, bytes }) => one(how, () => Buffer.concat([varint(index), bytes()]))),
      );
      const isNullable = branches.indexOf('null');
      return [
        ...(isNullable >= 0 ? [one('null', () => varint(isNullable))] : []),
        one('a branch that is not there', () => varint(branches.length)),
        one('a negative branch', () => varint(-1)),
        ...inside,
      ];
    }
    default:
      return [];
  }
}

function repeated(bytes: Buffer, times: number): Buffer {
  return Buffer.concat(new Array<Buffer>(times).fill(bytes));
}
