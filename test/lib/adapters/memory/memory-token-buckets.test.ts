import { createMemoryTokenBuckets } from '../../../../lib/adapters/memory/memory-token-buckets';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';

test('many buckets take no more memory than a few: the one used longest ago is forgotten, and full again', async () => {
  const buckets = createMemoryTokenBuckets({ clock: createVirtualClock(), maxBuckets: 2 });
  const take = async (key: string): Promise<boolean> =>
    (await buckets.takeToken(key, { capacity: 1, perSecond: 0.001 })).isTaken;
  expect([await take('a'), await take('b'), await take('a')]).toEqual([true, true, false]);
  expect(await take('c')).toBe(true);
  expect([await take('a'), await take('b')]).toEqual([false, true]);
});
