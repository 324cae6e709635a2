/**
 * From the text of a configuration to a plain value with the places of its parts. Nothing in the text can make this slow
 * or deep: its size is looked at before it is parsed, and what aliases and merge keys expand to is counted.
 */
import {
  CST,
  type Document,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  visit,
} from 'yaml';
import { dictionaryOf } from '../dictionary';
import { configLimits as limits } from './config-limits';
import type { Issue, Path } from './describe-issues';
import {
  type Environment,
  expandReferences,
  hasReference,
  hintForFlow,
  plainValueOf,
  referenceRefused,
} from './expand-references';

/** A place in the text; both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface YamlFault extends Position {
  readonly path: Path;
  readonly message: string;
}

export type YamlText =
  | {
      readonly ok: true;
      readonly value: unknown;
      /** Faults of single fields, found while references were filled in; the value can be checked all the same. */
      readonly issues: readonly Issue[];
      /** Where the field of an issue is written; where a merge key or an alias brought it in, its original. */
      positionOf(issue: Issue): Position;
    }
  | { readonly ok: false; readonly faults: readonly YamlFault[] };

/** A text with a thousand faults is told by its first ones. */
const maxSyntaxFaults = 20;

/**
 * Parses YAML or JSON. With an environment, `${NAME}` is filled in; without one (a text that came from somebody else) it
 * is refused, so that nobody reads this machine's variables from afar. Never throws.
 */
export function readYaml(source: string, environment: Environment | null): YamlText {
  const text = source.startsWith('\uFEFF') ? source.slice(1) : source;
  const lines = new LineCounter();
  const placeOf = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const refuse = (message: string, position: Position = { line: 1, column: 1 }, field = ''): YamlText => ({
    ok: false,
    faults: [{ ...position, path: field === '' ? [] : [field], message }],
  });
  const tooLarge = faultOfSize(text);
  if (tooLarge) return refuse(tooLarge.message, { line: tooLarge.line, column: 1 }, tooLarge.field);
  // Duplicate keys are looked for below: the parser compares every key of a map with every other.
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: false,
    logLevel: 'error',
  });
  if (document.errors.length > 0) {
    const faults = document.errors.slice(0, maxSyntaxFaults).map((error) => ({
      ...placeOf(error.pos[0]),
      path: [],
      // The parser's own words name a function of its own.
      message:
        error.code === 'MULTIPLE_DOCS'
          ? 'holds several YAML documents (a line of --- parts them): only one is read'
          : `not YAML: ${error.message}${flowHint(text, error.pos[0])}`,
    }));
    return { ok: false, faults };
  }
  const twice = duplicateKeys(document);
  if (twice.length > 0) {
    const faults = twice.slice(0, maxSyntaxFaults);
    return {
      ok: false,
      faults: faults.map((offset) => ({ ...placeOf(offset), path: [], message: 'not YAML: Map keys must be unique' })),
    };
  }
  if (document.contents === null) return refuse('is empty');
  const issues = fillIn(document, environment);
  let value: unknown;
  try {
    value = expand(document.toJS({ maxAliasCount: 1_000 }));
  } catch (error) {
    const { message } = error as Error;
    return refuse(error instanceof TooLargeError ? message : `not YAML: ${message}`);
  }
  return { ok: true, value, issues, positionOf: (issue) => placeOf(offsetOf(document, issue)) };
}

/** Why a text is too long to be looked at; null where it is not. */
export function faultOfBytes(text: string): string | null {
  const bytes = Buffer.byteLength(text);
  return bytes > limits.maxBytes ? `must be at most ${limits.maxBytes} bytes long, not ${bytes}` : null;
}

/** What is too much about the text, found by its tokens alone in one pass. */
function faultOfSize(text: string): { message: string; line: number; field?: string } | null {
  const message = faultOfBytes(text);
  if (message !== null) return { message, line: 1 };
  let tokens = 0;
  let keys = 0;
  let flowDepth = 0;
  let line = 1;
  let isLineStart = true;
  let indent = 0;
  for (const token of new Lexer().lex(text)) {
    if (++tokens > limits.maxTokens) return { message: `has more than ${limits.maxTokens} tokens: too long`, line };
    const type = CST.tokenType(token);
    if (type === 'newline') {
      line += 1;
      isLineStart = true;
      indent = 0;
      continue;
    }
    if (type === 'space' && isLineStart) indent += token.length;
    else if (type === 'seq-item-ind' || type === 'explicit-key-ind') indent += 1;
    else if (type === 'map-value-ind') keys += 1;
    else if (type === 'flow-map-start' || type === 'flow-seq-start') flowDepth += 1;
    else if (type === 'flow-map-end' || type === 'flow-seq-end') flowDepth -= 1;
    if (type !== 'space') isLineStart = false;
    if (keys > limits.maxKeys) {
      // What is counted is no tree yet; but only one thing can be that long.
      const field = longestOf(text);
      const models = field === 'models' ? `; of models there may be ${limits.maxModels}` : '';
      return { message: `must have at most ${limits.maxKeys} keys, of all maps together${models}`, line, field };
    }
    if (flowDepth > limits.maxDepth || (indent > limits.maxIndent && type !== 'comment'))
      return { message: `must be nested at most ${limits.maxDepth} deep`, line };
  }
  return null;
}

