import { differencesOf } from '../../../lib/replay/differences';

const none = new Set<string>();

test('the same values differ nowhere, whatever the class they were decoded into', () => {
  class Decoded {
    constructor(
      readonly a: unknown,
      readonly b: unknown,
    ) {}
  }
  const value = { a: [1, { c: Number.NaN }], b: null };
  expect(differencesOf(new Decoded([1, { c: Number.NaN }], null), value, none)).toEqual([]);
});

test.each<[string, unknown, unknown, string, unknown, unknown]>([
  ['a number by its last bit', 0.1 + 0.2, 0.3, 'value', 0.1 + 0.2, 0.3],
  ['minus zero', 0, -0, 'value', 0, -0],
  ['null', null, 0, 'value', null, 0],
  ['deep inside', { list: [{ p: 1 }, { p: 2 }] }, { list: [{ p: 1 }, { p: 3 }] }, 'value.list.1.p', 2, 3],
  ['one entry more', [1, 2], [1], 'value.1', 2, undefined],
  ['one entry less', [1], [1, 2], 'value.1', undefined, 2],
  ['a field more', { a: 1 }, {}, 'value.a', 1, undefined],
  ['a field renamed', { a: undefined }, { b: undefined }, 'none', 0, 0],
  ['a list that became a record', [1], { a: 1 }, 'value.0', 1, undefined],
])('%s', (_name, recorded, recomputed, field, was, is) => {
  const [first] = differencesOf({ value: recorded }, { value: recomputed }, none);
  if (field === 'none') expect(first).toBeUndefined();
  else expect(first).toEqual({ field, recorded: was, recomputed: is });
});

test('fields that one side lacks differ, excluded ones never do', () => {
  expect(differencesOf({ a: 1, when: 5 }, { b: 2, when: 6 }, new Set(['when']))).toEqual([
    { field: 'a', recorded: 1, recomputed: undefined },
    { field: 'b', recorded: undefined, recomputed: 2 },
  ]);
});

test('at most 20 differences of one record are listed', () => {
  const zeros = { list: Array.from({ length: 100 }, () => 0) };
  const ones = { list: Array.from({ length: 100 }, () => 1) };
  expect(differencesOf(zeros, ones, none)).toHaveLength(20);
});
