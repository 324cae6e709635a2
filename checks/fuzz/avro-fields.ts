/** Avro as bytes with edits in it: every field of a record can be replaced by bytes that no encoder of ours would write. */

export type AvroSchema = string | readonly AvroSchema[] | { readonly type: unknown; readonly [key: string]: unknown };
export type AvroPath = readonly (string | number)[];

/** Bytes in place of the encoding of the value at a path. */
export interface AvroEdit {
  readonly path: AvroPath;
  readonly bytes: Buffer;
}

export interface AvroField {
  readonly path: AvroPath;
  readonly schema: AvroSchema;
}

type Named = ReadonlyMap<string, AvroSchema>;
interface RecordSchema {
  readonly fields: readonly { readonly name: string; readonly type: AvroSchema }[];
}

const maxDepth = 6;

/** The schema without the wrapping of `{ type: … }` and with names resolved. */
function plain(schema: AvroSchema, named: Named): AvroSchema {
  if (typeof schema === 'string') {
    const known = named.get(schema) ?? named.get(schema.split('.').at(-1)!);
    return known ?? schema;
  }
  if (!Array.isArray(schema) && typeof (schema as { type: unknown }).type === 'object')
    return plain((schema as { type: AvroSchema }).type, named);
  return schema;
}

export function typeName(schema: AvroSchema): string {
  if (typeof schema === 'string') return schema;
  return Array.isArray(schema) ? 'union' : String((schema as { type: unknown }).type);
}

/** Every named type below a schema. */
function namesIn(schema: AvroSchema, named = new Map<string, AvroSchema>()): Map<string, AvroSchema> {
  if (typeof schema === 'string') return named;
  if (Array.isArray(schema)) {
    for (const one of schema) namesIn(one, named);
    return named;
  }
  const one = schema as { readonly [key: string]: unknown };
  if (typeof one['name'] === 'string' && typeof one['type'] === 'string') named.set(one['name'], schema);
  for (const part of ['type', 'items', 'values'])
    if (typeof one[part] === 'object') namesIn(one[part] as AvroSchema, named);
  for (const field of (one['fields'] ?? []) as RecordSchema['fields']) namesIn(field.type, named);
  return named;
}

/** Every field, the outer before the inner. */
export function avroFieldsOf(schema: AvroSchema): AvroField[] {
  const named = namesIn(schema);
  const walk = (of: AvroSchema, path: AvroPath): AvroField[] => {
    if (path.length > maxDepth) return [];
    const one = plain(of, named);
    switch (typeName(one)) {
      case 'record':
        return (one as unknown as RecordSchema).fields.flatMap(({ name, type }) => {
          const at = [...path, name];
          return [{ path: at, schema: plain(type, named) }, ...walk(type, at)];
        });
      case 'union':
        return (one as readonly AvroSchema[]).flatMap((branch) => walk(branch, path));
      case 'array': {
        const items = (one as { items?: AvroSchema }).items!;
        const at = [...path, 0];
        return [{ path: at, schema: plain(items, named) }, ...walk(items, at)];
      }
      case 'map': {
        const values = (one as { values?: AvroSchema }).values!;
        const at = [...path, 'some-key'];
        return [{ path: at, schema: plain(values, named) }, ...walk(values, at)];
      }
      default:
        return [];
    }
  };
  return walk(schema, []);
}

/** The encoding of `value` with the edits in it; what is missing on the way to one is made up. */
export function editedAvro(schema: AvroSchema, value: unknown, edits: readonly AvroEdit[]): Buffer {
  const named = namesIn(schema);
  const write = (of: AvroSchema, it: unknown, path: AvroPath): Buffer => {
    const edit = edits.findLast((one) => samePath(one.path, path));
    if (edit) return edit.bytes;
    const one = plain(of, named);
    const isBelow = edits.some(
      (other) => other.path.length > path.length && samePath(other.path.slice(0, path.length), path),
    );
    switch (typeName(one)) {
      case 'record': {
        const from = (it ?? {}) as Record<string, unknown>;
        const { fields } = one as unknown as RecordSchema;
        return Buffer.concat(fields.map(({ name, type }) => write(type, from[name], [...path, name])));
      }
      case 'union': {
        const branches = one as readonly AvroSchema[];
        const isNull = (it === null || it === undefined) && !isBelow && branches.includes('null');
        const index = branches.findIndex((branch) => (branch === 'null') === isNull);
        return Buffer.concat([varint(index), isNull ? Buffer.alloc(0) : write(branches[index]!, it, path)]);
      }
      case 'array': {
        const items = Array.isArray(it) ? [...it] : [];
        if (isBelow && items.length === 0) items.push(undefined);
        const { items: type } = one as { items?: AvroSchema };
        return blocks(items.map((item, i) => write(type!, item, [...path, i])));
      }
      case 'map': {
        const entries = Object.entries((it ?? {}) as Record<string, unknown>);
        if (isBelow) entries.push(['some-key', undefined]);
        const { values } = one as { values?: AvroSchema };
        return blocks(entries.map(([key, item]) => Buffer.concat([text(key), write(values!, item, [...path, key])])));
      }
      default:
        return primitive(one, it);
    }
  };
  return write(schema, value, []);
}

const samePath = (a: AvroPath, b: AvroPath): boolean => a.length === b.length && a.every((step, i) => step === b[i]);

function primitive(schema: AvroSchema, value: unknown): Buffer {
  switch (typeName(schema)) {
    case 'string':
      return text(typeof value === 'string' ? value : 'text');
    case 'bytes':
      return sized(Buffer.isBuffer(value) ? value : Buffer.alloc(0));
    case 'int':
    case 'long':
      return varint(typeof value === 'number' ? value : 1);
    case 'float':
      return float(typeof value === 'number' ? value : 1);
    case 'double':
      return double(typeof value === 'number' ? value : 1);
    case 'boolean':
      return Buffer.from([value === true ? 1 : 0]);
    case 'enum':
      return varint(Math.max(0, (schema as unknown as { symbols: string[] }).symbols.indexOf(String(value))));
    default:
      return Buffer.alloc(0);
  }
}

/** Avro's zig-zag number of variable length, up to 64 bits. */
export function varint(value: number | bigint): Buffer {
  // Nearly all are small, and large cases have a hundred thousand of them: those are done without numbers of 64 bits.
  if (typeof value === 'number' && Math.abs(value) < 2 ** 30) return smallVarint(value);
  let rest = BigInt.asUintN(64, (BigInt(value) << 1n) ^ (BigInt(value) >> 63n));
  const bytes: number[] = [];
  while (rest >= 0x80n) {
    bytes.push(Number(rest & 0x7fn) | 0x80);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

function smallVarint(value: number): Buffer {
  let rest = (value << 1) ^ (value >> 31);
  const bytes = Buffer.allocUnsafe(
    rest < 2 ** 7 ? 1 : rest < 2 ** 14 ? 2 : rest < 2 ** 21 ? 3 : rest < 2 ** 28 ? 4 : 5,
  );
  for (let at = 0; at < bytes.length; at++) {
    bytes[at] = at === bytes.length - 1 ? rest : (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  return bytes;
}

export function sized(bytes: Buffer): Buffer {
  return Buffer.concat([varint(bytes.length), bytes]);
}

export function text(value: string): Buffer {
  return sized(Buffer.from(value));
}

export function double(value: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return bytes;
}

export function float(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatLE(value);
  return bytes;
}

/** Items of a list or a map in one block. */
export function blocks(items: readonly Buffer[]): Buffer {
  const end = Buffer.from([0]);
  return items.length === 0 ? end : Buffer.concat([varint(items.length), ...items, end]);
}
