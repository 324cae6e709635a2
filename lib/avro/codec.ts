/**
 * Avro in the Confluent wire format: byte 0, the schema id as big-endian int32, Avro binary. Ids come from
 * `schemas/ids.json` (through `make generate`), so no registry is needed; every released version can be read.
 */
import type avro from 'avsc';
import { dictionaryOf } from '../dictionary';
import { schemaVersions } from '../topics/generated/schemas';
import { beginRecord, boundedTypeOf, type Part, partReaderOf } from './bounded-types';

/** The bytes are not a record of the expected type. `reason` is for people. */
export class UndecodableError extends Error {
  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = 'UndecodableError';
  }
}

/** A value does not fit its schema. `field` is the path of the first field that does not. */
export class InvalidRecordError extends Error {
  constructor(
    schemaName: string,
    readonly field: string,
    detail: string,
  ) {
    super(`${schemaName}.${field}: ${detail}`);
    this.name = 'InvalidRecordError';
  }
}

export interface Codec<T> {
  readonly schemaName: string;
  readonly schemaId: number;
  encode(value: T): Buffer;
  decode(bytes: Buffer): T;
  /**
   * The named fields alone, decoding nothing behind the last of them: for ids at the beginning of large records. Throws as
   * `decode` does; what is behind the fields is not looked at.
   */
  decodeFields<F extends keyof T & string>(bytes: Buffer, fields: readonly F[]): Pick<T, F>;
  /**
   * A decoder for whoever looks at few fields: it throws for what `decode` throws for, and what it gives has these fields at least
   * (all of them, where the record is of another version).
   */
  partDecoder(part: Part): (bytes: Buffer) => Partial<T>;
}

const headerBytes = 5;
const magicByte = 0;
/** All versions this process knows, by message type and id: its own, and those learned from newer processes. */
const writers = new Map<string, Map<number, unknown>>();
const idOwner = new Map<number, string>();
for (const [name, versions] of Object.entries(schemaVersions)) {
  writers.set(name, new Map(versions.map(({ id, schema }) => [id, schema])));
  for (const { id } of versions) idOwner.set(id, name);
}

/**
 * Makes a version readable that this process was not built with. False when its id stands for something else here, or
 * the message type is unknown: then it changes nothing.
 */
export function learnSchema(version: {
  readonly id: number;
  readonly name: string;
  readonly schema: unknown;
}): boolean {
  const { id, name, schema } = version;
  const known = writers.get(name);
  const owner = idOwner.get(id);
  if (!known || (owner !== undefined && owner !== name)) return false;
  if (known.has(id)) return JSON.stringify(known.get(id)) === JSON.stringify(schema);
  known.set(id, schema);
  idOwner.set(id, name);
  return true;
}

const codecs = new Map<string, Codec<unknown>>();

/** The codec of a message type; one instance per type. Throws for a name that has no schema. */
export function codecOf<T>(schemaName: string): Codec<T> {
  let codec = codecs.get(schemaName);
  if (!codec) {
    codec = createCodec(schemaName);
    codecs.set(schemaName, codec);
  }
  return codec as Codec<T>;
}

