import { defaultRouterConfig } from '../../../lib/config/parse-config';
import type { ModelConfig } from '../../../lib/config/router-config';
import { emptyFacts } from '../../../lib/providers/answer-facts';
import { billCall, costOf } from '../../../lib/providers/bill-call';

const price = (inputPerMillionUsd: number, more: Partial<ModelConfig['price']> = {}) => ({
  ...{ inputPerMillionUsd, outputPerMillionUsd: 10, perRequestUsd: 0 },
  ...more,
});
const { models } = defaultRouterConfig([
  { name: 'big', provider: 'p', upstreamModel: 'gpt-4o', price: price(5) },
  { name: 'mini', provider: 'p', upstreamModel: 'gpt-4o-mini', price: price(1) },
  { name: 'latest', provider: 'p', upstreamModel: 'claude-x-latest', price: price(2) },
  { name: 'elsewhere', provider: 'q', upstreamModel: 'other', price: price(3) },
  { name: 'free', provider: 'p', upstreamModel: 'llama' },
]);
const named = (name: string) => models.find((model) => model.name === name)!;
const used = { ...emptyFacts(), inputTokens: 1_000_000, outputTokens: 100_000 };

test.each([
  ['big', null, 'big', 6],
  ['big', 'gpt-4o', 'big', 6],
  ['big', 'gpt-4o-2024-08-06', 'big', 6],
  ['big', 'openai/gpt-4o', 'big', 6],
  ['big', 'gpt-4o-mini', 'mini', 2],
  ['big', 'gpt-4o-mini-2024-07-18', 'mini', 2],
  ['mini', 'gpt-4o', 'big', 6],
  ['latest', 'claude-x-20250101', 'latest', 3],
  ['latest', 'claude-xl', null, null],
  // Another provider's model of the same name has another price.
  ['big', 'other', null, null],
  ['big', 'gpt-4o-audio', null, null],
  ['free', 'llama', 'free', null],
])('%s asked, %s answered: %s is billed', (asked, answered, billed, costUsd) => {
  const bill = billCall(models, named(asked), { ...used, model: answered });
  expect([bill.model?.name ?? null, bill.isOther, bill.costUsd]).toEqual([billed, billed !== asked, costUsd]);
});

test('cached input has its own price where there is one, and nothing unknown is counted as nothing', () => {
  const cached = { ...used, cachedInputTokens: 400_000 };
  expect(costOf({ price: price(5) }, cached)).toBeCloseTo(6, 12);
  expect(costOf({ price: price(5, { cachedInputPerMillionUsd: 0.5 }) }, cached)).toBeCloseTo(3 + 0.2 + 1, 12);
  expect(costOf({ price: price(5) }, { ...used, inputTokens: null })).toBeNull();
  expect(costOf({ price: price(5) }, emptyFacts())).toBeNull();
  // An embedding writes nothing.
  expect(costOf({ price: price(5) }, { ...used, outputTokens: null })).toBe(5);
  expect(costOf({ price: price(0, { outputPerMillionUsd: 0, perRequestUsd: 0.25 }) }, emptyFacts())).toBe(0.25);
});
