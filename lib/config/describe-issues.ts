/**
 * Says what is wrong with a value in words of the reader's file or request instead of zod's: one line per fault, with
 * the path of the field and, for names that do not exist, the nearest one that does.
 */

import { distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { ownEntry } from '../dictionary';

/** Longer texts are not repeated in messages: they may be a prompt. */
const maxShown = 40;
/** Faults that are collected of one value: more would cost time and tell nobody anything new. */
export const maxIssues = 20;
/** Unknown keys for which the nearest known one is looked for. */
const maxSuggestions = 5;
/** A longer list is checked element by element, so that checking can stop at the last fault that is collected. */
const maxWholeList = 64;
/** A longer name is cut where it is part of a path. */
const maxPathPart = 64;

export type Path = readonly (string | number)[];

/** One fault of a value. `path` points at the offending field (at the unknown key itself, or at the missing one). */
export interface Issue {
  readonly path: Path;
  readonly message: string;
  /** Which end of the field the fault is about: an unknown key is pointed at as a key, anything else as a value. */
  readonly at: 'key' | 'value';
}

/** The faults of a value that was refused. */
export interface Refused {
  readonly ok: false;
  /** At most 20, in reading order. */
  readonly issues: Issue[];
  /** Whether there may be more: checking stopped at so many. */
  readonly stopped: boolean;
}

/**
 * Parses `value`; on failure, all faults at once in reading order, up to 20. The time it takes is bounded by the size of
 * the value, not by the number of faults, and a list that is too long is refused before its elements are looked at.
 */
export function checkValue<T>(schema: z.ZodType<T>, value: unknown): { ok: true; value: T } | Refused {
  const longLists: Issue[] = [];
  const walk = walkerOf(schema);
  if (walk && !walk(value, [], longLists)) return { ok: false, issues: longLists, stopped: true };
  const parsed = schema.safeParse(value);
  if (parsed.success) return { ok: true, value: parsed.data };
  const issues: Issue[] = [];
  for (const issue of parsed.error.issues.filter(isNarrowest)) {
    issues.push(...describeIssue(schema, issue, value, [], maxIssues + 1 - issues.length));
    if (issues.length > maxIssues) break;
  }
  return { ok: false, issues: issues.slice(0, maxIssues), stopped: issues.length > maxIssues };
}

/**
 * Looks into the lists and maps of a value. False when checking ends here: a list is too long, or so many faults were found
 * that the rest need not be looked at.
 */
type ListWalker = (value: unknown, path: Path, issues: Issue[]) => boolean;

/** Made once per schema; null for one without lists and maps. */
const walkers = new WeakMap<z.ZodType, ListWalker | null>();

function walkerOf(schema: z.ZodType): ListWalker | null {
  let walker = walkers.get(schema);
  if (walker === undefined) {
    walker = makeWalker(unwrapped(schema));
    walkers.set(schema, walker);
  }
  return walker;
}

function makeWalker(schema: z.ZodType): ListWalker | null {
  askOwnLengthsOnly(schema);
  if (schema instanceof z.ZodUnion) {
    const options = schema.options.map((option) => walkerOf(option as z.ZodType)).filter((option) => option !== null);
    if (options.length === 0) return null;
    return (value, path, issues) => options.every((option) => option(value, path, issues));
  }
  if (schema instanceof z.ZodObject) {
    const fields = Object.entries(schema.shape).flatMap(([key, field]) => {
      const walker = walkerOf(field as z.ZodType);
      return walker ? [{ key, walker }] : [];
    });
    if (fields.length === 0) return null;
    return (value, path, issues) =>
      !isObject(value) ||
      fields.every(({ key, walker }) => !Object.hasOwn(value, key) || walker(value[key], [...path, key], issues));
  }
  if (schema instanceof z.ZodArray) return arrayWalker(schema);
  if (schema instanceof z.ZodRecord) {
    const walkEach = elementWalker(schema.valueType as z.ZodType);
    const maximum = Number(schema.meta()?.['maxProperties'] ?? Number.POSITIVE_INFINITY);
    return (value, path, issues) => {
      if (!isObject(value)) return true;
      const keys = Object.keys(value);
      if (keys.length > maximum) {
        issues.push({ path, at: 'value', message: `must have at most ${maximum} entries, not ${keys.length}` });
        return false;
      }
      return walkEach(
        keys.map((key) => value[key]),
        (at) => [...path, keys[at]!],
        issues,
      );
    };
  }
  return null;
}

/**
 * zod asks everything that has a `length` how long it is, an object of the caller's with a field of that name too, and throws
 * where that field cannot be compared. Only texts and lists are asked here; anything else is of the wrong type anyway.
 */
function askOwnLengthsOnly(schema: z.ZodType): void {
  for (const { _zod } of schema._zod.def.checks ?? []) {
    if (!_zod.def.check.includes('length')) continue;
    _zod.def.when = ({ value }) => typeof value === 'string' || Array.isArray(value);
  }
}

function arrayWalker(schema: z.ZodArray): ListWalker {
  const maximum = maxLengthOf(schema);
  const walkEach = elementWalker(schema.element as z.ZodType);
  return (value, path, issues) => {
    if (!Array.isArray(value)) return true;
    if (value.length <= maximum) return walkEach(value, (at) => [...path, at], issues);
    issues.push({ path, at: 'value', message: `must be a list of at most ${maximum}, not of ${value.length}` });
    return false;
  };
}

function maxLengthOf(schema: z.ZodArray): number {
  const maxima = (schema._zod.def.checks ?? []).map(({ _zod }) => (_zod.def as { maximum?: number }).maximum);
  return Math.min(...maxima.filter((maximum) => maximum !== undefined));
}

/** Elements of a long list are parsed some at a time, so that a list of nothing but faults costs no more than its first ones. */
function elementWalker(
  element: z.ZodType,
): (values: readonly unknown[], pathOf: (at: number) => Path, issues: Issue[]) => boolean {
  const inner = walkerOf(element);
  const some = z.array(element);
  return (values, pathOf, issues) => {
    if (inner) {
      for (let at = 0; at < values.length; at++) if (!inner(values[at], pathOf(at), issues)) return false;
    }
    if (values.length <= maxWholeList) return true;
    for (let from = 0; from < values.length; from += maxWholeList) {
      const slice = values.slice(from, from + maxWholeList);
      const parsed = some.safeParse(slice);
      if (parsed.success) continue;
      for (const issue of parsed.error.issues.filter(isNarrowest)) {
        const [at, ...rest] = issue.path as [number, ...(string | number)[]];
        const ofElement = { ...issue, path: rest };
        issues.push(...describeIssue(element, ofElement, slice[at], pathOf(from + at), maxIssues - issues.length));
        if (issues.length >= maxIssues) return false;
      }
    }
    return true;
  };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `models.2.price.inputPerMillionUsd`, as dead letters write it too; empty for the whole value. Long names are cut. */
export function formatPath(path: Path): string {
  return path
    .map((part) => (String(part).length > maxPathPart ? `${String(part).slice(0, maxPathPart)}…` : part))
    .join('.');
}

/** Names the nearest known name, to be put behind "unknown x": `; did you mean "y"?`; nothing when none is near. */
export function suggestName(name: string, known: readonly string[]): string {
  // Nobody mistypes a name into a text.
  if (known.length === 0 || name.length > maxShown) return '';
  const lower = name.toLowerCase();
  const nearest = known.reduce((best, candidate) =>
    distance(lower, candidate.toLowerCase()) < distance(lower, best.toLowerCase()) ? candidate : best,
  );
  const edits = distance(lower, nearest.toLowerCase());
  const isPart = lower.length >= 3 && nearest.toLowerCase().startsWith(lower);
  const isNear = isPart || (edits <= Math.max(2, Math.floor(lower.length / 3)) && edits < lower.length);
  return isNear ? `; did you mean "${nearest}"?` : '';
}

/** `root` is the value at `under`, and the issue's path goes on from there. At most `max` issues are described. */
function describeIssue(schema: z.ZodType, issue: z.core.$ZodIssue, root: unknown, under: Path, max: number): Issue[] {
  const path = issue.path.map((part) => (typeof part === 'symbol' ? String(part) : part));
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema, path);
    return issue.keys.slice(0, max).map((key, i) => ({
      path: [...under, ...path, key],
      at: 'key',
      message: `unknown field ${shown(key)}${i < maxSuggestions ? suggestName(key, known) : ''}`,
    }));
  }
  // A table's key, not what stands under it.
  if (issue.code === 'invalid_key')
    return [{ path: [...under, ...path], at: 'key', message: issue.issues[0]?.message ?? issue.message }];
  const value = valueAt(root, path);
  // The alternative that the value came furthest with is the one that was meant.
  const meant = issue.code === 'invalid_union' ? issue.errors.find((errors) => errors.every(isInside)) : undefined;
  if (meant && meant.length > 0)
    return meant
      .filter(isNarrowest)
      .slice(0, max)
      .flatMap((inner) => describeIssue(z.unknown(), inner, value, [...under, ...path], max));
  return [
    {
      path: [...under, ...path],
      at: 'value',
      message: value === undefined && issue.code !== 'custom' ? 'is required' : messageOf(issue, value),
    },
  ];
}

