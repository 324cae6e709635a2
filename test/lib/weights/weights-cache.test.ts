import { strategies } from '../../../lib/routing/strategies/strategies';
import type { LearnedPolicy } from '../../../lib/routing/strategy';
import type { WeightsPointer, WeightsSource } from '../../../lib/routing/weights-source';
import { createWeightsCache } from '../../../lib/weights/weights-cache';

const policyOf = (policySha256: string): LearnedPolicy => ({
  policySha256,
  judge: (opened) => strategies.RANDOM(opened, null),
});
const pointer = (policySha256: string): WeightsPointer => ({ policySha256, basisSha256: 'basis' });

/** A source that has what is in `known`, fails on "broken", and counts what it was asked. */
function sourceOf(...known: string[]): WeightsSource & { known: Set<string>; asked: string[] } {
  const have = new Set(known);
  const asked: string[] = [];
  return {
    known: have,
    asked,
    async load({ policySha256 }) {
      asked.push(policySha256);
      if (policySha256 === 'broken') throw new Error('store is gone');
      return have.has(policySha256) ? policyOf(policySha256) : null;
    },
  };
}

test('a policy is loaded once', async () => {
  const source = sourceOf('a');
  const cache = createWeightsCache(source);
  const [first, second] = await Promise.all([cache.load(pointer('a'), 0), cache.load(pointer('a'), 0)]);
  expect(first!.policySha256).toBe('a');
  expect(second).toBe(first);
  expect(source.asked).toEqual(['a']);
});

test('the least recently used goes first', async () => {
  const source = sourceOf('a', 'b', 'c');
  const cache = createWeightsCache(source, { capacity: 2 });
  for (const name of ['a', 'b', 'a', 'c', 'a', 'b']) await cache.load(pointer(name), 0);
  expect(source.asked).toEqual(['a', 'b', 'c', 'b']);
});

test('what cannot be loaded gives the last good policy, and is asked for again after a while', async () => {
  const source = sourceOf('a');
  const cache = createWeightsCache(source, { retryAfterMs: 1_000 });
  expect(await cache.load(pointer('b'), 0)).toBeNull();
  await cache.load(pointer('a'), 0);
  expect((await cache.load(pointer('b'), 999))!.policySha256).toBe('a');
  source.known.add('b');
  expect((await cache.load(pointer('b'), 999))!.policySha256).toBe('a');
  expect((await cache.load(pointer('b'), 1_000))!.policySha256).toBe('b');
  expect(source.asked).toEqual(['b', 'a', 'b']);
});

test('a failing source counts as missing', async () => {
  const source = sourceOf('a');
  const cache = createWeightsCache(source);
  await cache.load(pointer('a'), 0);
  expect((await cache.load(pointer('broken'), 0))!.policySha256).toBe('a');
});
