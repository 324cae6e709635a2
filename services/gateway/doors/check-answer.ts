/**
 * Checks of an answer that need no judgement: is structured output what was asked for, do the arguments of tool calls fit
 * their declaration, is there an answer at all, was it refused, did it come to its end.
 */
import { Validator } from '@cfworker/json-schema';
import { ownEntry } from '../../../lib/dictionary';
import type { AnswerFacts } from '../../../lib/providers/answer-facts';
import { isJson } from '../../../lib/providers/any-json';
import { type MechanicalCheck, mechanicalWeights } from '../../../lib/reward/mechanical-checks';
import type { RewardWeights } from '../../../lib/reward/reward';
import type { Expected } from './read-call';

export type Checks = Readonly<Partial<Record<MechanicalCheck, 0 | 1>>>;

/**
 * What each check says, 1 where it holds and 0 where it does not; those with nothing to look at are left out. A fault is always
 * said. That there is none is said by checks of form, which were asked for, and by any other that has a weight: of a check that
 * counts, faults alone would make every model without other feedback look worthless.
 */
export function checkAnswer(facts: AnswerFacts, expected: Expected, weights: RewardWeights): Checks {
  const checks: Partial<Record<MechanicalCheck, 0 | 1>> = {};
  const note = (check: MechanicalCheck, holds: boolean, isAskedFor: boolean): void => {
    if (!holds || isAskedFor) checks[check] = holds ? 1 : 0;
  };
  const counts = (check: MechanicalCheck): boolean => (ownEntry(weights, check) ?? mechanicalWeights[check]) > 0;
  const cut = isCutOff(facts);
  if (cut !== null) note('mechanical:finish', !cut, counts('mechanical:finish'));
  note('mechanical:refusal', !facts.isRefusal, counts('mechanical:refusal'));
  // What was refused or cut off need not have the form of an answer.
  if (facts.isRefusal || cut === true) return checks;
  if (!facts.hasContent) return { ...checks, 'mechanical:empty': 0 };
  if (expected.structured && facts.toolCalls.length === 0 && !facts.isTextCut) {
    const isRight = isValidText(facts.text, expected.structured.schema);
    if (isRight !== null) note('mechanical:structured', isRight, true);
  }
  // Tools that the provider runs itself are not declared.
  const right = facts.toolCalls
    .filter(({ name, isCut }) => !isCut && expected.tools.has(name))
    .map(({ name, arguments: args }) => isValidArguments(args, expected.tools.get(name)))
    .filter((check) => check !== null);
  if (right.length > 0) note('mechanical:tools', right.every(Boolean), true);
  return checks;
}

/** In the words of all APIs. */
const cutOff: ReadonlySet<string> = new Set([
  ...['length', 'max_tokens', 'max_output_tokens', 'model_context_window_exceeded'],
  ...['content_filter', 'incomplete'],
]);
const ended: ReadonlySet<string> = new Set([
  ...['stop', 'tool_calls', 'function_call', 'end_turn', 'stop_sequence', 'tool_use', 'completed'],
]);

/** Null where the answer does not say how it ended, or in a word that is not known. */
function isCutOff({ finishReason }: AnswerFacts): boolean | null {
  if (finishReason === null) return null;
  if (cutOff.has(finishReason)) return true;
  return ended.has(finishReason) ? false : null;
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
