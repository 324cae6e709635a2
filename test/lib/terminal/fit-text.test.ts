import fc from 'fast-check';
import { cutText, padText, printable, widthOf } from '../../../lib/terminal/fit-text';

test('what a terminal would obey is not handed to it', () => {
  expect(printable('a\u001b[2Jb\u0007\n\u009b1m')).toBe('a�[2Jb���1m');
  expect(printable('\u202egnp.exe')).toBe('�gnp.exe');
});

test('too long a text ends in an ellipsis, characters of two columns counted as such', () => {
  expect(cutText('aurelia-fern', 12)).toBe('aurelia-fern');
  expect(cutText('aurelia-fern', 8)).toBe('aurelia…');
  expect(cutText('模型模型', 6)).toBe('模型…');
  expect(cutText('abc', 0)).toBe('');
});

test('for every text and width: never wider, and padded exactly', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 30 }), (text, columns) => {
      expect(widthOf(cutText(text, columns))).toBeLessThanOrEqual(columns);
      expect(widthOf(padText(text, columns))).toBe(columns);
      expect(widthOf(padText(text, columns, 'right'))).toBe(columns);
    }),
  );
});
