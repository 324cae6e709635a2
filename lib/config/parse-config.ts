/**
 * From a YAML file to the configuration the engine runs on, or to all that is wrong with it, each fault with its line.
 */
import { type Document, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { completeConfig, configSchema, crossFieldIssues } from './config-schema';
import { checkValue, formatPath, type Issue, maxIssues, type Path } from './describe-issues';
import type { ModelConfig, RouterConfig } from './router-config';
import { yamlTextFault } from './yaml-text-fault';

export { defaultConfigYaml } from './init-config';

/** One fault of a configuration file. Lines and columns count from 1. */
export interface ConfigError {
  readonly line: number;
  readonly column: number;
  /** `models.2.price`; empty where the file as a whole is meant. */
  readonly path: string;
  readonly message: string;
}

export type ParseResult =
  | { readonly ok: true; readonly config: RouterConfig }
  | { readonly ok: false; readonly errors: readonly ConfigError[] };

/** Parses and validates a YAML (or JSON) configuration. Never throws: errors come all at once, in order of the file. */
export function parseConfig(text: string): ParseResult {
  const fault = yamlTextFault(text);
  if (fault) return { ok: false, errors: [{ line: fault.line, column: 1, path: '', message: fault.message }] };
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number, path: string, message: string): ConfigError => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col), path, message };
  };
  if (document.errors.length > 0) {
    return {
      ok: false,
      errors: document.errors.slice(0, maxIssues).map((error) => at(error.pos[0], '', `not YAML: ${error.message}`)),
    };
  }
  let raw: unknown;
  try {
    raw = document.toJS();
  } catch (error) {
    return { ok: false, errors: [at(0, '', `not YAML: ${(error as Error).message}`)] };
  }
  const checked = validateConfig(raw);
  if (checked.ok) return checked;
  const errors = checked.issues.map((issue) => at(offsetOf(document, issue), formatPath(issue.path), issue.message));
  return { ok: false, errors: errors.sort((a, b) => a.line - b.line || a.column - b.column) };
}

/** Validates a plain value (from JSON, say) and fills in defaults. */
export function validateConfig(raw: unknown): { ok: true; config: RouterConfig } | { ok: false; issues: Issue[] } {
  const checked = checkValue(configSchema, raw);
  const crossed = crossFieldIssues(raw);
  if (!checked.ok) return { ok: false, issues: [...checked.issues, ...crossed] };
  if (crossed.length > 0) return { ok: false, issues: crossed };
  return { ok: true, config: completeConfig(checked.value) };
}

/** One line per error: `file:line:column path: message`. */
export function formatConfigErrors(errors: readonly ConfigError[], file = 'config'): string {
  return errors
    .map((e) => `${file}:${e.line}:${e.column} ${e.path === '' ? '' : `${e.path}: `}${e.message}`)
    .join('\n');
}

/** JSON Schema (draft 2020-12) of the configuration file, for editors. */
export function configJsonSchema(): Record<string, unknown> {
  return { title: 'Quantum Router configuration', ...z.toJSONSchema(configSchema, { io: 'input' }) };
}

/** The form the `config` topic carries (`ConfigApplied.json`). */
export function configToJson(config: RouterConfig): string {
  return JSON.stringify(config);
}

/** Reads `ConfigApplied.json`; settings that did not exist when it was written get their defaults. Throws, naming every faulty field. */
export function configFromJson(json: string): RouterConfig {
  const checked = validateConfig(JSON.parse(json));
  if (checked.ok) return checked.config;
  throw new Error(
    `not a configuration: ${checked.issues.map((i) => `${formatPath(i.path)}: ${i.message}`).join('; ')}`,
  );
}

type PartialModel = Pick<ModelConfig, 'name' | 'provider'> & Partial<ModelConfig>;

/** A whole configuration for tests and programs: these models, everything else (also what a model leaves out) by default. */
export function defaultRouterConfig(
  models: readonly PartialModel[],
  settings: Partial<Omit<RouterConfig, 'models'>> = {},
): RouterConfig {
  const checked = validateConfig({ ...settings, models });
  if (checked.ok) return checked.config;
  throw new Error(checked.issues.map((i) => `${formatPath(i.path)}: ${i.message}`).join('; '));
}

/** Where in the file an issue is: its key or value, or the nearest parent that is really there. */
function offsetOf(document: Document, issue: Issue): number {
  if (issue.at === 'key') {
    const parent = nodeAt(document, issue.path.slice(0, -1));
    const key = issue.path.at(-1);
    const pair = isMap(parent)
      ? parent.items.find((item) => isScalar(item.key) && String(item.key.value) === key)
      : undefined;
    const start = isNode(pair?.key) ? pair.key.range?.[0] : undefined;
    if (start !== undefined) return start;
  }
  for (let depth = issue.path.length; depth >= 0; depth--) {
    const node = nodeAt(document, issue.path.slice(0, depth));
    if (isNode(node) && node.range) return node.range[0];
  }
  return 0;
}

function nodeAt(document: Document, path: Path): unknown {
  return path.length === 0 ? document.contents : document.getIn(path, true);
}
