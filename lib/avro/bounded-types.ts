/**
 * Avro types for bytes that anybody may have written. avsc believes every count and length it reads, so 26 bytes can
 * keep it busy for ever; the types here ask the bytes that are left, and a stated maximum, before they believe any.
 */
import { isUtf8 } from 'node:buffer';
import { toUSVString } from 'node:util';
import avro from 'avsc';
import { dictionaryOf } from '../dictionary';
import { zeros } from '../doubles';

/**
 * Items of all arrays and maps of one record together; an entry of a map counts three times, since it takes that much longer to
 * read. The largest record of the engine, a pending route of eight groups with 256 models each, has 51,000; the dearest one
 * that is allowed, a map of 20,000 keys, is decoded in some 20 ms.
 */
export const maxItems = 60_000;
const itemsPerEntry = 3;

/** What avsc reads from and writes to; its declarations do not show it. */
interface Tap {
  readonly buf: Buffer;
  pos: number;
  readLong(): number;
  readInt(): number;
  readFixed(byteLength: number): Buffer;
  writeLong(value: number): void;
  writeString(value: string): void;
}

interface TapType {
  _read(tap: Tap): unknown;
  _skip(tap: Tap): void;
  _write(tap: Tap, value: unknown): void;
}

// Bound once: a test runner intercepts globals, and looking Math up per letter then costs more than the loop.
const { imul } = Math;

type TypeClass = new (...given: unknown[]) => avro.Type;

/** How many more items the record in hand may have: avsc hands nothing down while it reads or writes. */
let itemsLeft = 0;

/** To be called before every record that is read or written with the types of this file. */
export function beginRecord(): void {
  itemsLeft = maxItems;
}

function takeItems(count: number): void {
  itemsLeft -= count;
  if (itemsLeft < 0)
    throw new Error(`more than ${maxItems} items in arrays and maps (an entry of a map counts as three)`);
}

function bytesLeft({ buf, pos }: Tap): number {
  return buf.length - pos;
}

/** A length that the bytes bear out. Written so that NaN, which avsc makes of endless numbers, is refused too. */
function readLength(tap: Tap, what: string): number {
  const length = tap.readLong();
  const left = bytesLeft(tap);
  if (!(length >= 0 && length <= left)) throw new Error(`${what} of ${length} bytes where ${left} are left`);
  return length;
}

/**
 * The number of items in the next block; 0 ends the array or map. Every item of our schemas takes a byte at least, so
 * there are never more than bytes. A negative number says that the size of the block follows, which has to be borne out, too.
 */
function readCount(tap: Tap, itemsEach: number): number {
  const announced = tap.readLong();
  const count = Math.abs(announced);
  if (announced < 0) readLength(tap, 'a block');
  const left = bytesLeft(tap);
  if (!(count <= left)) throw new Error(`${count} items where ${left} bytes are left`);
  takeItems(itemsEach * count);
  return count;
}

/** Text that is none is refused: replaced by U+FFFD, as Buffer does it, different ids would become one. */
function readText(tap: Tap): string {
  const byteLength = readLength(tap, 'a string');
  const { buf, pos: start } = tap;
  tap.pos += byteLength;
  if (byteLength <= maxPlainText) {
    const plain = plainText(buf, start, tap.pos);
    if (plain !== null) return plain;
  }
  const text = buf.toString('utf8', start, tap.pos);
  if (text.includes('\ufffd') && !isUtf8(buf.subarray(start, tap.pos))) throw new Error('a string is not UTF-8');
  return text;
}

/** Passes over a text that nobody looks at; one that `readText` would refuse is refused. */
function skipText(tap: Tap): void {
  const byteLength = readLength(tap, 'a string');
  const { buf, pos: start } = tap;
  tap.pos += byteLength;
  if (byteLength <= maxPlainText && isPlain(buf, start, tap.pos)) return;
  if (!isUtf8(buf.subarray(start, tap.pos))) throw new Error('a string is not UTF-8');
}

function isPlain(buf: Buffer, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if (buf[i]! > 0x7f) return false;
  return true;
}

/** Names, ids and hashes are shorter; for longer texts the calls into native code cost less than this loop. */
const maxPlainText = 80;

/**
 * Texts that were read lately, by a hash of their bytes: names of models, strategies and versions stand in every record. One that
 * is read again is the same text instead of a new one. Another text with the same place takes it over.
 */
const readLately = new Array<string>(2048).fill('');

/** A text of ASCII alone; null when it is another one. */
function plainText(buf: Buffer, start: number, end: number): string | null {
  let hash = 0;
  for (let i = start; i < end; i++) {
    const code = buf[i]!;
    if (code > 0x7f) return null;
    hash = (imul(hash, 31) + code) | 0;
  }
  const place = (hash ^ (hash >>> 15)) & (readLately.length - 1);
  const known = readLately[place]!;
  if (isTextAt(known, buf, start, end)) return known;
  const text = buf.toString('latin1', start, end);
  readLately[place] = text;
  return text;
}

