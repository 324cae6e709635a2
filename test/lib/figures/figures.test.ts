import { fixedPercent, percent, rounded, short, shownHash, signed } from '../../../lib/figures/figures';

test.each<[string, string]>([
  [short(0.000123456), '0.000123'],
  [short(1_234), '1230'],
  [short(2), '2'],
  [short(0.5, 1), '0.5'],
  [percent(0.12345, 2), '12 %'],
  [percent(0.5), '50 %'],
  [percent(0.00012), '0.012 %'],
  [fixedPercent(0.5), '50 %'],
  [fixedPercent(0.12345, 1), '12.3 %'],
  [signed(0.5, 2), '+0.50'],
  [signed(-0.5, 2), '-0.50'],
  [signed(0, 0), '+0'],
  [shownHash('0123456789abcdef'), '0123456789ab'],
])('%s', (shown, expected) => {
  expect(shown).toBe(expected);
});

test('rounding keeps significant digits, not decimals', () => {
  expect([0.00123456, 123_456, 0].map((value) => rounded(value, 3))).toEqual([0.00123, 123_000, 0]);
});
