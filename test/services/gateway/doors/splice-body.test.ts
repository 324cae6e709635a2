import fc from 'fast-check';
import { spliceBody } from '../../../../services/gateway/doors/splice-body';

test.each([
  [
    'a number stays as it was written',
    '{"model":"a","seed":12345678901234567890,"t":1.0}',
    '{"model":"b","seed":12345678901234567890,"t":1.0}',
  ],
  ['a key may be escaped', '{"mod\\u0065l":"a"}', '{"mod\\u0065l":"b"}'],
  ['what is left out leaves no comma', '{"quantum_router":{"a":[1,{"b":2}]},"model":"a"}', '{"model":"b"}'],
  ['at the end as well', '{ "model" : "a" , "quantum_router" : null }', '{"model" :"b"}'],
  [
    'fields of others with these names stay',
    '{"m":{"model":"a","quantum_router":1},"model":"x"}',
    '{"m":{"model":"a","quantum_router":1},"model":"b"}',
  ],
  [
    'what looks like JSON in a text is text',
    '{"p":"\\"model\\":\\"a\\",}{","model":"\\\\"}',
    '{"p":"\\"model\\":\\"a\\",}{","model":"b"}',
  ],
  ['a field that was not there comes in front', '{"p":1}', '{"model":"b","p":1}'],
  ['of nothing', ' { } ', '{"model":"b"}'],
])('%s', (_what, text, expected) => {
  expect(spliceBody(text, { model: 'b' }, ['quantum_router'])).toBe(expected);
});

// Compared as text: from V8 13 on (Node 24), once a key that is a backslash was parsed, `JSON.parse` takes other escaped
// keys of one character for it in the whole process (nodejs/node#63785).
test('everything else stays as it was written, whatever the fields are called and hold', () => {
  const space = fc.constantFrom('', ' ', '\n  ', '\t');
  const fields = fc.uniqueArray(
    fc.record({
      key: fc.oneof(fc.constantFrom('model', 'quantum_router', 'a"b', '"', '\\', '{', ':'), fc.string()),
      value: fc.jsonValue().map((value) => JSON.stringify(value)),
      before: space,
      between: space,
      after: space,
    }),
    { selector: ({ key }) => key },
  );
  fc.assert(
    fc.property(fields, fc.jsonValue(), (given, model) => {
      const text = given.map(({ key, value, before, between, after }) => ({
        key,
        written: `${before}${JSON.stringify(key)}${between}:${between}${value}${after}`,
        kept: `${JSON.stringify(key)}${between}:${key === 'model' ? JSON.stringify(model) : `${between}${value}${after}`}`,
      }));
      const added = given.some(({ key }) => key === 'model') ? [] : [`"model":${JSON.stringify(model)}`];
      const kept = text.filter(({ key }) => key !== 'quantum_router').map((field) => field.kept);
      expect(spliceBody(`{${text.map(({ written }) => written).join(',')}}`, { model }, ['quantum_router'])).toBe(
        `{${[...added, ...kept].join(',')}}`,
      );
    }),
  );
});
