import { createMemoryKeyValue } from '../../../../lib/adapters/memory/memory-key-value';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';

const entry = (key: string, ttlMs: number | null = null) => ({ key, value: Buffer.from(key), ttlMs });

describe('createMemoryKeyValue', () => {
  test('the least recently used entries go first', async () => {
    const keyValue = createMemoryKeyValue({ clock: createVirtualClock(), maxEntries: 3 });
    await keyValue.putMany([entry('a'), entry('b'), entry('c')]);
    await keyValue.getMany(['a']);
    await keyValue.putMany([entry('b'), entry('d')]);
    expect([...(await keyValue.keys('', 10))].sort()).toEqual(['a', 'b', 'd']);
    await keyValue.increment('n', 1, null);
    expect(await keyValue.getMany(['a'])).toEqual([null]);
  });

  test('a limit that is none is refused', () => {
    for (const maxEntries of [0, -1, 1.5]) {
      expect(() => createMemoryKeyValue({ clock: createVirtualClock(), maxEntries })).toThrow('maxEntries');
    }
  });
});
