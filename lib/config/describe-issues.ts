/**
 * Says what is wrong with a value in words of the reader's file or request instead of zod's: one line per fault, with
 * the path of the field and, for names that do not exist, the nearest one that does.
 */

import { distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { ownEntry } from '../dictionary';

/** Longer texts are not repeated in messages: they may be a prompt. */
const maxShown = 40;

export type Path = readonly (string | number)[];

/** One fault of a value. `path` points at the offending field (at the unknown key itself, or at the missing one). */
export interface Issue {
  readonly path: Path;
  readonly message: string;
  /** Which end of the field the fault is about: an unknown key is pointed at as a key, anything else as a value. */
  readonly at: 'key' | 'value';
}

/** Parses `value`; on failure, all faults at once in reading order. */
export function checkValue<T>(
  schema: z.ZodType<T>,
  value: unknown,
): { ok: true; value: T } | { ok: false; issues: Issue[] } {
  const parsed = schema.safeParse(value);
  if (parsed.success) return { ok: true, value: parsed.data };
  return { ok: false, issues: parsed.error.issues.flatMap((issue) => describeIssue(schema, issue, value)) };
}

/** `models.2.price.inputPerMillionUsd`, as dead letters write it too; empty for the whole value. */
export function formatPath(path: Path): string {
  return path.join('.');
}

/** Names the nearest known name, to be put behind "unknown x": `; did you mean "y"?`; nothing when none is near. */
export function suggestName(name: string, known: readonly string[]): string {
  if (known.length === 0) return '';
  const lower = name.slice(0, maxShown).toLowerCase();
  const nearest = known.reduce((best, candidate) =>
    distance(lower, candidate.toLowerCase()) < distance(lower, best.toLowerCase()) ? candidate : best,
  );
  const edits = distance(lower, nearest.toLowerCase());
  const isPart = lower.length >= 3 && nearest.toLowerCase().startsWith(lower);
  const isNear = isPart || (edits <= Math.max(2, Math.floor(lower.length / 3)) && edits < lower.length);
  return isNear ? `; did you mean "${nearest}"?` : '';
}

function describeIssue(schema: z.ZodType, issue: z.core.$ZodIssue, root: unknown): Issue[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema, path);
    return issue.keys.map((key) => ({
      path: [...path, key],
      at: 'key',
      message: `unknown field ${shown(key)}${suggestName(key, known)}`,
    }));
  }
  const value = valueAt(root, path);
  return [
    {
      path,
      at: 'value',
      message: value === undefined && issue.code !== 'custom' ? 'is required' : messageOf(issue, value),
    },
  ];
}

function messageOf(issue: z.core.$ZodIssue, value: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${nounOf(issue.expected)}, not ${shown(value)}`;
    case 'invalid_value': {
      const known = issue.values.map(String);
      const meant = typeof value === 'string' ? suggestName(value, known) : '';
      return `must be one of ${known.join(', ')}, not ${shown(value)}${meant}`;
    }
    case 'too_small':
      return `must be ${sizeOf(issue.origin, issue.inclusive ? 'at least' : 'more than', issue.minimum)}${givenOf(value)}`;
    case 'too_big':
      return `must be ${sizeOf(issue.origin, issue.inclusive ? 'at most' : 'less than', issue.maximum)}${givenOf(value)}`;
    case 'custom':
      return issue.message;
    default:
      return `${issue.message}${givenOf(value)}`;
  }
}

function sizeOf(origin: string, relation: string, limit: number | bigint): string {
  if (origin === 'array') return `a list of ${relation} ${limit}`;
  if (origin === 'string') return `${relation} ${limit} characters long`;
  return `${relation} ${limit}`;
}

const nouns = new Map([
  ['int', 'a whole number'],
  ['array', 'a list'],
  ['record', 'an object'],
  ['object', 'an object'],
]);

function nounOf(expected: string): string {
  return nouns.get(expected) ?? `a ${expected}`;
}

function givenOf(value: unknown): string {
  return typeof value === 'number' ? `, not ${value}` : '';
}

/** A short picture of a wrong value. */
function shown(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'string')
    return value.length <= maxShown ? JSON.stringify(value) : `text of ${value.length} characters`;
  return String(value);
}

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (value === null || typeof value !== 'object') return undefined;
    value = ownEntry(value as Record<string, unknown>, String(part));
  }
  return value;
}

/** Takes defaults and options off a schema. */
export function unwrapped(schema: z.ZodType): z.ZodType {
  let inner = schema;
  while (
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodOptional ||
    inner instanceof z.ZodNullable
  ) {
    inner = inner.unwrap() as z.ZodType;
  }
  return inner;
}

function knownKeys(schema: z.ZodType, path: Path): string[] {
  let inner = unwrapped(schema);
  for (const part of path) {
    if (inner instanceof z.ZodObject) inner = unwrapped(inner.shape[part as string] as z.ZodType);
    else if (inner instanceof z.ZodArray) inner = unwrapped(inner.element as z.ZodType);
    else if (inner instanceof z.ZodRecord) inner = unwrapped(inner.valueType as z.ZodType);
  }
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}
