/** What Anthropic is given of a schema to hold a model to: all that it takes, and the rest in words. */
import { strictSchema } from '../../../../lib/providers/anthropic/strict-schema';

test('what it does not take is said to the model, at its place, and nothing else is changed', () => {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: {
      stars: { type: 'integer', minimum: 1, maximum: 5, description: 'How good.' },
      name: { type: 'string', format: 'email', pattern: '^a', minLength: 2 },
      tags: { type: 'array', items: { type: 'string', maxLength: 9 }, minItems: 1, maxItems: 3 },
      what: { oneOf: [{ $ref: '#/$defs/a' }, { type: 'null' }] },
      maybe: { type: ['object', 'null'], properties: {} },
      open: { type: 'object', additionalProperties: { type: 'string' } },
      // Names of properties are no words of the language.
      pattern: { type: 'string' },
      type: { enum: ['object'], type: 'string' },
    },
    required: ['stars'],
    $defs: { a: { type: 'object', properties: { at: { type: 'string', format: 'iri' } } } },
  };
  expect(strictSchema(schema)).toEqual({
    type: 'object',
    properties: {
      stars: { type: 'integer', description: 'How good.\n\n{minimum: 1, maximum: 5}' },
      name: { type: 'string', format: 'email', description: '{pattern: "^a", minLength: 2}' },
      tags: {
        type: 'array',
        items: { type: 'string', description: '{maxLength: 9}' },
        minItems: 1,
        description: '{maxItems: 3}',
      },
      what: { anyOf: [{ $ref: '#/$defs/a' }, { type: 'null' }] },
      maybe: { type: ['object', 'null'], properties: {}, additionalProperties: false },
      open: { type: 'object', additionalProperties: { type: 'string' } },
      pattern: { type: 'string' },
      type: { enum: ['object'], type: 'string' },
    },
    required: ['stars'],
    $defs: {
      a: {
        type: 'object',
        properties: { at: { type: 'string', description: '{format: "iri"}' } },
        additionalProperties: false,
      },
    },
    additionalProperties: false,
  });
});

test.each([
  ['anyOf', 'oneOf'],
  ['oneOf', 'anyOf'],
])('of %s and %s, both there, neither is dropped', (one, other) => {
  const lists: Record<string, unknown> = { anyOf: [{ type: 'string' }], oneOf: [{ const: 'a' }, { const: 'b' }] };
  expect(strictSchema({ [one]: lists[one], [other]: lists[other] })).toEqual({
    anyOf: [{ type: 'string' }],
    description: '{oneOf: [{"const":"a"},{"const":"b"}]}',
  });
});

test.each([
  true,
  'x',
  null,
  7,
  ['a'],
  { properties: 7, anyOf: 'x', items: [1], description: {} },
  JSON.parse('{"__proto__":{"a":1}}'),
])('of any shape: %j', (given) => {
  expect(() => JSON.stringify(strictSchema(given))).not.toThrow();
});
