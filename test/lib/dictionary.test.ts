import { dictionaryOf, ownEntry } from '../../lib/dictionary';

/** What every object inherits, and what it takes for its prototype. */
const inherited = ['constructor', 'toString', 'hasOwnProperty', '__proto__', 'valueOf'];

test('a dictionary has what was put in, whatever the words are', () => {
  const table = dictionaryOf(inherited.map((word, i) => [word, i] as const));
  expect(Object.keys(table)).toEqual(inherited);
  inherited.forEach((word, i) => {
    expect(table[word]).toBe(i);
  });
  expect(JSON.stringify(table)).toBe('{"constructor":0,"toString":1,"hasOwnProperty":2,"__proto__":3,"valueOf":4}');
});

test('nothing is found that nobody put in, in a dictionary or in any object', () => {
  for (const word of inherited) {
    expect(dictionaryOf<string, number>()[word]).toBeUndefined();
    expect(ownEntry({}, word)).toBeUndefined();
    expect(ownEntry(dictionaryOf([[word, 1]]), word)).toBe(1);
  }
});
