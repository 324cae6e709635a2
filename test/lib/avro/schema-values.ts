/** Values of any schema of ours, and where their bytes hold the counts of arrays and maps: what hostile writers change. */
import fc from 'fast-check';
import { schemaVersions } from '../../../lib/topics/generated/schemas';

// biome-ignore lint/suspicious/noExplicitAny: a schema is JSON of many shapes
type Schema = any;

/** The named types of a schema, to be looked up where it refers to them. */
function namesOf(schema: Schema, found = new Map<string, Schema>()): Map<string, Schema> {
  if (Array.isArray(schema)) for (const branch of schema) namesOf(branch, found);
  else if (typeof schema === 'object' && schema !== null) {
    if (schema.name) found.set(schema.namespace ? `${schema.namespace}.${schema.name}` : schema.name, schema);
    for (const part of [schema.items, schema.values, ...(schema.fields ?? []).map((field: Schema) => field.type)])
      if (part !== undefined) namesOf(part, found);
  }
  return found;
}

const isPrimitive = (schema: Schema): boolean =>
  ['null', 'boolean', 'int', 'long', 'float', 'double', 'string', 'bytes'].includes(schema);

export function latestSchema(name: string): Schema {
  return schemaVersions[name]!.at(-1)!.schema;
}

/** Any value of a schema as `encode` takes it. */
export function anyValueOf(schema: Schema, names = namesOf(schema)): fc.Arbitrary<unknown> {
  const of = (part: Schema): fc.Arbitrary<unknown> => anyValueOf(part, names);
  if (Array.isArray(schema)) return fc.oneof(...schema.map(of));
  switch (schema) {
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'int':
      return fc.integer();
    case 'long':
      return fc.integer({ min: -(2 ** 52), max: 2 ** 52 });
    case 'float':
      return fc.float({ noNaN: true });
    case 'double':
      return fc.double();
    case 'string':
      return fc.string({ unit: 'binary' });
    case 'bytes':
      return fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));
  }
  if (typeof schema === 'string') return of(names.get(schema));
  switch (schema.type) {
    case 'array':
      return fc.array(of(schema.items), { maxLength: 4 });
    case 'map':
      return fc
        .array(fc.tuple(fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor')), of(schema.values)), {
          maxLength: 4,
        })
        .map((entries) => mapOf(entries));
    case 'enum':
      return fc.constantFrom(...schema.symbols);
    case 'record':
      return fc.record(Object.fromEntries(schema.fields.map((field: Schema) => [field.name, of(field.type)])));
    default:
      return of(schema.type);
  }
}

/** A map as it is decoded: without prototype, so that any word can be a key. */
export function mapOf<V>(entries: Iterable<readonly [string, V]>): Record<string, V> {
  const map: Record<string, V> = Object.create(null);
  for (const [key, value] of entries) map[key] = value;
  return map;
}

/** Where a block count stands in Avro bytes, and how many bytes it has. */
export interface CountPlace {
  readonly start: number;
  readonly end: number;
}

/** The counts in the bytes of one value, written as avsc writes them. */
function countPlaces(schema: Schema, bytes: Buffer): CountPlace[] {
  const names = namesOf(schema);
  const places: CountPlace[] = [];
  let at = 0;
  const readLong = (): number => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    return Number((value >> 1n) ^ -(value & 1n));
  };
  const walk = (part: Schema): void => {
    if (Array.isArray(part)) walk(part[readLong()]);
    else if (part === 'boolean') at += 1;
    else if (part === 'int' || part === 'long') readLong();
    else if (part === 'float') at += 4;
    else if (part === 'double') at += 8;
    else if (part === 'string' || part === 'bytes') {
      const byteLength = readLong();
      at += byteLength;
    } else if (isPrimitive(part)) return;
    else if (typeof part === 'string') walk(names.get(part));
    else if (part.type === 'enum') readLong();
    else if (part.type === 'record') for (const field of part.fields) walk(field.type);
    else if (part.type === 'array' || part.type === 'map') {
      for (;;) {
        const start = at;
        const count = readLong();
        places.push({ start, end: at });
        if (count === 0) return;
        for (let i = 0; i < count; i++) {
          if (part.type === 'map') walk('string');
          walk(part.type === 'map' ? part.values : part.items);
        }
      }
    } else walk(part.type);
  };
  walk(schema);
  return places;
}

/** A long as Avro writes it, of any size. */
export function longBytes(value: bigint): Buffer {
  const bytes: number[] = [];
  let rest = value < 0n ? -value * 2n - 1n : value * 2n;
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

/** Counts that keep a reader busy which believes them. A negative one is followed by the size of its block. */
export const hostileCounts: readonly Buffer[] = [
  longBytes(2n ** 22n),
  longBytes(2n ** 31n),
  longBytes(2n ** 53n),
  longBytes(2n ** 63n - 1n),
  Buffer.concat([longBytes(-(2n ** 31n)), longBytes(1n)]),
  Buffer.concat([longBytes(-(2n ** 53n)), longBytes(-100n)]),
  Buffer.concat([longBytes(-1n), longBytes(-1n)]),
  Buffer.alloc(400, 0xff),
];

/** The record with each count in turn replaced by each hostile one. `headerBytes` come before the Avro bytes. */
export function withHostileCounts(schema: Schema, record: Buffer, headerBytes = 5): Buffer[] {
  return countPlaces(schema, record.subarray(headerBytes)).flatMap(({ start, end }) =>
    hostileCounts.map((count) =>
      Buffer.concat([record.subarray(0, headerBytes + start), count, record.subarray(headerBytes + end)]),
    ),
  );
}
