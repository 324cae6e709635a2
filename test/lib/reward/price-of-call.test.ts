import fc from 'fast-check';
import { priceOfCall } from '../../../lib/reward/price-of-call';

const price = { inputPerMillionUsd: 2, outputPerMillionUsd: 10, perRequestUsd: 0.5 };
const tokens = { input: 1_000_000, cachedInput: 400_000, cacheWrite: 0, output: 200_000, reasoning: 50_000 };

test('cached input and reasoning have prices of their own where they are said, and else those of the rest', () => {
  expect(priceOfCall(price, tokens)).toBeCloseTo(0.5 + 2 + 2, 12);
  const own = { ...price, cachedInputPerMillionUsd: 0.2, reasoningPerMillionUsd: 40 };
  expect(priceOfCall(own, tokens)).toBeCloseTo(0.5 + 1.2 + 0.08 + 1.5 + 2, 12);
});

test('input that is put into a cache has a price of its own, of no more input than there is', () => {
  const own = { ...price, cachedInputPerMillionUsd: 0.2, cacheWritePerMillionUsd: 2.5 };
  const written = { ...tokens, cacheWrite: 500_000 };
  expect(priceOfCall(price, written)).toBe(priceOfCall(price, tokens));
  expect(priceOfCall(own, written)).toBeCloseTo(0.5 + 0.08 + 1.25 + 0.2 + 2, 12);
  expect(priceOfCall(own, { ...tokens, cacheWrite: 9_000_000 })).toBeCloseTo(0.5 + 0.08 + 1.5 + 2, 12);
  const tiers = [{ aboveInputTokens: 200_000, cacheWritePerMillionUsd: 5 }];
  expect(priceOfCall({ ...own, tiers }, written)).toBeCloseTo(0.5 + 0.08 + 2.5 + 0.2 + 2, 12);
});

test('a long prompt is paid by its tier as a whole; what a tier does not say is as before it', () => {
  const tiers = [
    { aboveInputTokens: 200_000, inputPerMillionUsd: 4, cachedInputPerMillionUsd: 1 },
    { aboveInputTokens: 500_000, outputPerMillionUsd: 20 },
  ];
  const of = (input: number) =>
    priceOfCall({ ...price, tiers }, { input, cachedInput: 0, cacheWrite: 0, output: 100_000, reasoning: 0 });
  expect(of(200_000)).toBeCloseTo(0.5 + 0.4 + 1, 12);
  expect(of(200_001)).toBeCloseTo(0.5 + 0.8 + 1, 5);
  expect(of(1_000_000)).toBeCloseTo(0.5 + 4 + 2, 12);
});

test('law: no count of parts makes more of them than there is', () => {
  const count = fc.nat(1_000_000);
  fc.assert(
    fc.property(count, count, count, count, (input, cachedInput, output, reasoning) => {
      const own = { ...price, cachedInputPerMillionUsd: 0, reasoningPerMillionUsd: 0 };
      const usd = priceOfCall(own, { input, cachedInput, cacheWrite: 0, output, reasoning });
      expect(usd).toBeGreaterThanOrEqual(0.5);
      expect(usd).toBeLessThanOrEqual(
        priceOfCall(price, { input, cachedInput: 0, cacheWrite: 0, output, reasoning: 0 }) + 1e-12,
      );
    }),
  );
});
