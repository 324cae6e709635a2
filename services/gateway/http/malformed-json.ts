/**
 * Says where a text stops being JSON, with the path of the field: `JSON.parse` names neither the field nor the usual
 * cause, which is a NaN or Infinity written by a client library. Runs only on text that has already failed to parse.
 */
import { formatPath } from '../../../lib/config/describe-issues';

export interface JsonFault {
  /** Path of the field being read, such as `limits.maxCostUsd`; empty outside any field. */
  readonly field: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

const maxDepth = 200;

class Fault extends Error {
  constructor(
    readonly at: number,
    readonly path: readonly (string | number)[],
    message: string,
  ) {
    super(message);
  }
}

export function locateJsonFault(text: string): JsonFault {
  const scanner = { text, at: 0, path: [] as (string | number)[] };
  try {
    skipSpace(scanner);
    readValue(scanner);
    skipSpace(scanner);
    throw faultAt(scanner, scanner.at < text.length ? 'text after the end of the JSON value' : 'not JSON');
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    let line = 1;
    let lineStart = 0;
    // Counted one by one: a list of all lines of a text of nothing else would take longer than the parsing.
    for (let at = 0; at < error.at; at++) {
      if (text.charCodeAt(at) !== 0x0a) continue;
      line++;
      lineStart = at + 1;
    }
    return { field: formatPath(error.path), line, column: error.at - lineStart + 1, message: error.message };
  }
}

interface Scanner {
  readonly text: string;
  at: number;
  path: (string | number)[];
}

const literal = /(?:true|false|null)(?![\w$])/y;
const number = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.+-])/y;
const escapeSequence = /\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y;
const notNumber = /[+-]?(?:NaN|Infinity|nan|inf)\b/y;
const space = /[ \t\r\n]*/y;

function readValue(scanner: Scanner): void {
  const next = scanner.text[scanner.at];
  if (scanner.path.length > maxDepth) throw faultAt(scanner, `nested deeper than ${maxDepth}`);
  if (next === '{') readMembers(scanner, '}', readMember);
  else if (next === '[') readMembers(scanner, ']', readElement);
  else readScalar(scanner, next);
}

function readScalar(scanner: Scanner, next: string | undefined): void {
  if (readString(scanner) !== null || match(scanner, literal) || match(scanner, number)) return;
  const odd = peek(scanner, notNumber);
  if (odd)
    throw faultAt(
      scanner,
      `${odd} is not a number that JSON can carry; leave the field out or send null where it allows it`,
    );
  if (next === undefined) throw faultAt(scanner, 'the JSON text ends too early');
  throw faultAt(
    scanner,
    next === '"' ? 'a string that does not end, or with a bad escape' : `unexpected ${JSON.stringify(next)}`,
  );
}

function readMembers(scanner: Scanner, close: string, readOne: (scanner: Scanner, index: number) => void): void {
  scanner.at++;
  skipSpace(scanner);
  if (scanner.text[scanner.at] === close) {
    scanner.at++;
    return;
  }
  for (let index = 0; ; index++) {
    readOne(scanner, index);
    skipSpace(scanner);
    const next = scanner.text[scanner.at];
    if (next !== ',' && next !== close) {
      throw faultAt(
        scanner,
        next === undefined ? 'the JSON text ends too early' : `expected "," or "${close}", not ${JSON.stringify(next)}`,
      );
    }
    scanner.at++;
    if (next === close) return;
    skipSpace(scanner);
  }
}

function readMember(scanner: Scanner): void {
  const key = readString(scanner);
  if (key === null) throw faultAt(scanner, 'expected a field name in double quotes');
  scanner.path.push(JSON.parse(key) as string);
  skipSpace(scanner);
  if (scanner.text[scanner.at] !== ':') throw faultAt(scanner, 'expected ":" after the field name');
  scanner.at++;
  skipSpace(scanner);
  readValue(scanner);
  scanner.path.pop();
}

/** The string with its quotes; null, without moving, where there is none. A loop: a pattern over megabytes runs out of stack. */
function readString(scanner: Scanner): string | null {
  const { text, at: start } = scanner;
  if (text[start] !== '"') return null;
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) {
      scanner.at = at + 1;
      return text.slice(start, scanner.at);
    }
    if (code < 0x20) return null;
    if (code !== 0x5c) continue;
    escapeSequence.lastIndex = at;
    const escaped = escapeSequence.exec(text);
    if (!escaped) return null;
    at += escaped[0].length - 1;
  }
  return null;
}

function readElement(scanner: Scanner, index: number): void {
  scanner.path.push(index);
  readValue(scanner);
  scanner.path.pop();
}

function peek(scanner: Scanner, pattern: RegExp): string | null {
  pattern.lastIndex = scanner.at;
  return pattern.exec(scanner.text)?.[0] ?? null;
}

function match(scanner: Scanner, pattern: RegExp): string | null {
  const found = peek(scanner, pattern);
  if (found !== null) scanner.at += found.length;
  return found;
}

function skipSpace(scanner: Scanner): void {
  match(scanner, space);
}

function faultAt(scanner: Scanner, message: string): Fault {
  return new Fault(scanner.at, [...scanner.path], message);
}
