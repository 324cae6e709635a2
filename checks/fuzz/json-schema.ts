/** Walks a JSON Schema: every field there is, with an ordinary value of it and what must stand around it. */
import type { JsonEdit, JsonPath } from './json-text';

export type JsonSchema = Readonly<Record<string, unknown>>;

export interface Field {
  readonly path: JsonPath;
  readonly schema: JsonSchema;
  /** Edits that make room for it: the list or the map that it is a part of. */
  readonly around: readonly JsonEdit[];
}

const maxDepth = 8;

/** Every field below `schema`, the outer before the inner. `root` holds what `$ref` names. */
export function fieldsOf(schema: JsonSchema, root: JsonSchema = schema): Field[] {
  return below(schema, [], [], root);
}

function below(schema: JsonSchema, path: JsonPath, around: readonly JsonEdit[], root: JsonSchema): Field[] {
  if (path.length > maxDepth) return [];
  return alternativesOf(schema, root).flatMap((one) => {
    const found: Field[] = [];
    const descend = (part: JsonSchema, at: JsonPath, room: readonly JsonEdit[]): void => {
      found.push({ path: at, schema: part, around: room }, ...below(part, at, room, root));
    };
    const container = { path, text: JSON.stringify(sampleOf(one, root)) };
    const inside = path.length === 0 ? around : [...around, container];
    for (const [name, part] of Object.entries((one['properties'] ?? {}) as Record<string, JsonSchema>))
      descend(part, [...path, name], isInList(path) ? inside : around);
    if (isSchema(one['items'])) descend(one['items'], [...path, 0], inside);
    if (isSchema(one['additionalProperties'])) descend(one['additionalProperties'], [...path, 'some-key'], around);
    return found;
  });
}

const isInList = (path: JsonPath): boolean => path.some((step) => typeof step === 'number');

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The schemas that a value may follow instead of this one; itself where it names none. */
export function alternativesOf(schema: JsonSchema, root: JsonSchema): JsonSchema[] {
  const reference = schema['$ref'];
  if (typeof reference === 'string') return alternativesOf(resolved(reference, root), root);
  const choices = [schema['anyOf'], schema['oneOf'], schema['allOf']].filter(Array.isArray) as JsonSchema[][];
  return choices.length === 0 ? [schema] : choices.flat().flatMap((one) => alternativesOf(one, root));
}

function resolved(reference: string, root: JsonSchema): JsonSchema {
  let at: unknown = root;
  for (const step of reference.replace(/^#\//, '').split('/')) at = (at as Record<string, unknown>)[step];
  return at as JsonSchema;
}

/** An ordinary value. */
export function sampleOf(schema: JsonSchema, root: JsonSchema): unknown {
  const one = alternativesOf(schema, root)[0]!;
  if ('const' in one) return one['const'];
  if (Array.isArray(one['enum'])) return one['enum'][0];
  const least = Number(one['minimum'] ?? one['exclusiveMinimum'] ?? 0);
  switch (one['type']) {
    case 'string':
      return 'text';
    case 'integer':
      return Math.max(1, least);
    case 'number':
      return Math.max(0.5, least);
    case 'boolean':
      return true;
    case 'array':
      return isSchema(one['items']) ? [sampleOf(one['items'], root)] : [];
    case 'object': {
      const required = (one['required'] ?? []) as string[];
      const properties = (one['properties'] ?? {}) as Record<string, JsonSchema>;
      return Object.fromEntries(required.map((name) => [name, sampleOf(properties[name] ?? {}, root)]));
    }
    default:
      return null;
  }
}