function isTextAt(text: string, buf: Buffer, start: number, end: number): boolean {
  if (text.length !== end - start) return false;
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) !== buf[start + i]) return false;
  return true;
}

function writeText(tap: Tap, text: string): void {
  const start = tap.pos;
  if (text.length > maxPlainText || !writePlainText(tap, text)) {
    tap.pos = start;
    // Lone surrogates have no bytes in UTF-8, and avsc would write some that nobody can read.
    tap.writeString(toUSVString(text));
  }
}

/** Writes a text of ASCII alone, a byte a character; false when it is another one. What does not fit is not written, as avsc does it. */
function writePlainText(tap: Tap, text: string): boolean {
  const { length } = text;
  tap.writeLong(length);
  const { buf, pos } = tap;
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return false;
    buf[pos + i] = code;
  }
  tap.pos = pos + length;
  return true;
}

let viewedBytes: Buffer | null = null;
let lastView: DataView = new DataView(new ArrayBuffer(0));

/** A view of the bytes in hand; the numbers of a record come one after the other, so the last view is the next one. */
function viewOf(bytes: Buffer): DataView {
  if (bytes !== viewedBytes) {
    viewedBytes = bytes;
    lastView = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }
  return lastView;
}

const doubleBytes = 8;

function readDouble(tap: Tap): number {
  const { buf, pos } = tap;
  tap.pos = pos + doubleBytes;
  // avsc finds out at the end of a record that it has gone beyond its bytes.
  return tap.pos > buf.length ? 0 : viewOf(buf).getFloat64(pos, true);
}

function writeDouble(tap: Tap, value: unknown): void {
  if (typeof value !== 'number') throw new Error(`invalid "double": ${typeof value}`);
  const { buf, pos } = tap;
  tap.pos = pos + doubleBytes;
  if (tap.pos <= buf.length) viewOf(buf).setFloat64(pos, value, true);
}

/** Numbers in a row. What is beyond the bytes is 0, as above. */
function readDoubles(tap: Tap, count: number): number[] {
  const { buf, pos } = tap;
  tap.pos = pos + doubleBytes * count;
  const numbers = zeros(count);
  if (tap.pos > buf.length) return numbers;
  const view = viewOf(buf);
  for (let i = 0; i < count; i++) numbers[i] = view.getFloat64(pos + doubleBytes * i, true);
  return numbers;
}

function writeDoubles(tap: Tap, values: readonly unknown[]): void {
  const { buf, pos } = tap;
  tap.pos = pos + doubleBytes * values.length;
  const view = viewOf(buf);
  const isRoom = tap.pos <= buf.length;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (typeof value !== 'number') throw new Error(`invalid "double": ${typeof value}`);
    if (isRoom) view.setFloat64(pos + doubleBytes * i, value, true);
  }
}

/** With a view of the bytes instead of eight writes a number: most of our numbers are doubles. */
class BoundedDouble extends (avro.types.DoubleType as unknown as TypeClass) {
  _read(tap: Tap): number {
    return readDouble(tap);
  }

  _write(tap: Tap, value: unknown): void {
    writeDouble(tap, value);
  }
}

class BoundedInt extends (avro.types.IntType as unknown as TypeClass) {
  _read(tap: Tap): number {
    const value = tap.readInt();
    if ((value | 0) !== value) throw new Error(`${value} is no int`);
    return value;
  }

  _skip(tap: Tap): void {
    this._read(tap);
  }
}

class BoundedLong extends (avro.types.LongType as unknown as TypeClass) {
  declare _read: (tap: Tap) => number;

  _skip(tap: Tap): void {
    this._read(tap);
  }
}

class BoundedEnum extends (avro.types.EnumType as unknown as TypeClass) {
  declare _read: (tap: Tap) => string;

  _skip(tap: Tap): void {
    this._read(tap);
  }
}

class BoundedString extends (avro.types.StringType as unknown as TypeClass) {
  _read(tap: Tap): string {
    return readText(tap);
  }

  _skip(tap: Tap): void {
    skipText(tap);
  }

  _write(tap: Tap, value: unknown): void {
    if (typeof value !== 'string') throw new Error(`invalid "string": ${typeof value}`);
    writeText(tap, value);
  }
}

class BoundedBytes extends (avro.types.BytesType as unknown as TypeClass) {
  _read(tap: Tap): Buffer {
    return tap.readFixed(readLength(tap, 'bytes'));
  }

