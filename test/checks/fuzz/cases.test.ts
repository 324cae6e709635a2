import fc from 'fast-check';
import { editedAvro, varint } from '../../../checks/fuzz/avro-fields';
import { caseList } from '../../../checks/fuzz/case-list';
import { configurationCases, configurationOf } from '../../../checks/fuzz/configuration-cases';
import { kindOf } from '../../../checks/fuzz/findings';
import { httpCases, httpRequestOf } from '../../../checks/fuzz/http-cases';
import { fieldsOf } from '../../../checks/fuzz/json-schema';
import { editedJson } from '../../../checks/fuzz/json-text';
import { anyTopics, recordCases, recordOf } from '../../../checks/fuzz/record-cases';
import { routeRequest } from '../../../lib/client/build-records';
import { schemaVersions } from '../../../lib/topics/generated/schemas';
import { topics } from '../../../lib/topics/topics';

test('a seed and a number name one case; all single ones come before pairs', () => {
  const list = caseList(
    'toy',
    ['a', 'b', 'c'].map((how) => ({ how })),
  );
  const named = Array.from({ length: 6 }, (_, index) => list.whatIs(7, index));
  expect(named.slice(0, 3).sort()).toEqual(['toy a', 'toy b', 'toy c']);
  expect(named.slice(3).every((what) => what.includes(' & '))).toBe(true);
  list.whatIs(8, 0);
  expect(Array.from({ length: 6 }, (_, index) => list.whatIs(7, index))).toEqual(named);
});

test('a small number takes the bytes that a number of 64 bits does', () => {
  fc.assert(fc.property(fc.integer(), (value) => varint(value).equals(varint(BigInt(value)))));
});

test('JSON can hold what no value does: a key twice, a number without end, and lists that were not there', () => {
  const edits = [
    { path: ['a'], text: '1e400', again: true },
    { path: ['list', 1, 'x'], text: 'true' },
    { path: ['b'], text: null },
  ];
  expect(editedJson({ a: 1, b: 2 }, edits)).toBe('{"a":1,"a":1e400,"list":[null,{"x":true}]}');
});

test('every field of a schema is found, in lists, maps and alternatives too', () => {
  const text = { type: 'string' };
  const schema = {
    type: 'object',
    properties: {
      plain: { anyOf: [text, { type: 'null' }] },
      list: { type: 'array', items: { type: 'object', required: ['name'], properties: { name: text } } },
      map: { type: 'object', additionalProperties: { $ref: '#/$defs/number' } },
    },
    $defs: { number: { type: 'number' } },
  };
  const paths = fieldsOf(schema).map(({ path }) => path.join('.'));
  expect(paths).toEqual(['plain', 'list', 'list.0', 'list.0.name', 'map', 'map.some-key']);
});

test('without edits the bytes are those of the codec', () => {
  const request = routeRequest({ requestId: 'r', prompt: 'p', requestedAtMs: 2 ** 40, sessionId: 's' });
  const schema = schemaVersions['RouteRequested']!.at(-1)!.schema as never;
  expect(editedAvro(schema, request, [])).toEqual(topics.routeRequested.codec.encode(request).subarray(5));
});

test('every topic and the configuration have hostile cases, and each can be made', () => {
  for (const topic of anyTopics()) {
    const cases = recordCases(topic);
    expect(cases.list.singles).toBeGreaterThan(50);
    for (let index = 0; index < 20; index++) {
      const record = recordOf(cases, 1, index, { key: 'k', value: {} });
      expect(record).toEqual(recordOf(cases, 1, index, { key: 'k', value: {} }));
    }
  }
  const list = configurationCases();
  expect(list.singles).toBeGreaterThan(1_000);
  expect(configurationOf(list, 1, 5)).toEqual(configurationOf(list, 1, 5));
});

test('a schema id is put nowhere when the other half of a pair has cut off its place', () => {
  const cases = recordCases(topics.routeRequested);
  const singles = Array.from({ length: cases.list.singles }, (_, index) => cases.list.partsOf(1, index)[0]!);
  const named = ['three bytes', 'unknown schema id'].map((how) => singles.find((part) => part.how === how)!);
  const pair = { ...cases, list: { ...cases.list, partsOf: () => named } };
  expect(recordOf(pair, 1, 0, { key: 'k', value: {} }).value).toEqual(Buffer.alloc(3));
});

test('faults of one kind compare equal, whatever numbers and names are in them', () => {
  expect(kindOf('no decision for "fuzz-17" within 7000 ms')).toBe(kindOf('no decision for "x" within 12 ms'));
  expect(kindOf('no such topic')).not.toBe(kindOf('no such model'));
});

test('hostile credentials and origins are among the cases', () => {
  const operation = {
    parameters: [],
    requestBody: { content: { 'application/json': { schema: { type: 'object' } } } },
  };
  const [cases] = httpCases({ paths: { '/v1/route': { post: operation } } });
  const sent = new Set<string>();
  for (let index = 0; index < cases!.list.singles; index++)
    for (const name of Object.keys(httpRequestOf(cases!, 1, index).headers)) sent.add(name);
  for (const name of ['authorization', 'x-api-key', 'origin', 'host', 'x-quantum-tenant']) expect(sent).toContain(name);
});
