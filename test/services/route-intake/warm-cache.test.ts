import { defaultRouterConfig } from '../../../lib/config/parse-config';
import { warmCacheOf, withWarmCache } from '../../../services/route-intake/warm-cache';
import { candidateOf, nowMs } from '../../lib/routing/fixtures';

const price = { inputPerMillionUsd: 10, outputPerMillionUsd: 20, perRequestUsd: 0 };
const { models } = defaultRouterConfig([
  { name: 'warm', provider: 'a', price: { ...price, cachedInputPerMillionUsd: 1 } },
  { name: 'other', provider: 'b', price },
]);
const candidates = [
  candidateOf('warm', 'a', { expectedCostUsd: 0.2 }),
  candidateOf('other', 'b', { expectedCostUsd: 0.12 }),
];
const session = { warmModel: 'warm', warmTokens: 10_000, warmAtMs: nowMs };
const at = { models, promptCacheMs: 300_000, promptTokens: 12_000, nowMs: nowMs + 1_000 };

test('staying saves the difference of the prices for what was read before', () => {
  const warm = warmCacheOf(session, candidates, at)!;
  expect(warm).toEqual({ model: 'warm', tokens: 10_000, savedUsd: expect.closeTo(0.09, 12) });
  const [staying, leaving] = withWarmCache(candidates, warm);
  expect(staying!.expectedCostUsd).toBeCloseTo(0.11, 12);
  expect(leaving).toBe(candidates[1]);
  expect(candidates[0]!.expectedCostUsd).toBe(0.2);
});

test.each([
  ['a new session', undefined, at],
  ['one that nothing has answered', { ...session, warmModel: null }, at],
  ['a model that is gone', { ...session, warmModel: 'gone' }, at],
  ['a model without a price of cached input', { ...session, warmModel: 'other' }, at],
  ['a cache that has run out', session, { ...at, nowMs: nowMs + 300_000 }],
  ['caches that are not counted on', session, { ...at, promptCacheMs: 0 }],
  ['a session that was summed up', session, { ...at, promptTokens: 3_000 }],
] as const)('nothing is warm: %s', (_what, of, when) => {
  expect(warmCacheOf(of, candidates, when)).toBeNull();
  expect(withWarmCache(candidates, null)).toBe(candidates);
});

test('no answer is thought to cost nothing', () => {
  const cheap = [candidateOf('warm', 'a', { expectedCostUsd: 0.01 }), candidates[1]!];
  expect(warmCacheOf(session, cheap, at)!.savedUsd).toBeCloseTo(0.009, 12);
});
