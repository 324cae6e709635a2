/**
 * Looks over the text of a body before it is parsed, in one pass: how deep it is nested, how many values it has, whether a
 * key comes twice and whether a number is too large. `JSON.parse` would take all of these without a word (the last of two
 * keys wins, 1e400 becomes Infinity), and checking a million values afterwards would hold up everybody else's requests.
 */
import { formatPath } from '../../../lib/config/describe-issues';

/** Objects and lists inside one another. */
export const maxJsonDepth = 32;
/** Fields and list elements of one body, all together. */
export const maxJsonValues = 20_000;

export interface JsonTextFault {
  /** Path such as `limits.maxCostUsd`; empty for the whole body. */
  readonly field: string;
  readonly message: string;
}

/** The first fault; null for a text without one, or one that is no JSON at all: where it stops being JSON, the parser says. */
export function jsonTextFault(text: string): JsonTextFault | null {
  const levels: Level[] = [];
  let level: Level | undefined;
  let depth = 0;
  let values = 0;
  const faultAt = (message: string): JsonTextFault => ({
    field: formatPath(levels.slice(0, depth).map(({ isObject, key, index }) => (isObject ? key : index))),
    message,
  });
  const end = text.length;
  for (let at = 0; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) {
      const closing = endOfString(text, at);
      if (closing < 0) return null;
      if (level?.awaitsKey) {
        level.key = keyOf(text.slice(at + 1, closing));
        level.awaitsKey = false;
        if (level.keys.has(level.key)) return faultAt('is given twice; which of the two is meant?');
        if (level.key === '__proto__') return faultAt('may not be the name of a field');
        level.keys.add(level.key);
        if (++values > maxJsonValues) return tooMany;
      }
      at = closing;
    } else if (code === openBrace || code === openBracket) {
      if (depth === maxJsonDepth) return { field: '', message: `is nested deeper than ${maxJsonDepth} levels` };
      level = levels[depth] ?? emptyLevel();
      levels[depth] = level;
      depth++;
      level.isObject = code === openBrace;
      level.awaitsKey = level.isObject;
      level.index = 0;
      level.key = '';
      // Most objects are small: a new set is cheaper than to clear one that has grown large.
      if (level.keys.size > 0) level.keys = new Set();
    } else if (code === closeBrace || code === closeBracket) {
      if (depth === 0) return null;
      depth--;
      level = levels[depth - 1];
    } else if (code === comma && level) {
      level.awaitsKey = level.isObject;
      level.index++;
      if (!level.isObject && ++values > maxJsonValues) return tooMany;
    } else if (code === minus || (code >= zero && code <= nine)) {
      const next = endOfNumber(text, at);
      if (isTooLarge(text, at, next))
        return faultAt(`${text.slice(at, Math.min(next, at + 40))} is too large; numbers go up to 1.797e308`);
      at = next - 1;
    }
  }
  return null;
}

const quote = 0x22;
const backslash = 0x5c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const comma = 0x2c;
const minus = 0x2d;
const zero = 0x30;
const nine = 0x39;

const tooMany: JsonTextFault = {
  field: '',
  message: `has more than ${maxJsonValues} values (fields and list elements together)`,
};

/** One object or list that is open at this place. */
interface Level {
  isObject: boolean;
  /** Whether the next string is the name of a field. */
  awaitsKey: boolean;
  key: string;
  index: number;
  keys: Set<string>;
}

function emptyLevel(): Level {
  return { isObject: false, awaitsKey: false, key: '', index: 0, keys: new Set() };
}

/** Where the string that begins at `start` ends, its closing quote; -1 where it does not. */
export function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let first = at;
    while (text.charCodeAt(first - 1) === backslash) first--;
    // A quote after an odd number of backslashes is part of the string.
    if ((at - first) % 2 === 0) return at;
  }
  return -1;
}

/** Two spellings of one key are the same key. */
function keyOf(raw: string): string {
  if (!raw.includes('\\')) return raw;
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    return raw;
  }
}

function endOfNumber(text: string, start: number): number {
  let at = start + 1;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const isPart =
      (code >= zero && code <= nine) ||
      code === 0x2e ||
      code === 0x65 ||
      code === 0x45 ||
      code === 0x2b ||
      code === minus;
    if (!isPart) break;
  }
  return at;
}

/** Only an exponent or very many digits get that far. */
function isTooLarge(text: string, start: number, end: number): boolean {
  if (end - start < 4) return false;
  const number = text.slice(start, end);
  return (end - start > 300 || /[eE]/.test(number)) && Math.abs(Number(number)) === Number.POSITIVE_INFINITY;
}