/** The setting at the left margin that the most text stands under; empty where there is none. */
function longestOf(text: string): string {
  const starts = [...text.matchAll(/^([A-Za-z]{1,64}):/gm)];
  let longest = '';
  let most = 0;
  starts.forEach((start, i) => {
    const chars = (starts[i + 1]?.index ?? text.length) - start.index;
    if (chars > most) [longest, most] = [start[1]!, chars];
  });
  return longest;
}

/** Behind a fault of syntax: how to write a reference there, if one is the reason. */
function flowHint(text: string, offset: number): string {
  return hintForFlow(text.slice(text.lastIndexOf('\n', offset) + 1).split('\n', 1)[0]!);
}

/** Offsets of keys that their map has already. */
function duplicateKeys(document: Document): number[] {
  const offsets: number[] = [];
  visit(document, {
    Map(_key, map) {
      const seen = new Set<string>();
      for (const { key } of map.items) {
        if (!isScalar(key)) continue;
        const name = String(key.value);
        if (seen.has(name)) offsets.push(key.range?.[0] ?? 0);
        seen.add(name);
      }
    },
  });
  return offsets;
}

/** Replaces references in texts (not in keys). A quoted text stays text; an unquoted one may become a number. */
function fillIn(document: Document, environment: Environment | null): Issue[] {
  const issues: Issue[] = [];
  visit(document, {
    Scalar(key, node, ancestors) {
      if (key === 'key' || typeof node.value !== 'string') return;
      const refuse = (message: string): void => {
        issues.push({ path: pathOf([...ancestors, node]), at: 'value', message });
      };
      if (environment === null) {
        if (hasReference(node.value)) refuse(referenceRefused);
        return;
      }
      if (!node.value.includes('$')) return;
      const expanded = expandReferences(node.value, environment);
      if (expanded.ok) (node as Scalar).value = node.type === 'PLAIN' ? plainValueOf(expanded.text) : expanded.text;
      else refuse(expanded.message);
    },
  });
  return issues;
}

/** Names and positions that lead through these nodes. */
function pathOf(nodes: readonly unknown[]): Path {
  const path: (string | number)[] = [];
  nodes.forEach((node, depth) => {
    if (isPair(node)) path.push(String(isScalar(node.key) ? node.key.value : node.key));
    else if (isSeq(node)) path.push(node.items.indexOf(nodes[depth + 1]));
  });
  return path;
}

class TooLargeError extends Error {}

/**
 * Follows merge keys (`<<`): what they bring in gives way to the map's own keys. Counts every value, those that an alias
 * repeats again each time, since everything behind this copies them.
 */
function expand(root: unknown): unknown {
  let left: number = limits.maxValues;
  const step = (value: unknown, depth: number): unknown => {
    if (--left < 0) throw new TooLargeError(`must have at most ${limits.maxValues} values, aliases followed`);
    if (value === null || typeof value !== 'object') return value;
    if (depth >= limits.maxDepth) throw new TooLargeError(`must be nested at most ${limits.maxDepth} deep`);
    if (Array.isArray(value)) return value.map((item) => step(item, depth + 1));
    const result = dictionaryOf<string, unknown>();
    for (const [key, item] of Object.entries(value)) if (key !== '<<') result[key] = step(item, depth + 1);
    if (!Object.hasOwn(value, '<<')) return result;
    const merged = (value as Record<string, unknown>)['<<'];
    for (const source of Array.isArray(merged) ? merged : [merged]) {
      const other = step(source, depth + 1);
      if (other === null || typeof other !== 'object' || Array.isArray(other))
        throw new Error('a merge key (<<) must name a map or a list of maps');
      for (const [key, item] of Object.entries(other)) if (!Object.hasOwn(result, key)) result[key] = item;
    }
    return result;
  };
  return step(root, 0);
}

/** Where in the text an issue is: its key or value, or the nearest parent that is really there. */
function offsetOf(document: Document, issue: Issue): number {
  let node = followed(document, document.contents);
  let offset = node?.range?.[0] ?? 0;
  for (const [depth, part] of issue.path.entries()) {
    const found = childOf(document, node, part);
    if (!found) return offset;
    const isLast = depth === issue.path.length - 1;
    const start = isLast && issue.at === 'key' ? found.key : found.value;
    offset = (isNode(start) ? start.range?.[0] : undefined) ?? offset;
    node = followed(document, found.value);
  }
  return offset;
}

function childOf(
  document: Document,
  node: Node | null,
  part: string | number,
): { key: unknown; value: unknown } | undefined {
  if (isSeq(node)) {
    const value = node.items[Number(part)];
    return value === undefined ? undefined : { key: value, value };
  }
  if (!isMap(node)) return undefined;
  const own = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part));
  if (own) return { key: own.key, value: own.value };
  const merge = node.items.find(({ key }) => isScalar(key) && key.value === '<<');
  const sources = followed(document, merge?.value);
  for (const source of isSeq(sources) ? sources.items : [sources]) {
    const found = childOf(document, followed(document, source), part);
    if (found) return found;
  }
  return undefined;
}

/** The node itself, or what an alias stands for. */
function followed(document: Document, value: unknown): Node | null {
  if (isAlias(value)) return value.resolve(document) ?? null;
  return isNode(value) ? value : null;
}
