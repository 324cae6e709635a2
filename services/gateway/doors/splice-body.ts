/**
 * Changes single fields of a JSON object in its text. Written anew from its values, a number that no double can hold would become
 * another one on its way to the provider.
 */
import { endOfString } from '../http/check-json-text';

interface Member {
  readonly key: string;
  /** Of the key. */
  readonly start: number;
  readonly valueStart: number;
  /** Behind the value. */
  readonly end: number;
}

/**
 * `text` is an object that `JSON.parse` has taken, without a key twice. `values` are written in place of those that are there, or in
 * front of all others; the fields of `without` are left out.
 */
export function spliceBody(
  text: string,
  values: Readonly<Record<string, unknown>>,
  without: readonly string[],
): string {
  const changed = new Map(Object.entries(values));
  const fields = membersOf(text)
    .filter(({ key }) => !without.includes(key))
    .map(({ key, start, valueStart, end }) => {
      if (!changed.has(key)) return text.slice(start, end);
      const value = JSON.stringify(changed.get(key));
      changed.delete(key);
      return text.slice(start, valueStart) + value;
    });
  const added = [...changed].map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`);
  return `{${[...added, ...fields].join(',')}}`;
}

const quote = 0x22;
const colon = 0x3a;
const comma = 0x2c;

/** The fields of the object itself, as they stand in the text. */
function membersOf(text: string): Member[] {
  const members: Member[] = [];
  let depth = 0;
  let start = -1;
  let keyEnd = -1;
  let valueStart = -1;
  const end = (at: number): void => {
    if (valueStart < 0) return;
    const raw = text.slice(start, keyEnd);
    members.push({ key: JSON.parse(raw) as string, start, valueStart, end: at });
    start = valueStart = -1;
  };
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      const from = at;
      at = endOfString(text, at);
      if (depth === 1 && start < 0) {
        start = from;
        keyEnd = at + 1;
      }
    } else if (code === 0x7b || code === 0x5b) depth++;
    else if (code === 0x7d || code === 0x5d) {
      depth--;
      if (depth === 0) end(at);
    } else if (depth === 1 && code === colon && valueStart < 0) valueStart = at + 1;
    else if (depth === 1 && code === comma) end(at);
  }
  return members;
}
