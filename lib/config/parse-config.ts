/**
 * From a YAML file to the configuration the engine runs on, or to all that is wrong with it, each fault with its line.
 */
import { z } from 'zod';
import { dictionaryOf } from '../dictionary';
import { largestPromptBytes } from './config-limits';
import { checkValue, formatPath, type Issue } from './describe-issues';
import { doubtfulPrices } from './doubtful-prices';
import type { Environment } from './expand-references';
import { readYaml } from './read-yaml';
import type { ModelConfig, RouterConfig } from './router-config';
import { completeConfig, configSchema, crossFieldIssues } from './schema/config-schema';

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
  /** Warnings are about values that are allowed and hardly meant. */
  | { readonly ok: true; readonly config: RouterConfig; readonly warnings: readonly ConfigError[] }
  | { readonly ok: false; readonly errors: readonly ConfigError[] };

export interface ParseOptions {
  /** What `${NAME}` is filled in from. Null, for texts that others sent, refuses such references. */
  readonly environment: Environment | null;
}

/** Parses and validates a YAML (or JSON) configuration. Never throws: errors come all at once, in order of the file. */
export function parseConfig(text: string, options: ParseOptions = { environment: null }): ParseResult {
  const read = readYaml(text, options.environment);
  if (!read.ok) return { ok: false, errors: read.faults.map((fault) => ({ ...fault, path: formatPath(fault.path) })) };
  const inOrder = (issues: readonly Issue[]): ConfigError[] =>
    issues
      .map((issue) => ({ ...read.positionOf(issue), path: formatPath(issue.path), message: issue.message }))
      .sort((a, b) => a.line - b.line || a.column - b.column);
  const checked = validateConfig(read.value);
  // A reference that could not be filled in leaves a text where another type may be wanted: that is one fault, not two.
  const unfilled = new Set(read.issues.map(({ path }) => formatPath(path)));
  const issues = checked.ok ? [] : checked.issues.filter(({ path }) => !unfilled.has(formatPath(path)));
  if (checked.ok && read.issues.length === 0) {
    return { ok: true, config: checked.config, warnings: inOrder(doubtfulPrices(checked.config)) };
  }
  return { ok: false, errors: inOrder([...read.issues, ...issues]) };
}

/** Validates a plain value (from JSON, say) and fills in defaults. */
export function validateConfig(raw: unknown): { ok: true; config: RouterConfig } | { ok: false; issues: Issue[] } {
  const settings = withoutExtensions(raw);
  const checked = checkValue(configSchema, settings);
  const crossed = [...reservedNames(settings), ...crossFieldIssues(settings)];
  if (!checked.ok) return { ok: false, issues: [...checked.issues, ...crossed] };
  if (crossed.length > 0) return { ok: false, issues: crossed };
  return { ok: true, config: completeConfig(checked.value) };
}

/** Top-level blocks named `x-…` are the author's own: a place for anchors, and for what other tools read. */
function withoutExtensions(raw: unknown): unknown {
  if (raw === null || typeof raw !== 'object' || Array.isArray(raw)) return raw;
  const settings = Object.entries(raw).filter(([key]) => !key.startsWith('x-'));
  return settings.length === Object.keys(raw).length ? raw : dictionaryOf(settings);
}

/** `__proto__` as a key would be lost on its way through plain objects, so nothing can be called that. */
function reservedNames(value: unknown, path: (string | number)[] = []): Issue[] {
  if (value === null || typeof value !== 'object' || path.length > maxNamedDepth) return [];
  return Object.entries(value).flatMap(([key, item]) => {
    const at = [...path, Array.isArray(value) ? Number(key) : key];
    if (key === '__proto__')
      return [{ path: at, at: 'key' as const, message: 'nothing can have the name "__proto__"' }];
    return reservedNames(item, at);
  });
}

/** Deeper than any setting is; values that come as JSON have not been measured. */
const maxNamedDepth = 8;

/** One line per error: `file:line:column path: message`. */
export function formatConfigErrors(errors: readonly ConfigError[], file = 'config'): string {
  return errors
    .map((e) => `${file}:${e.line}:${e.column} ${e.path === '' ? '' : `${e.path}: `}${e.message}`)
    .join('\n');
}

/** JSON Schema (draft 2020-12) of the configuration file, for editors. */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(configSchema, { io: 'input' });
  return { title: 'Quantum Router configuration', ...schema, patternProperties: { '^x-': {} } };
}

/** The form the `config` topic carries (`ConfigApplied.json`). */
export function configToJson(config: RouterConfig): string {
  return JSON.stringify(config);
}

/** Every service of a process reads the same few texts, and some hundred models take a while: the newest are kept. */
const keptConfigs = new Map<string, RouterConfig>();
const mostKept = 4;

/** Reads `ConfigApplied.json`; settings that did not exist when it was written get their defaults. Throws, naming every faulty field. */
export function configFromJson(json: string): RouterConfig {
  const kept = keptConfigs.get(json);
  if (kept) return kept;
  const config = checkedFromJson(json);
  keptConfigs.set(json, config);
  if (keptConfigs.size > mostKept) keptConfigs.delete(keptConfigs.keys().next().value!);
  return config;
}

function checkedFromJson(json: string): RouterConfig {
  const checked = validateConfig(withinTodaysLimits(JSON.parse(json)));
  if (checked.ok) return checked.config;
  throw new Error(
    `not a configuration: ${checked.issues.map((i) => `${formatPath(i.path)}: ${i.message}`).join('; ')}`,
  );
}

/** Releases before this one took a `maxPromptBytes` that no record can hold; what they wrote must stay readable. */
function withinTodaysLimits(raw: unknown): unknown {
  const limits = (raw as { limits?: { maxPromptBytes?: unknown } } | null)?.limits;
  if (typeof limits?.maxPromptBytes !== 'number' || limits.maxPromptBytes <= largestPromptBytes) return raw;
  return { ...(raw as object), limits: { ...limits, maxPromptBytes: largestPromptBytes } };
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
