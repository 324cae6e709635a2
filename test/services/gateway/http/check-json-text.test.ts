import fc from 'fast-check';
import { jsonTextFault, maxJsonDepth, maxJsonValues } from '../../../../services/gateway/http/check-json-text';

test.each<[string, string, string, RegExp]>([
  ['a key twice', '{"a": 1, "b": 2, "a": 3}', 'a', /given twice/],
  ['a key twice inside', '{"limits": {"x": [1], "x": 2}}', 'limits.x', /given twice/],
  ['a key twice in a list', '{"m": [{"r": 1}, {"r": 1, "r": 2}]}', 'm.1.r', /given twice/],
  ['one key in two spellings', '{"ab": 1, "\\u0061b": 2}', 'ab', /given twice/],
  ['the prototype', '{"a": {"__proto__": {"x": 1}}}', 'a.__proto__', /may not be the name/],
  ['a number too large', '{"a": [1, 1e400]}', 'a.1', /^1e400 is too large/],
  ['a negative one', '{"a": -1E+999}', 'a', /^-1E\+999 is too large/],
  ['one of many digits', `{"a": ${'9'.repeat(400)}}`, 'a', /^9{40} is too large/],
  ['deep nesting', `${'['.repeat(maxJsonDepth + 1)}`, '', /deeper than 32/],
  ['many elements', `[${'1,'.repeat(maxJsonValues + 1)}1`, '', /more than 20000 values/],
  ['many keys', `{${Array.from({ length: maxJsonValues + 1 }, (_, i) => `"${i}":1`).join()}}`, '', /more than 20000/],
])('%s', (_name, text, field, message) => {
  const fault = jsonTextFault(text);
  expect(fault?.field).toBe(field);
  expect(fault?.message).toMatch(message);
});

test.each([
  '{"a": {"a": {"a": 1}}, "b": [{"a": 1}, {"a": 2}]}',
  '{"constructor": 1, "toString": 2, "hasOwnProperty": 3}',
  '["\\"", "\\\\", "{[1e999,", {"a\\"": 1, "a": 2}]',
  '{"a": 1e308, "b": 1e-999, "c": -0}',
  `${'['.repeat(maxJsonDepth)}${']'.repeat(maxJsonDepth)}`,
])('no fault: %s', (text) => {
  expect(JSON.parse(text)).toBeDefined();
  expect(jsonTextFault(text)).toBeNull();
});

test('no value that JSON can say is refused, and every repeated key is', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 }), { minKeys: 1 }), fc.nat(), (object, at) => {
      const keys = Object.keys(object).filter((key) => key !== '__proto__');
      const text = JSON.stringify(object);
      const hasProto = text.includes('"__proto__":');
      expect(jsonTextFault(text) === null).toBe(!hasProto);
      const again = keys[at % keys.length];
      if (again === undefined || hasProto) return;
      expect(jsonTextFault(`${text.slice(0, -1)},${JSON.stringify(again)}:1}`)?.message).toMatch(/given twice/);
    }),
  );
});

test('a text that is no JSON is left to the parser', () => {
  for (const text of ['', '}', '{"a', '[1,', 'nonsense', '{"a" "b"}', '{]']) expect(jsonTextFault(text)).toBeNull();
});
