// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references are written like that in a configuration.
/** `${NAME}` and `${NAME:-default}` in the texts of a configuration file, taken from the environment of whoever reads it. */

import { configLimits } from './config-limits';
import type { Issue, Path } from './describe-issues';

export type Environment = Readonly<Record<string, string | undefined>>;

export type Expanded = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly message: string };

const reference = /\$\$|\$\{([^}]*)\}?/g;
const wellFormed = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s;

/** True when the text refers to the environment. */
export function hasReference(text: string): boolean {
  return text.includes('${');
}

/**
 * Puts variables in. `$$` stands for one `$`, so that `$${NAME}` is the text `${NAME}`. An empty variable counts as
 * absent. The messages name the variable and never its value, which may be a secret.
 */
export function expandReferences(text: string, environment: Environment): Expanded {
  let message: string | null = null;
  const expanded = text.replace(reference, (whole, inside: string | undefined) => {
    if (inside === undefined) return '$';
    const [, name, otherwise] = whole.endsWith('}') ? (wellFormed.exec(inside) ?? []) : [];
    if (name === undefined) {
      message ??= 'has a "${" that is no reference: write ${NAME}, ${NAME:-default}, or $${ for the text itself';
      return whole;
    }
    // The first } ends a reference: of one within another the rest would stand there as text.
    if (otherwise?.includes('${')) {
      message ??= `\${${name}:-…} has a reference as its default: a default is taken as it stands`;
      return whole;
    }
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined;
    if (value !== undefined && value !== '') return value;
    if (otherwise !== undefined) return otherwise;
    message ??= `the environment has no variable ${name} (\${${name}:-default} gives one for when it is missing)`;
    return whole;
  });
  return message === null ? { ok: true, text: expanded } : { ok: false, message };
}

const coreNumber = /^[-+]?(?:\.\d+|\d+(?:\.\d*)?)(?:[eE][-+]?\d+)?$/;

/** What an unquoted text means in YAML once its references are filled in: a number, a truth value, nothing, or the text. */
export function plainValueOf(text: string): string | number | boolean | null {
  if (coreNumber.test(text)) return Number(text);
  if (/^(?:true|True|TRUE)$/.test(text)) return true;
  if (/^(?:false|False|FALSE)$/.test(text)) return false;
  if (/^(?:null|Null|NULL|~)?$/.test(text)) return null;
  return text;
}

/** Said where a text may not refer to the environment. */
export const referenceRefused =
  'must not refer to the environment: ${…} is filled in only in files read by the command line (serve --config, config apply)';

/** In `{a: ${NAME}}` a YAML parser sees a map within the map, and says so in words that help nobody. */
export function hintForFlow(line: string): string {
  return /[[{].*\$\{/.test(line) ? ' (within { } and [ ], ${NAME} must stand on a line of its own or in quotes)' : '';
}

/** Texts of a value that refer to the environment, as faults: for values that came from elsewhere. */
export function referenceIssues(value: unknown, path: Path = []): Issue[] {
  if (typeof value === 'string') return hasReference(value) ? [{ path, at: 'value', message: referenceRefused }] : [];
  if (value === null || typeof value !== 'object' || path.length >= configLimits.maxDepth) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    referenceIssues(item, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}
