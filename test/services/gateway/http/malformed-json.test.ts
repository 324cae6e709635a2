import fc from 'fast-check';
import { locateJsonFault } from '../../../../services/gateway/http/malformed-json';

test.each<[string, string, number, number, RegExp]>([
  ['{"a": NaN}', 'a', 1, 7, /^NaN is not a number that JSON can carry/],
  ['{"a": {"b": [1, -Infinity]}}', 'a.b.1', 1, 17, /^-Infinity is not/],
  ['{"a": 1,\n  "b": 2,}', '', 2, 10, /^expected a field name/],
  ['{"a" 1}', 'a', 1, 6, /^expected ":"/],
  ['{"a": 1 "b": 2}', '', 1, 9, /^expected "," or "}", not "\\""/],
  ['[1 2]', '', 1, 4, /^expected "," or "\]"/],
  ['{"a": "x', 'a', 1, 7, /^a string that does not end/],
  ['{"a": "\\q"}', 'a', 1, 7, /bad escape/],
  ['{"a": 01}', 'a', 1, 7, /^unexpected "0"/],
  ['{"a": truer}', 'a', 1, 7, /^unexpected "t"/],
  ['{"a": [', 'a.0', 1, 8, /ends too early/],
  ['{"a": 1', '', 1, 8, /ends too early/],
  ['{} {}', '', 1, 4, /^text after the end/],
  ['\n\n  x', '', 3, 3, /^unexpected "x"/],
  ["{'a': 1}", '', 1, 2, /^expected a field name/],
])('%s', (text, field, line, column, message) => {
  expect(() => JSON.parse(text)).toThrow();
  const fault = locateJsonFault(text);
  expect(fault).toMatchObject({ field, line, column });
  expect(fault.message).toMatch(message);
});

test('whatever is deeply nested is refused without running out of stack', () => {
  expect(locateJsonFault('['.repeat(1_000_000)).message).toBe('nested deeper than 200');
});

test('it finds a fault in every text that is not JSON, and none before it', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.string({ minLength: 1, maxLength: 3 }), (json, at, noise) => {
      const cut = at % (json.length + 1);
      const text = json.slice(0, cut) + noise + json.slice(cut);
      let isJson = true;
      try {
        JSON.parse(text);
      } catch {
        isJson = false;
      }
      if (isJson) return;
      const fault = locateJsonFault(text);
      expect(fault.message).not.toBe('not JSON');
      expect(fault.line).toBeGreaterThanOrEqual(1);
      expect(fault.column).toBeGreaterThanOrEqual(1);
    }),
  );
});
