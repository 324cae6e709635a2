import { ms } from '../../dashboard/format';

test.each([
  [null, '–'],
  [Number.NaN, '–'],
  [0, '< 1 ms'],
  [0.0004, '1 µs'],
  [0.0421, '42 µs'],
  [0.9, '900 µs'],
  [1, '1.0 ms'],
  [9.96, '10.0 ms'],
  [12.4, '12 ms'],
  [9_999, '9,999 ms'],
  [12_345, '12.3 s'],
])('%p milliseconds are %s', (value, text) => {
  expect(ms(value)).toBe(text);
});
