import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import Ajv2020 from 'ajv/dist/2020';
import fc from 'fast-check';
import type { z } from 'zod';
import { checkValue } from '../../../lib/config/describe-issues';
import type { JsonSchema } from '../../../services/gateway/http/avro-json-schema';
import { feedbackBodySchema, routeBodySchema } from '../../../services/gateway/http/body-schemas';
import { parseJson } from '../../../services/gateway/http/read-body';
import { startGateway } from './start-gateway';

type Started = Awaited<ReturnType<typeof startGateway>>;
// biome-ignore lint/suspicious/noExplicitAny: a document of many shapes
type Document = any;

let started: Started;
let document: Document;
beforeAll(async () => {
  started = await startGateway();
  document = (await started.call('GET', '/openapi.json')).body;
});
afterAll(() => started.stop());

test('redocly has nothing to say about the document', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'openapi-'));
  try {
    const file = join(directory, 'openapi.json');
    writeFileSync(file, JSON.stringify(document));
    const cli = require.resolve('@redocly/cli/bin/cli.js');
    const { stdout } = await promisify(execFile)(process.execPath, [cli, 'lint', file, '--format=json'], {
      cwd: directory,
      env: { PATH: process.env['PATH'], REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' },
    });
    expect(JSON.parse(stdout)).toMatchObject({ totals: { errors: 0, warnings: 0 } });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

const ajv = new Ajv2020({ strict: false, allErrors: false, validateFormats: false });

/** Values that stand at, inside and outside the edges of a schema, and those that go wrong elsewhere. */
function edgesOf(schema: JsonSchema): unknown[] {
  const edges: unknown[] = [
    null,
    true,
    0,
    1,
    -1,
    0.5,
    '',
    'a',
    '__proto__',
    '\ud800',
    'a\0',
    '😀'.repeat(200),
    [],
    {},
    [null],
  ];
  edges.push(
    -(2 ** 31) - 1,
    2 ** 31,
    253_402_300_800_000,
    Number.MAX_SAFE_INTEGER,
    Number.MAX_VALUE,
    5e-324,
    'x'.repeat(201),
  );
  const visit = (inner: JsonSchema): void => {
    for (const option of (inner['anyOf'] ?? []) as JsonSchema[]) visit(option);
    for (const value of (inner['enum'] ?? []) as unknown[]) edges.push(value);
    for (const edge of ['minimum', 'maximum'] as const)
      if (typeof inner[edge] === 'number') edges.push(inner[edge], inner[edge] + 1, inner[edge] - 1);
    if (typeof inner['maxLength'] === 'number')
      edges.push('x'.repeat(inner['maxLength']), 'x'.repeat(inner['maxLength'] + 1));
    if (inner['items']) {
      const items = edgesOf(inner['items'] as JsonSchema);
      edges.push(...items.map((item) => [item]));
      const most = inner['maxItems'] as number | undefined;
      if (most !== undefined && most <= 300)
        for (const item of items.slice(0, 40)) edges.push(Array(most).fill(item), Array(most + 1).fill(item));
    }
    for (const [key, property] of Object.entries((inner['properties'] ?? {}) as Record<string, JsonSchema>)) {
      const rest = exampleOf(inner);
      for (const value of edgesOf(property)) edges.push({ ...rest, [key]: value });
      const { [key]: _left, ...without } = rest;
      edges.push(without);
    }
    if (inner['properties']) edges.push({ ...exampleOf(inner), constructor: 1 });
    if (typeof inner['additionalProperties'] === 'object') {
      for (const value of edgesOf(inner['additionalProperties'] as JsonSchema).slice(0, 60))
        edges.push({ part: value, [`${'k'.repeat(201)}`]: value });
    }
  };
  visit(schema);
  return edges;
}

/** The least that a schema accepts, as far as the bodies here need it. */
function exampleOf(schema: JsonSchema): Record<string, unknown> {
  const properties = (schema['properties'] ?? {}) as Record<string, JsonSchema>;
  return Object.fromEntries(
    ((schema['required'] ?? []) as string[]).map((key) => [
      key,
      (properties[key]?.['enum'] as unknown[] | undefined)?.[0] ?? 'a',
    ]),
  );
}

const bodySchemas: [string, z.ZodType][] = [
  ['/v1/route', routeBodySchema],
  ['/v1/feedback', feedbackBodySchema],
];

test.each(bodySchemas)('run time demands of %s exactly what the document says', (path, schema) => {
  const documented = document.paths[path].post.requestBody.content['application/json'].schema as JsonSchema;
  const accepts = ajv.compile({ ...documented, $defs: document.components.schemas });
  const values = edgesOf(documented);
  expect(values.length).toBeGreaterThan(400);
  const disagreements: unknown[] = [];
  let accepted = 0;
  for (const value of values) {
    // As it comes over the wire.
    const text = JSON.stringify(value);
    const body = JSON.parse(text) as unknown;
    const checked = checkValue(schema, body);
    if (checked.ok) accepted++;
    if (checked.ok !== accepts(body))
      disagreements.push([text.slice(0, 200), checked.ok || checked.issues[0], accepts.errors?.[0]]);
  }
  expect(disagreements).toEqual([]);
  expect(accepted).toBeGreaterThan(100);
  expect(accepted).toBeLessThan(values.length - 100);
});

test('whatever a body holds, the answer is not an error of ours', async () => {
  const bodies = fc.sample(
    fc.oneof(
      ...bodySchemas.map(([path]) => {
        const documented = document.paths[path].post.requestBody.content['application/json'].schema as JsonSchema;
        return fc.record({ path: fc.constant(path), body: fc.constantFrom(...edgesOf(documented)) });
      }),
    ),
    { numRuns: 300, seed: 1 },
  );
  for (const { path, body } of bodies) {
    const text = JSON.stringify(body);
    const answer = await started.call('POST', path, text);
    if (answer.status >= 500) throw new Error(`${path} answers ${answer.status} to ${text.slice(0, 200)}`);
    expect(() => parseJson(JSON.stringify(answer.body))).not.toThrow();
  }
});
