/** What a stranger may put where a field belongs: JSON texts, some for every field, some at the bounds of its schema. */
import type { JsonSchema } from './json-schema';

export interface HostileText {
  readonly how: string;
  readonly text: string | null;
  readonly again?: boolean;
}

/** Names that every object without care has already. */
export const prototypeWords = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf'];

const nested = (open: string, inside: string, close: string, depth: number): string =>
  open.repeat(depth) + inside + close.repeat(depth);
const list = (length: number, item: string): string => `[${new Array(length).fill(item).join(',')}]`;
const map = (length: number): string => `{${Array.from({ length }, (_, i) => `"key${i}":${i}`).join(',')}}`;

const everywhere: readonly HostileText[] = [
  { how: 'absent', text: null },
  { how: 'null', text: 'null' },
  { how: 'true', text: 'true' },
  { how: 'empty string', text: '""' },
  { how: 'string', text: '"surprise"' },
  { how: 'blank', text: '"   "' },
  { how: 'empty list', text: '[]' },
  { how: 'empty object', text: '{}' },
  { how: 'list of null', text: '[null]' },
  { how: 'object of null', text: '{"a":null}' },
  { how: '0', text: '0' },
  { how: '1', text: '1' },
  { how: '-1', text: '-1' },
  { how: '-0', text: '-0' },
  { how: 'fraction', text: '0.1' },
  { how: 'least double', text: '5e-324' },
  { how: 'largest double', text: '1.7976931348623157e308' },
  { how: '1e308', text: '1e308' },
  { how: '-1e308', text: '-1e308' },
  { how: 'infinite', text: '1e400' },
  { how: 'minus infinite', text: '-1e400' },
  { how: 'NaN', text: 'NaN' },
  { how: '"NaN"', text: '"NaN"' },
  { how: '2^31', text: '2147483648' },
  { how: '2^32', text: '4294967296' },
  { how: '2^53-1', text: '9007199254740991' },
  { how: '2^53', text: '9007199254740992' },
  { how: '-2^53', text: '-9007199254740992' },
  { how: '2^63', text: '9223372036854775808' },
  { how: 'many digits', text: `1${'0'.repeat(400)}` },
  ...prototypeWords.map((word) => ({ how: word, text: JSON.stringify(word) })),
  { how: 'map with __proto__', text: '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}' },
  { how: 'high surrogate', text: '"\\ud800"' },
  { how: 'low surrogate', text: '"a\\udc00b"' },
  { how: 'swapped surrogates', text: '"\\udc00\\ud800"' },
  { how: 'zero character', text: '"a\\u0000b"' },
  { how: 'line breaks', text: '"a\\r\\nb\\u2028c"' },
  { how: '201 characters', text: `"${'x'.repeat(201)}"` },
  { how: '10,000 characters', text: `"${'x'.repeat(10_000)}"` },
  { how: '300,000 characters', text: `"${'x'.repeat(300_000)}"` },
  { how: '100,000 wide characters', text: `"${'\u{1F600}'.repeat(50_000)}"` },
  { how: '20,000 zeros', text: list(20_000, '0') },
  { how: '20,000 strings', text: list(20_000, '"x"') },
  { how: '5,000 objects', text: list(5_000, '{}') },
  { how: '20,000 keys', text: map(20_000) },
  { how: 'deep lists', text: nested('[', '', ']', 20_000) },
  { how: 'deep objects', text: nested('{"a":', '1', '}', 5_000) },
  { how: 'given twice', text: '"again"', again: true },
];

/** All of them for a field of this schema, those at its own bounds first. */
export function hostileTexts(alternatives: readonly JsonSchema[]): HostileText[] {
  const own = alternatives.flatMap(atBounds);
  const known = new Set(everywhere.map(({ text }) => text));
  return [...own.filter(({ text }) => !known.has(text)), ...everywhere];
}

const maxListedItems = 50_000;

function atBounds(schema: JsonSchema): HostileText[] {
  const found: HostileText[] = [];
  const number = (how: string, value: number): void => void found.push({ how, text: String(value) });
  const bound = (name: string): number | null => (typeof schema[name] === 'number' ? (schema[name] as number) : null);
  for (const name of ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum']) {
    const value = bound(name);
    if (value === null) continue;
    number(name, value);
    const outwards = /inimum/.test(name) ? -1 : 1;
    number(`beyond ${name}`, value + outwards);
    number(`just beyond ${name}`, value + outwards * Math.max(Number.MIN_VALUE, Math.abs(value) * Number.EPSILON));
    number(`just within ${name}`, value - outwards * Math.max(Number.MIN_VALUE, Math.abs(value) * Number.EPSILON));
  }
  const length = (how: string, characters: number): void => {
    if (characters >= 0 && characters <= 2_000_000) found.push({ how, text: `"${'x'.repeat(characters)}"` });
  };
  const minLength = bound('minLength');
  const maxLength = bound('maxLength');
  if (minLength !== null) length('below minLength', minLength - 1);
  if (maxLength !== null) length('maxLength', maxLength);
  if (maxLength !== null) length('beyond maxLength', maxLength + 1);
  const maxItems = bound('maxItems');
  if (maxItems !== null && maxItems <= maxListedItems) {
    const item = JSON.stringify(itemOf(schema));
    found.push(
      { how: 'maxItems', text: list(maxItems, item) },
      { how: 'beyond maxItems', text: list(maxItems + 1, item) },
    );
  }
  for (const value of (schema['enum'] ?? []) as unknown[]) {
    found.push({ how: `enum ${String(value)}`, text: JSON.stringify(value) });
    found.push({ how: `enum ${String(value)}, lower case`, text: JSON.stringify(String(value).toLowerCase()) });
  }
  return found;
}

function itemOf(schema: JsonSchema): unknown {
  const items = schema['items'] as JsonSchema | undefined;
  return items?.['type'] === 'string' ? 'x' : items?.['type'] === 'object' ? {} : 0;
}
