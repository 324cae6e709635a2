/** The promises about schemas: what was ever released can still be read, ids never change, every field says what it is. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import avro from 'avsc';
import { codecOf } from '../../../lib/avro/codec';
import { schemaVersions } from '../../../lib/topics/generated/schemas';

const root = join(__dirname, '../../..');
const historyOf = (name: string): string[] =>
  readdirSync(join(root, 'schemas/history', name)).sort((a, b) => Number.parseInt(a, 10) - Number.parseInt(b, 10));
const released = readdirSync(join(root, 'schemas/history')).sort();
const parse = (name: string, file: string): avro.Type =>
  avro.Type.forSchema(JSON.parse(readFileSync(join(root, 'schemas/history', name, file), 'utf8')) as avro.Schema, {
    wrapUnions: false,
  });

interface Field {
  readonly name: string;
  readonly doc?: string;
  readonly type: unknown;
}

/** Every record field under a schema, with its path. */
function fieldsOf(schema: unknown, path: string): [string, Field][] {
  if (Array.isArray(schema)) return schema.flatMap((branch) => fieldsOf(branch, path));
  if (typeof schema !== 'object' || schema === null) return [];
  const { fields, items, values } = schema as { fields?: Field[]; items?: unknown; values?: unknown };
  return [
    ...(fields ?? []).flatMap((field): [string, Field][] => [
      [`${path}.${field.name}`, field],
      ...fieldsOf(field.type, `${path}.${field.name}`),
    ]),
    ...fieldsOf(items, path),
    ...fieldsOf(values, path),
    ...(fields ? [] : fieldsOf((schema as { type?: unknown }).type, path)),
  ];
}

test('what is generated is up to date', () => {
  const check = () =>
    execFileSync(process.execPath, [require.resolve('tsx/cli'), 'schemas/generate.ts', '--check'], {
      cwd: root,
      stdio: 'pipe',
    });
  expect(check).not.toThrow();
});

test('every message has a history', () => {
  expect(released.length).toBeGreaterThan(0);
  expect(released).toEqual(Object.keys(schemaVersions).sort());
});

describe.each(released)('%s', (name) => {
  const files = historyOf(name);

  test('versions are numbered without gaps, and the generated ones are these', () => {
    expect(files).toEqual(files.map((_, index) => `${index + 1}.avsc`));
    const schemas = files.map(
      (file) => JSON.parse(readFileSync(join(root, 'schemas/history', name, file), 'utf8')) as unknown,
    );
    expect(schemaVersions[name]!.map(({ schema }) => schema)).toEqual(schemas);
  });

  test.each(files)('%s resolves into the current version (BACKWARD_TRANSITIVE)', (file) => {
    const current = parse(name, files.at(-1)!);
    const writer = parse(name, file);
    const resolver = current.createResolver(writer);
    for (let i = 0; i < 10; i++) {
      const value: unknown = writer.random();
      expect(current.isValid(current.fromBuffer(writer.toBuffer(value), resolver))).toBe(true);
    }
  });

  test('the codec reads every version', () => {
    const codec = codecOf(name);
    for (const [index, file] of files.entries()) {
      const header = Buffer.alloc(5);
      header.writeInt32BE(schemaVersions[name]![index]!.id, 1);
      const writer = parse(name, file);
      expect(() => codec.decode(Buffer.concat([header, writer.toBuffer(writer.random())]))).not.toThrow();
    }
  });

  test('every field is documented', () => {
    const { schema } = schemaVersions[name]!.at(-1)!;
    const undocumented = fieldsOf(schema, name).filter(([, field]) => !field.doc?.trim());
    expect(undocumented.map(([path]) => path)).toEqual([]);
  });
});

test('ids are unique, growing within a message, and those of schemas/ids.json', () => {
  const ids = JSON.parse(readFileSync(join(root, 'schemas/ids.json'), 'utf8')) as Record<string, number[]>;
  expect(
    Object.fromEntries(Object.entries(schemaVersions).map(([name, versions]) => [name, versions.map(({ id }) => id)])),
  ).toEqual(ids);
  const all = Object.values(ids).flat();
  expect(new Set(all).size).toBe(all.length);
  for (const own of Object.values(ids)) expect([...own].sort((a, b) => a - b)).toEqual(own);
});

test('vectors are bytes: no message has an array of floats', () => {
  const floats = Object.entries(schemaVersions).filter(([, versions]) =>
    JSON.stringify(versions.at(-1)!.schema).includes('"items":"float"'),
  );
  expect(floats.map(([name]) => name)).toEqual([]);
});
