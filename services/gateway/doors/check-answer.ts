/**
 * Checks of an answer that need no judgement: is structured output what was asked for, do the arguments of tool calls fit
 * their declaration, is there an answer at all. Where nothing was asked for that can be checked, nothing is said: that a text
 * is not empty does not make it good.
 */
import { Validator } from '@cfworker/json-schema';
import { type AnswerFacts, isJson } from '../../../lib/providers/answer-facts';
import type { Expected } from './read-call';

/** 1 where all checks hold, 0 where one does not, null where there was none to make. */
export function mechanicalQuality(facts: AnswerFacts, expected: Expected): 0 | 1 | null {
  // A refusal may be right and a cut-off answer was cut by the caller's own limit: neither is a fault of form.
  if (facts.isRefusal || isCutOff(facts)) return null;
  if (!facts.hasContent) return 0;
  const checks: (boolean | null)[] = [];
  if (expected.structured && facts.toolCalls.length === 0) {
    if (facts.isTextCut) return null;
    checks.push(isValidText(facts.text, expected.structured.schema));
  }
  for (const { name, arguments: args } of facts.toolCalls) {
    // Tools that the provider runs itself are not declared.
    if (expected.tools.has(name)) checks.push(isValidArguments(args, expected.tools.get(name)));
  }
  const made = checks.filter((check) => check !== null);
  if (made.length === 0) return null;
  return made.every(Boolean) ? 1 : 0;
}

const cutOff: ReadonlySet<string | null> = new Set(['length', 'max_tokens', 'content_filter', 'incomplete']);

function isCutOff({ finishReason }: AnswerFacts): boolean {
  return cutOff.has(finishReason);
}

function isValidArguments(args: unknown, schema: unknown): boolean | null {
  if (typeof args !== 'string') return isValid(args, schema);
  // A call without parameters may come without arguments.
  return isValidText(args.trim() === '' ? '{}' : args, schema);
}

function isValidText(text: string, schema: unknown): boolean | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return false;
  }
  return isValid(value, schema);
}

/** Schemas come from callers: what could take long to check is not checked, and JSON that parses is then good enough. */
function isValid(value: unknown, schema: unknown): boolean | null {
  if (!isJson(schema)) return true;
  try {
    if (costOf(schema, schema, maxCost) * sizeOf(value, maxCost) > maxCost) return true;
    return new Validator(schema, '2020-12', true).validate(value).valid;
  } catch {
    // It is no schema, so nothing can be said.
    return null;
  }
}

/** Nodes of the schema times nodes of the value: some milliseconds. */
const maxCost = 100_000;
/** A pattern may be made to run for ever. */
const unbounded: ReadonlySet<string> = new Set([
  'pattern',
  'patternProperties',
  'format',
  '$dynamicRef',
  '$recursiveRef',
]);

/**
 * Nodes that a check of one value may visit, references followed; more than `most` where it is recursive or too large. It
 * stops as soon as it is too large, so the measuring is bounded as well.
 */
function costOf(root: Readonly<Record<string, unknown>>, schema: unknown, most: number, open: unknown[] = []): number {
  if (typeof schema !== 'object' || schema === null) return 1;
  if (open.includes(schema) || open.length > 100) return Number.POSITIVE_INFINITY;
  let cost = 1;
  for (const [key, item] of Object.entries(schema)) {
    if (key === '$defs' || key === 'definitions') continue;
    if (unbounded.has(key) && typeof item !== 'object') return Number.POSITIVE_INFINITY;
    if (key === '$ref') {
      const target = targetOf(root, item);
      if (target === undefined) return Number.POSITIVE_INFINITY;
      cost += costOf(root, target, most - cost, [...open, schema]);
    } else cost += costOf(root, item, most - cost, [...open, schema]);
    if (cost > most) return Number.POSITIVE_INFINITY;
  }
  return cost;
}

function targetOf(root: Readonly<Record<string, unknown>>, ref: unknown): unknown {
  if (ref === '#') return root;
  const [, table, name] = typeof ref === 'string' ? (/^#\/(\$defs|definitions)\/([\w.-]+)$/.exec(ref) ?? []) : [];
  const targets = table === undefined ? undefined : root[table];
  return isJson(targets) && name !== undefined && Object.hasOwn(targets, name) ? targets[name] : undefined;
}

function sizeOf(value: unknown, most: number): number {
  if (typeof value !== 'object' || value === null) return 1;
  let size = 1;
  for (const item of Object.values(value)) {
    size += sizeOf(item, most - size);
    if (size > most) return Number.POSITIVE_INFINITY;
  }
  return size;
}
