import { everyMinute, ms, usd } from '../../dashboard/format';

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

test.each([
  [0.0099999, '$0.010'],
  [0.00994, '$0.0099'],
  [0.01, '$0.010'],
  [-0.0000123, '−$0.000012'],
  [0.996, '$1.0'],
  [1, '$1.00'],
])('%p USD are %s', (value, text) => {
  expect(usd(value)).toBe(text);
});

test('a minute in which nothing happened is one all the same, up to now', () => {
  const minute = 60_000;
  expect(everyMinute([], 9 * minute)).toEqual([]);
  expect(everyMinute([4 * minute, 2 * minute], 7.5 * minute)).toEqual([2, 3, 4, 5, 6].map((at) => at * minute));
  expect(everyMinute([7 * minute], 7.5 * minute)).toEqual([7 * minute]);
});
