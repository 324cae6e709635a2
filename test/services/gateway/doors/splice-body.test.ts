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

test('it says what the values would say, however it is written', () => {
  const object = fc.dictionary(
    fc
      .oneof(fc.constantFrom('model', 'quantum_router', 'a"b', '\\', '{', ':'), fc.string())
      .filter((key) => key !== '__proto__'),
    fc.jsonValue(),
  );
  fc.assert(
    fc.property(object, fc.nat(3), fc.jsonValue(), (given, indent, model) => {
      const { quantum_router: _ours, ...rest } = JSON.parse(JSON.stringify(given));
      const spliced = spliceBody(JSON.stringify(given, null, indent), { model }, ['quantum_router']);
      expect(JSON.parse(spliced)).toEqual(JSON.parse(JSON.stringify({ ...rest, model })));
    }),
  );
});