function createCodec(schemaName: string): Codec<unknown> {
  const versions = schemaVersions[schemaName];
  const latest = versions?.at(-1);
  if (!versions || !latest) throw new Error(`no schema named ${schemaName} under schemas/`);
  // Made at first use: a process has the codecs of all topics, and reads or writes few of them.
  let made: avro.Type | null = null;
  const typeInUse = (): avro.Type => {
    made ??= boundedTypeOf(latest.schema);
    return made;
  };
  const known = writers.get(schemaName)!;
  // Resolvers cost ten times a decode to make: one per writer version, made at first use.
  const resolverOf = new Map<number, Resolver | Error>();

  const read = (bytes: Buffer, writerId: number): unknown => {
    const type = typeInUse();
    beginRecord();
    if (writerId === latest.id) return type.fromBuffer(bytes);
    let resolver = resolverOf.get(writerId);
    if (!resolver) {
      resolver = resolverFor(type, known.get(writerId));
      resolverOf.set(writerId, resolver);
    }
    if (resolver instanceof Error) throw resolver;
    return type.fromBuffer(bytes, resolver);
  };

  const readFields = (bytes: Buffer, writerId: number, wanted: readonly string[]): unknown => {
    const layout = layoutOf(writerId);
    const found = dictionaryOf<string, unknown>();
    let missing = wanted.length;
    beginRecord();
    for (let at = 0, offset = 0; missing > 0 && at < layout.length; at++) {
      const field = layout[at]!;
      const { value, offset: next } = field.type.decode(bytes, offset);
      if (next < 0) throw new Error('truncated buffer');
      offset = next;
      if (!wanted.includes(field.name)) continue;
      found[field.name] = value;
      missing--;
    }
    // The version that wrote it has no such field: its default is the reader's.
    return missing > 0 ? read(bytes, writerId) : found;
  };
  /** Fields by writer version. */
  const layouts = new Map<number, readonly { readonly name: string; readonly type: avro.Type }[]>();
  const layoutOf = (writerId: number) => {
    let layout = layouts.get(writerId);
    if (!layout) {
      const writer = writerId === latest.id ? typeInUse() : boundedTypeOf(known.get(writerId));
      layout = (writer as avro.types.RecordType).fields.map(({ name, type: of }) => ({ name, type: of }));
      layouts.set(writerId, layout);
    }
    return layout;
  };

  const partDecoder = (part: Part) => {
    const readPart = partReaderOf(typeInUse(), part);
    const readBody = (body: Buffer, writerId: number): unknown => {
      if (writerId !== latest.id) return read(body, writerId);
      beginRecord();
      return readPart(body);
    };
    return (bytes: Buffer) => framed(bytes, readBody) as Record<string, unknown>;
  };

  /** Takes the frame off, and says of all that goes wrong which record it is. */
  const framed = (bytes: Buffer, readBody: (body: Buffer, writerId: number) => unknown): unknown => {
    if (bytes.length < headerBytes) throw new UndecodableError(`${bytes.length} bytes are too few for a framed record`);
    if (bytes[0] !== magicByte) throw new UndecodableError(`first byte is ${bytes[0]}, not the Confluent magic byte 0`);
    const id = writerIdOf(bytes);
    if (!known.has(id)) {
      const owner = idOwner.get(id);
      throw new UndecodableError(
        owner ? `schema id ${id} is a ${owner}, not a ${schemaName}` : `unknown schema id ${id}`,
      );
    }
    try {
      return readBody(bytes.subarray(headerBytes), id);
    } catch (error) {
      throw new UndecodableError(`not a ${schemaName} of schema id ${id}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  };

  // Records are written one behind the other into a chunk and are pieces of it, never copied. A chunk lives as long as the
  // last of its records; each type has chunks of its own, so that these live about equally long.
  let chunk = Buffer.allocUnsafeSlow(leastChunkBytes);
  let free = 0;
  return {
    schemaName,
    schemaId: latest.id,
    encode(value) {
      const type = typeInUse();
      let end = encodeInto(type, value, chunk, free + headerBytes, schemaName);
      if (end < 0) {
        const bytes = chunk.length - free - end;
        chunk = Buffer.allocUnsafeSlow(chunkBytesFor(bytes));
        free = 0;
        end = encodeInto(type, value, chunk, headerBytes, schemaName);
      }
      const record = chunk.subarray(free, end);
      record[0] = magicByte;
      record.writeInt32BE(latest.id, 1);
      free = end;
      return record;
    },
    decode: (bytes) => framed(bytes, read),
    decodeFields: (bytes, fields) => framed(bytes, (body, id) => readFields(body, id, fields)) as never,
    partDecoder,
  };
}

/** Id of the schema that a framed record was written with. */
export function writerIdOf(bytes: Buffer): number {
  return bytes.readInt32BE(1);
}

const leastChunkBytes = 16 * 1024;
const mostChunkBytes = 256 * 1024;
const recordsPerChunk = 16;

/** Room for several records like this one, and for a large one alone. */
function chunkBytesFor(recordBytes: number): number {
  return Math.max(recordBytes, Math.min(mostChunkBytes, Math.max(leastChunkBytes, recordsPerChunk * recordBytes)));
}

type Resolver = ReturnType<avro.Type['createResolver']>;

/** A schema that was learned need not be one: then it is found out once, not at every record that names it. */
function resolverFor(type: avro.Type, schema: unknown): Resolver | Error {
  try {
    return type.createResolver(boundedTypeOf(schema));
  } catch (error) {
    return error as Error;
  }
}

/** Returns where the record ends; where it does not fit, how many bytes are missing, below 0. */
function encodeInto(type: avro.Type, value: unknown, bytes: Buffer, start: number, schemaName: string): number {
  try {
    beginRecord();
    return type.encode(value, bytes, start);
  } catch (error) {
    let field: string | undefined;
    let detail = (error as Error).message;
    type.isValid(value, {
      errorHook(path, any, expected) {
        field ??= path.join('.');
        detail = `${JSON.stringify(any) ?? 'undefined'} is not ${expected.typeName ?? String(expected)}`;
      },
    });
    throw new InvalidRecordError(schemaName, field ?? '', detail);
  }
}
