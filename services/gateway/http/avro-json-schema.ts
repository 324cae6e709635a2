/** JSON Schema of the Avro messages, with their documentation, so that the OpenAPI document cannot drift from the topics. */
import { dictionaryOf } from '../../../lib/dictionary';
import { schemaVersions } from '../../../lib/topics/generated/schemas';

export type JsonSchema = Record<string, unknown>;

interface AvroField {
  readonly name: string;
  readonly type: unknown;
  readonly doc?: string;
}

interface AvroNamed {
  readonly type: string;
  readonly name?: string;
  readonly doc?: string;
  readonly fields?: readonly AvroField[];
  readonly symbols?: readonly string[];
  readonly items?: unknown;
  readonly values?: unknown;
}

/** Adds the message and every type it names to `components` and returns a reference to it. */
export function addMessage(components: Record<string, JsonSchema>, message: string): JsonSchema {
  return convert(latest(message), components);
}

/** The documentation of one field of a message. Throws when there is no such field. */
export function fieldDoc(message: string, field: string): string {
  const found = latest(message).fields?.find((candidate) => candidate.name === field);
  if (!found?.doc) throw new Error(`${message}.${field} is not documented in schemas/`);
  return found.doc;
}

const namedTypes = new Map<string, AvroNamed>();
for (const versions of Object.values(schemaVersions)) collectNamed(versions.at(-1)?.schema);

function collectNamed(type: unknown): void {
  if (Array.isArray(type)) for (const branch of type) collectNamed(branch);
  if (typeof type !== 'object' || type === null || Array.isArray(type)) return;
  const avro = type as AvroNamed;
  if (avro.name) namedTypes.set(avro.name, avro);
  for (const inner of [...(avro.fields ?? []).map((field) => field.type), avro.items, avro.values]) collectNamed(inner);
}

function latest(message: string): AvroNamed {
  const type = namedTypes.get(message);
  if (!type) throw new Error(`no message named ${message} under schemas/`);
  return type;
}

const primitives: Record<string, JsonSchema> = {
  null: { type: 'null' },
  boolean: { type: 'boolean' },
  int: { type: 'integer', minimum: -2_147_483_648, maximum: 2_147_483_647 },
  long: { type: 'integer', minimum: -(2 ** 53 - 2), maximum: 2 ** 53 - 2 },
  float: { type: 'number' },
  double: { type: 'number' },
  string: { type: 'string' },
  bytes: { type: 'string', contentEncoding: 'base64' },
};

function convert(type: unknown, components: Record<string, JsonSchema>): JsonSchema {
  // A name alone refers to a type that the schema has spelled out before.
  if (typeof type === 'string')
    return primitives[type] ?? convert(latest(type.slice(type.lastIndexOf('.') + 1)), components);
  if (Array.isArray(type)) return { anyOf: type.map((branch) => convert(branch, components)) };
  const named = type as AvroNamed;
  if (named.type === 'array') return { type: 'array', items: convert(named.items, components) };
  if (named.type === 'map') return { type: 'object', additionalProperties: convert(named.values, components) };
  if (named.type !== 'record' && named.type !== 'enum') return convert(named.type, components);
  const name = named.name!;
  if (!components[name]) {
    // Reserved before its fields are read, so that a type may contain itself.
    const schema: JsonSchema = {};
    components[name] = schema;
    Object.assign(
      schema,
      named.type === 'enum'
        ? { type: 'string', enum: named.symbols, description: named.doc }
        : recordSchema(named, components),
    );
  }
  return reference(name);
}

function recordSchema(record: AvroNamed, components: Record<string, JsonSchema>): JsonSchema {
  const fields = record.fields ?? [];
  const properties = dictionaryOf(
    fields.map((field) => [field.name, { ...convert(field.type, components), description: field.doc }]),
  );
  return { type: 'object', description: record.doc, properties, required: fields.map((field) => field.name) };
}

function reference(name: string): JsonSchema {
  return { $ref: `#/components/schemas/${name}` };
}
