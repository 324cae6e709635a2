/** What changed between two configurations, field by field, for people: short, with models called by their names. */
import { dictionaryOf } from '../dictionary';
import type { RouterConfig } from './router-config';

/** One line a field, `models.small.price.inputPerMillionUsd: 0.1 → 0.2`; a model that only one side has is one line. */
export function diffConfig(before: RouterConfig, after: RouterConfig): string[] {
  const lines: string[] = [];
  const names = (config: RouterConfig) => new Set(config.models.map(({ name }) => name));
  const [had, has] = [names(before), names(after)];
  for (const name of had) if (!has.has(name)) lines.push(`models.${name}: removed`);
  for (const name of has) if (!had.has(name)) lines.push(`models.${name}: added`);
  const both = (config: RouterConfig) => fieldsOf(config, (name) => had.has(name) && has.has(name));
  const [from, to] = [both(before), both(after)];
  for (const path of new Set([...from.keys(), ...to.keys()])) {
    const [old, now] = [from.get(path), to.get(path)];
    if (old !== now) lines.push(`${path}: ${shorten(old)} → ${shorten(now)}`);
  }
  return lines;
}

/** What is different, as values: each side has the sections that the other does not have the same; of the models those alone. */
export function differingFields(
  before: RouterConfig | null,
  after: RouterConfig | null,
): { readonly before: unknown; readonly after: unknown } {
  if (!before || !after) return { before, after };
  const models = (one: RouterConfig) => new Map(one.models.map((model) => [model.name, JSON.stringify(model)]));
  const only = (one: RouterConfig, other: RouterConfig): unknown => {
    const others = models(other);
    const fields = Object.entries(one).flatMap(([section, value]): [string, unknown][] => {
      if (section === 'models')
        return [[section, one.models.filter((model) => others.get(model.name) !== JSON.stringify(model))]];
      const same = JSON.stringify(value) === JSON.stringify(other[section as keyof RouterConfig]);
      return same ? [] : [[section, value]];
    });
    return dictionaryOf(fields.filter(([section, value]) => section !== 'models' || (value as unknown[]).length > 0));
  };
  return { before: only(before, after), after: only(after, before) };
}

/** The lines of a difference, indented; the first `shown` of them. */
export function formatDiff(lines: readonly string[], shown = 10): string {
  const more = lines.length - shown;
  return [...lines.slice(0, shown), ...(more > 0 ? [`and ${more} more`] : [])].map((line) => `  ${line}`).join('\n');
}

const maxShown = 60;

function shorten(json: string | undefined): string {
  if (json === undefined) return 'nothing';
  return json.length > maxShown ? `${json.slice(0, maxShown)}…` : json;
}

/** Every field with its path and its value as JSON; models by name, those that `counts` leaves out not at all. */
function fieldsOf({ models, ...settings }: RouterConfig, counts: (model: string) => boolean): Map<string, string> {
  const fields = new Map<string, string>();
  const add = (path: string, value: unknown): void => {
    if (value === null || typeof value !== 'object' || Array.isArray(value)) fields.set(path, JSON.stringify(value));
    else for (const [key, item] of Object.entries(value)) add(`${path}.${key}`, item);
  };
  for (const { name, ...model } of models) if (counts(name)) add(`models.${name}`, model);
  const order = models.map(({ name }) => name).filter(counts);
  fields.set('models', JSON.stringify(order));
  for (const [key, value] of Object.entries(settings)) add(key, value);
  return fields;
}
