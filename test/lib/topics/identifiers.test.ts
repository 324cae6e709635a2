import fc from 'fast-check';
import { idFault, idPattern, labelFault, maxIdChars } from '../../../lib/topics/identifiers';

test.each<[string, string, RegExp]>([
  ['nothing', '', /empty/],
  ['too long', 'x'.repeat(201), /at most 200 characters/],
  ['too long in characters of two units', '😀'.repeat(201), /at most 200 characters/],
  ['a lone surrogate', 'a\ud800', /lone surrogate \(U\+D800 at 1\)/],
  ['the other half', '\udc00', /lone surrogate \(U\+DC00/],
  ['NUL', 'a\0b', /control character \(U\+0000 at 1\)/],
  ['an escape sequence', '\u001b[2J', /control character \(U\+001B/],
  ['a C1 control character', '\u0085', /control character \(U\+0085/],
])('no id: %s', (_name, value, fault) => {
  expect(idFault(value)).toMatch(fault);
});

test.each(['a', 'ä/b c', '__proto__', 'constructor', '😀'.repeat(200), 'x'.repeat(200), '\ufffd'])(
  'an id: %s',
  (value) => {
    expect(idFault(value)).toBeNull();
  },
);

test('the pattern of the documentation and the function agree on every text', () => {
  const pattern = new RegExp(idPattern, 'u');
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 250 }), fc.boolean(), (text, breaks) => {
      const value = breaks ? text.slice(1) : text;
      const documented = pattern.test(value) && [...value].length <= maxIdChars;
      expect(labelFault(value) === null).toBe(documented);
    }),
  );
});

test('different ids stay different in UTF-8', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      if (a === b || idFault(a) !== null || idFault(b) !== null) return;
      expect(Buffer.from(a).equals(Buffer.from(b))).toBe(false);
    }),
  );
});
