import { renamerTo } from '../../../../services/gateway/doors/rename-answer';

const rename = renamerTo('decision "1"');

test.each([
  ['{"id":"a","model":"m"}', '{"id":"decision \\"1\\"","model":"m"}'],
  ['{"model":"a", "id" :\n "a"}', '{"model":"a", "id" :\n "decision \\"1\\""}'],
  // Only the first, and only where it is the value of the field itself.
  ['{"id":"a","choices":[{"id":"a"}]}', '{"id":"decision \\"1\\"","choices":[{"id":"a"}]}'],
  ['{"text":"the \\"id\\": is a","object":"a"}', '{"text":"the \\"id\\": is a","object":"a"}'],
  ['{"tid":"a","other":["a"]}', '{"tid":"a","other":["a"]}'],
  ['"a"', '"a"'],
  ['', ''],
])('%s', (text, expected) => {
  expect(rename(text, 'a')).toBe(expected);
});

test('nothing is renamed where the answer has no id, and a new id is taken', () => {
  expect(rename('{"id":"a"}', null)).toBe('{"id":"a"}');
  expect(rename('{"id":"b"}', 'b')).toBe('{"id":"decision \\"1\\""}');
});
