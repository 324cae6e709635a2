/**
 * Generates `lib/topics/generated/` from `schemas/*.avsc`: one TypeScript interface per record (with its docs) and the
 * schemas of every released version with their ids. A changed schema gets a new version under `schemas/history/` and a
 * new id in `schemas/ids.json`; released versions and ids never change. `--check` writes nothing and fails when stale.
 *
 * A field with `"wireOnly": true` is there in the log alone: the codec of the topic (lib/topics/packed) makes it of other fields.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

type Schema =
  | string
  | Schema[]
  | RecordSchema
  | EnumSchema
  | { type: 'array'; items: Schema }
  | { type: 'map'; values: Schema };
interface RecordSchema {
  type: 'record';
  name: string;
  namespace?: string;
  doc?: string;
  fields: { name: string; type: Schema; doc?: string; default?: unknown; wireOnly?: boolean }[];
}
interface EnumSchema {
  type: 'enum';
  name: string;
  namespace?: string;
  doc?: string;
  symbols: string[];
}

const root = join(__dirname, '..');
const check = process.argv.includes('--check');
const stale: string[] = [];
const firstSchemaId = 1001;

function emit(path: string, content: string): void {
  const file = join(root, path);
  if (existsSync(file) && readFileSync(file, 'utf8') === content) return;
  stale.push(path);
  if (check) return;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

const named = new Map<string, RecordSchema | EnumSchema>();
const messages: string[] = [];

function collect(schema: Schema): void {
  if (typeof schema === 'string') return;
  if (Array.isArray(schema)) for (const branch of schema) collect(branch);
  else if (schema.type === 'array') collect(schema.items);
  else if (schema.type === 'map') collect(schema.values);
  else {
    if (named.has(schema.name)) throw new Error(`${schema.name} is defined twice; refer to it by name instead`);
    named.set(schema.name, schema);
    if (schema.type === 'record') for (const field of schema.fields) collect(field.type);
  }
}

const shortName = (name: string): string => name.replace(/^quantumrouter\./, '');

/** The schema with every reference inlined at its first use, as a reader elsewhere needs it. */
function inline(schema: Schema, seen: Set<string>): Schema {
  if (typeof schema === 'string') {
    const target = named.get(shortName(schema));
    if (!target) return schema;
    if (seen.has(target.name)) return `quantumrouter.${target.name}`;
    return inline(target, seen);
  }
  if (Array.isArray(schema)) return schema.map((branch) => inline(branch, seen));
  if (schema.type === 'array') return { type: 'array', items: inline(schema.items, seen) };
  if (schema.type === 'map') return { type: 'map', values: inline(schema.values, seen) };
  if (seen.has(schema.name)) return `quantumrouter.${schema.name}`;
  seen.add(schema.name);
  if (schema.type === 'enum') return schema;
  return { ...schema, fields: schema.fields.map((field) => ({ ...field, type: inline(field.type, seen) })) };
}

function typeOf(schema: Schema): string {
  if (typeof schema === 'string') {
    switch (schema) {
      case 'null':
        return 'null';
      case 'boolean':
        return 'boolean';
      case 'string':
        return 'string';
      case 'bytes':
        return 'Buffer';
      case 'int':
      case 'long':
      case 'float':
      case 'double':
        return 'number';
      default: {
        const name = shortName(schema);
        if (!named.has(name)) throw new Error(`unknown type ${schema}`);
        return name;
      }
    }
  }
  if (Array.isArray(schema)) return schema.map(typeOf).reverse().join(' | ');
  if (schema.type === 'array') {
    const item = typeOf(schema.items);
    return item.includes('|') ? `(${item})[]` : `${item}[]`;
  }
  if (schema.type === 'map') return `Record<string, ${typeOf(schema.values)}>`;
  return schema.name;
}

function typeScriptOf(schema: RecordSchema | EnumSchema): string {
  const doc = schema.doc ? `/** ${schema.doc} */\n` : '';
  if (schema.type === 'enum')
    return `${doc}export type ${schema.name} = ${schema.symbols.map((s) => `'${s}'`).join(' | ')};\n`;
  const inMemory = schema.fields.filter(({ wireOnly }) => !wireOnly);
  const fields = inMemory.map((f) => `${f.doc ? `  /** ${f.doc} */\n` : ''}  ${f.name}: ${typeOf(f.type)};\n`);
  return `${doc}export interface ${schema.name} {\n${fields.join('')}}\n`;
}

const files = readdirSync(join(root, 'schemas'))
  .filter((file) => file.endsWith('.avsc'))
  .sort();
for (const file of files) {
  const schema = JSON.parse(readFileSync(join(root, 'schemas', file), 'utf8')) as RecordSchema;
  collect(schema);
  messages.push(schema.name);
}

const header = '// Generated from schemas/*.avsc by `make generate`. Do not edit.\n';
const types = [...named.values()].sort((a, b) => (a.name < b.name ? -1 : 1)).map(typeScriptOf);
emit('lib/topics/generated/messages.ts', `${header}\n${types.join('\n')}`);

const idsFile = join(root, 'schemas', 'ids.json');
const ids: Record<string, number[]> = existsSync(idsFile) ? JSON.parse(readFileSync(idsFile, 'utf8')) : {};
let nextId = Math.max(firstSchemaId - 1, ...Object.values(ids).flat()) + 1;
const versions: Record<string, { id: number; schema: Schema }[]> = {};
for (const name of messages.sort()) {
  const current = `${JSON.stringify(inline(`quantumrouter.${name}`, new Set()), null, 2)}\n`;
  const known = ids[name] ?? [];
  const history = known.map((_, index) =>
    readFileSync(join(root, 'schemas', 'history', name, `${index + 1}.avsc`), 'utf8'),
  );
  if (history.at(-1) !== current) {
    emit(`schemas/history/${name}/${history.length + 1}.avsc`, current);
    known.push(nextId++);
    history.push(current);
  }
  ids[name] = known;
  versions[name] = history.map((text, index) => ({ id: known[index]!, schema: JSON.parse(text) as Schema }));
}
emit('schemas/ids.json', `${JSON.stringify(ids, null, 2)}\n`);
emit(
  'lib/topics/generated/schemas.ts',
  `${header}
/** Every released version of every message, oldest first; the last is what we write. One line a version. */
export const schemaVersions: Readonly<Record<string, readonly { readonly id: number; readonly schema: unknown }[]>> = {
${Object.entries(versions)
  .map(([name, list]) => `${name}: [\n${list.map((version) => `${JSON.stringify(version)},\n`).join('')}],\n`)
  .join('')}};
`,
);

if (stale.length > 0) {
  process.stderr.write(
    `${check ? 'stale, run `make generate`' : 'written'}:\n${stale.map((path) => `  ${path}\n`).join('')}`,
  );
  if (check) process.exit(1);
}