  _skip(tap: Tap): void {
    const byteLength = readLength(tap, 'bytes');
    tap.pos += byteLength;
  }
}

/** No method: what reads other versions of a list borrows `_read` alone. */
function readItems(tap: Tap, count: number, itemsType: TapType): unknown[] {
  if (itemsType instanceof BoundedDouble) return readDoubles(tap, count);
  const items = new Array<unknown>(count);
  for (let i = 0; i < count; i++) items[i] = itemsType._read(tap);
  return items;
}

class BoundedArray extends (avro.types.ArrayType as unknown as TypeClass) {
  declare readonly itemsType: TapType;

  _read(tap: Tap): unknown[] {
    const first = readCount(tap, 1);
    if (first === 0) return [];
    const items = readItems(tap, first, this.itemsType);
    // Nearly every list is of one block.
    for (let count = readCount(tap, 1); count > 0; count = readCount(tap, 1))
      for (const item of readItems(tap, count, this.itemsType)) items.push(item);
    return items;
  }

  _skip(tap: Tap): void {
    const { itemsType } = this;
    for (let count = readCount(tap, 1); count > 0; count = readCount(tap, 1)) {
      if (itemsType instanceof BoundedDouble) tap.pos += doubleBytes * count;
      else for (let i = 0; i < count; i++) itemsType._skip(tap);
    }
  }

  _write(tap: Tap, value: unknown): void {
    if (!Array.isArray(value)) throw new Error(`invalid "array": ${typeof value}`);
    takeItems(value.length);
    if (value.length > 0) {
      tap.writeLong(value.length);
      if (this.itemsType instanceof BoundedDouble) writeDoubles(tap, value);
      else for (let i = 0; i < value.length; i++) this.itemsType._write(tap, value[i]);
    }
    tap.writeLong(0);
  }
}

/** Maps are keyed by words from outside, so what is read has no prototype: `constructor` is a key like any other. */
class BoundedMap extends (avro.types.MapType as unknown as TypeClass) {
  declare readonly valuesType: TapType;

  _read(tap: Tap): Record<string, unknown> {
    const entries: Record<string, unknown> = Object.create(null);
    for (let count = readCount(tap, itemsPerEntry); count > 0; count = readCount(tap, itemsPerEntry)) {
      for (let i = 0; i < count; i++) {
        const key = readText(tap);
        entries[key] = this.valuesType._read(tap);
      }
    }
    return entries;
  }

  _skip(tap: Tap): void {
    for (let count = readCount(tap, itemsPerEntry); count > 0; count = readCount(tap, itemsPerEntry)) {
      for (let i = 0; i < count; i++) {
        skipText(tap);
        this.valuesType._skip(tap);
      }
    }
  }

  _write(tap: Tap, value: unknown): void {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw new Error(`invalid "map": ${typeof value}`);
    const keys = Object.keys(value);
    takeItems(itemsPerEntry * keys.length);
    if (keys.length > 0) {
      tap.writeLong(keys.length);
      for (const key of keys) {
        writeText(tap, key);
        this.valuesType._write(tap, (value as Record<string, unknown>)[key]);
      }
    }
    tap.writeLong(0);
  }
}

/**
 * Fields of a record that somebody looks at. Of a field that is a record, or a list of them, a part can be named in turn.
 */
export interface Part {
  readonly [field: string]: true | Part;
}

type Read = (tap: Tap) => unknown;

function partReadOf(type: TapType, part: Part): Read {
  if (type instanceof BoundedRecord) return type.partReader(part);
  if (!(type instanceof BoundedArray)) throw new Error(`${type} has no fields`);
  const items = Object.create(type, {
    itemsType: { value: { _read: partReadOf(type.itemsType, part) } },
  }) as BoundedArray;
  return (tap) => items._read(tap);
}

/**
 * Reads a part of each record of this type, after `beginRecord`. Throws for bytes that are no whole record, as reading all of it does.
 * Throws at once when the type has no such part.
 */
export function partReaderOf(type: avro.Type, part: Part): (bytes: Buffer) => unknown {
  const _read = partReadOf(type as unknown as TapType, part);
  const partial = Object.create(type, { _read: { value: _read } }) as avro.Type;
  return (bytes) => partial.fromBuffer(bytes);
}

interface RecordField {
  readonly name: string;
  readonly type: TapType;
  /** Undefined where there is none. */
  defaultValue(): unknown;
}

/**
 * Readers and writers of records call those of numbers and texts by name, where avsc asks each field's type: a call that may go to
 * any type has to hand each number over as an object. Otherwise they are made as avsc makes them.
 */
class BoundedRecord extends (avro.types.RecordType as unknown as TypeClass) {
  declare readonly fields: readonly RecordField[];
  declare readonly recordConstructor: unknown;