/**
 * A number that is beyond one bound may be beyond another: that of all whole numbers, which zod asks first, and that of the
 * field. Only the narrower one tells how to mend it. The faults of one value stand side by side.
 */
function isNarrowest(issue: z.core.$ZodIssue, at: number, all: readonly z.core.$ZodIssue[]): boolean {
  return !isNarrower(all[at - 1], issue) && !isNarrower(all[at + 1], issue);
}

function isNarrower(other: z.core.$ZodIssue | undefined, issue: z.core.$ZodIssue): boolean {
  const isOfSame = other?.path.length === issue.path.length && other.path.every((part, i) => part === issue.path[i]);
  if (!isOfSame) return false;
  if (issue.code === 'too_big') return other.code === 'too_big' && other.maximum < issue.maximum;
  return issue.code === 'too_small' && other.code === 'too_small' && other.minimum > issue.minimum;
}

function isInside(issue: z.core.$ZodIssue): boolean {
  return issue.path.length > 0;
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
    case 'invalid_union': {
      const expected = issue.errors.flatMap(([first]) =>
        first?.code === 'invalid_type' ? [nounOf(first.expected)] : [],
      );
      return expected.length > 0
        ? `must be ${expected.join(', ').replace(/, (?=[^,]*$)/, ' or ')}, not ${shown(value)}`
        : issue.message;
    }
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
  return expected === 'null' ? 'null' : (nouns.get(expected) ?? `a ${expected}`);
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
