/**
 * Which numbers a message can carry and all later arithmetic stands, derived once from its schema: the HTTP door makes its
 * body schemas of it, and intake asks it about what came over Kafka. A number outside would make `encode` throw, or a date
 * invalid, long after its request was taken in.
 */
import { schemaVersions } from './generated/schemas';

export interface NumberRange {
  readonly min: number;
  readonly max: number;
  readonly isInteger: boolean;
}

/** The end of the year 9999: a `Date` reaches further, but not every database and not the ISO format of four digits. */
export const maxTimeMs = 253_402_300_799_999;

const int: NumberRange = { min: -2_147_483_648, max: 2_147_483_647, isInteger: true };
/** The encoder takes no integer at or beyond the last one that a double carries exactly. */
const long: NumberRange = { min: -(2 ** 53 - 2), max: 2 ** 53 - 2, isInteger: true };
const time: NumberRange = { min: 0, max: maxTimeMs, isInteger: true };
const double: NumberRange = { min: -Number.MAX_VALUE, max: Number.MAX_VALUE, isInteger: false };
export const float32: NumberRange = { min: -3.4028234663852886e38, max: 3.4028234663852886e38, isInteger: false };

interface AvroRecord {
  readonly type: 'record';
  readonly name: string;
  readonly fields: readonly { readonly name: string; readonly type: unknown }[];
}

/** The range of a number at this path, such as `limits.maxCostUsd`. Throws where there is no number. */
export function rangeOf(message: string, path: string): NumberRange {
  const found = numbersOf(message).find((number) => number.path.join('.') === path);
  if (!found) throw new Error(`${message}.${path} is no number`);
  return found.range;
}

export interface NumberFault {
  readonly field: string;
  readonly reason: string;
}

/** The first number of a record that is outside its range; null when all are inside. Lists and maps are not looked into. */
export function numberFault(message: string, record: unknown): NumberFault | null {
  for (const { path, range } of numbersOf(message)) {
    let value: unknown = record;
    for (const name of path) value = (value as Record<string, unknown> | null | undefined)?.[name];
    if (typeof value !== 'number' || isWithin(range, value)) continue;
    const kind = range.isInteger ? `a whole number from ${range.min} to ${range.max}` : 'a finite number';
    return { field: path.join('.'), reason: `must be ${kind}, not ${value}` };
  }
  return null;
}

function isWithin({ min, max, isInteger }: NumberRange, value: number): boolean {
  return value >= min && value <= max && (!isInteger || Number.isInteger(value));
}

interface NumberAt {
  readonly path: readonly string[];
  readonly range: NumberRange;
}

const known = new Map<string, readonly NumberAt[]>();

function numbersOf(message: string): readonly NumberAt[] {
  let numbers = known.get(message);
  if (!numbers) {
    const schema = schemaVersions[message]?.at(-1)?.schema;
    if (!schema) throw new Error(`no message named ${message} under schemas/`);
    numbers = numbersUnder(schema, []);
    known.set(message, numbers);
  }
  return numbers;
}

function numbersUnder(type: unknown, path: readonly string[]): NumberAt[] {
  if (Array.isArray(type)) return type.flatMap((branch) => numbersUnder(branch, path));
  const isTime = path.at(-1)?.endsWith('AtMs') === true;
  if (type === 'int') return [{ path, range: int }];
  if (type === 'long') return [{ path, range: isTime ? time : long }];
  if (type === 'double') return [{ path, range: double }];
  if (type === 'float') return [{ path, range: float32 }];
  const record = type as AvroRecord | null;
  if (typeof record !== 'object' || record?.type !== 'record') return [];
  return record.fields.flatMap((field) => numbersUnder(field.type, [...path, field.name]));
}
