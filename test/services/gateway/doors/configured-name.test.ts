import { withConfiguredName } from '../../../../services/gateway/doors/configured-name';

const models = [
  { name: 'claude-opus-4-1-20250805' },
  { name: 'fast', upstreamModel: 'claude-haiku-4-5-20251001' },
  { name: 'claude-sonnet-4-20250514' },
  { name: 'claude-sonnet-4-20250801' },
  { name: 'gpt-4o' },
  { name: 'gpt-4o-mini-2024-07-18' },
];

test.each([
  ['claude-opus-4-1', 'claude-opus-4-1-20250805'],
  ['claude-opus-4-1-latest', 'claude-opus-4-1-20250805'],
  ['claude-haiku-4-5', 'fast'],
  ['claude-sonnet-4', 'claude-sonnet-4-20250801'],
  ['claude-sonnet-4-20250514', 'claude-sonnet-4-20250514'],
  ['gpt-4o-mini', 'gpt-4o-mini-2024-07-18'],
  ['gpt-4o', 'gpt-4o'],
  // That day's model is not what an alias stands for today.
  ['gpt-4o-2024-08-06', 'gpt-4o-2024-08-06'],
  ['gpt-4o-', 'gpt-4o-'],
  ['claude', 'claude'],
  ['', ''],
  ['auto', 'auto'],
])('%j means %j', (asked, meant) => {
  expect(withConfiguredName({ model: asked, n: 1 }, models)).toEqual({ model: meant, n: 1 });
});

test.each([[null], [7], [{}], [{ model: 7 }]])('%j stays as it is', (body) => {
  expect(withConfiguredName(body, models)).toBe(body);
});