  /** Called by avsc's constructor. */
  _createReader(): unknown {
    const reads = this.fields.map((_, i) => this.readOf(i));
    return compiled(
      { Created: this.recordConstructor, ...this.called() },
      `return function read(tap) { return new Created(${reads.join(', ')}); }`,
    );
  }

  /** Called by avsc's constructor. A field that is left out is written with its default. */
  _createWriter(): unknown {
    const defaults = this.fields.map(({ type, defaultValue }) => {
      const value = defaultValue();
      return value === undefined ? null : (type as unknown as avro.Type).toBuffer(value).toString('binary');
    });
    const writes = this.fields.map(({ name, type }, i) => {
      const write = type instanceof BoundedDouble ? `writeDouble(tap, v${i});` : `t${i}._write(tap, v${i});`;
      const given = `const v${i} = value.${name};`;
      if (defaults[i] === null) return `${given} ${write}`;
      return `${given} if (v${i} === undefined) tap.writeBinary(defaults[${i}], defaults[${i}].length); else ${write}`;
    });
    return compiled({ defaults, ...this.called() }, `return function write(tap, value) { ${writes.join('\n')} }`);
  }

  /** Reads the fields that are named; the others are passed over, checked as if they were read. */
  partReader(part: Part): Read {
    const { fields } = this;
    for (const name of Object.keys(part))
      if (!fields.some((field) => field.name === name)) throw new Error(`${this} has no field named ${name}`);
    const given: string[] = [];
    const parts: [string, Read][] = [];
    const steps = fields.map(({ name, type }, i) => {
      const wanted = Object.hasOwn(part, name) ? part[name]! : null;
      if (wanted === null) return type instanceof BoundedString ? 'skipText(tap);' : `t${i}._skip(tap);`;
      given.push(`${name}: f${i}`);
      if (wanted === true) return `const f${i} = ${this.readOf(i)};`;
      parts.push([`part${i}`, partReadOf(type, wanted)]);
      return `const f${i} = part${i}(tap);`;
    });
    return compiled(
      { ...dictionaryOf(parts), ...this.called() },
      `return function readPart(tap) { ${steps.join('\n')} return { ${given.join(', ')} }; }`,
    ) as Read;
  }

  private readOf(field: number): string {
    const { type } = this.fields[field]!;
    if (type instanceof BoundedDouble) return 'readDouble(tap)';
    return type instanceof BoundedString ? 'readText(tap)' : `t${field}._read(tap)`;
  }

  private called(): Record<string, unknown> {
    const types = this.fields.map(({ type }, i) => [`t${i}`, type] as const);
    return { ...dictionaryOf(types), readDouble, readText, skipText, writeDouble };
  }
}

function compiled(known: Readonly<Record<string, unknown>>, body: string): unknown {
  return new Function(...Object.keys(known), body)(...Object.values(known));
}

/** A union of null and one other type: the value says which it is without a table of types. */
class BoundedOptional extends (avro.types.UnwrappedUnionType as unknown as TypeClass) {
  declare readonly types: readonly TapType[];

  _write(tap: Tap, value: unknown): void {
    if (value === undefined) throw new Error('invalid "union": undefined');
    tap.writeLong(value === null ? 0 : 1);
    if (value !== null) this.types[1]!._write(tap, value);
  }
}

function isOptional(part: unknown): part is readonly [avro.Schema, avro.Schema] {
  return Array.isArray(part) && part.length === 2 && part[0] === 'null';
}

/** They hold nothing, so one of each serves all schemas. */
const primitives = new Map<unknown, avro.Type>([
  ['int', new BoundedInt()],
  ['long', new BoundedLong()],
  ['double', new BoundedDouble()],
  ['string', new BoundedString()],
  ['bytes', new BoundedBytes()],
]);

/** The type of a schema, for reading and writing after `beginRecord`. Throws for what is no Avro schema. */
export function boundedTypeOf(schema: unknown): avro.Type {
  const options = {
    wrapUnions: false,
    typeHook(part: unknown, opts: unknown): avro.Type | undefined {
      if (isOptional(part)) {
        const branches = part.map((branch) => avro.Type.forSchema(branch, opts as avro.ForSchemaOptions));
        return new BoundedOptional(branches, opts);
      }
      const kind = typeof part === 'string' ? part : (part as { type?: unknown }).type;
      if (kind === 'array') return new BoundedArray(part, opts);
      if (kind === 'enum') return new BoundedEnum(part, opts);
      if (kind === 'map') return new BoundedMap(part, opts);
      if (kind === 'record') return new BoundedRecord(part, opts);
      return primitives.get(kind);
    },
  };
  return avro.Type.forSchema(schema as avro.Schema, options as avro.ForSchemaOptions);
}
