import { createLocalFirst } from '../../../lib/adapters/local-first';
import { createMemoryKeyValue } from '../../../lib/adapters/memory/memory-key-value';
import { createVirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import type { KeyValue } from '../../../lib/ports/key-value';
import { describeKeyValueContract } from '../../contract/key-value-contract';

const value = Buffer.from('value');

async function start() {
  const clock = createVirtualClock();
  const store = createMemoryKeyValue({ clock });
  const reads: string[] = [];
  let isAway = false;
  const watched: KeyValue = {
    ...store,
    getMany: (keys) => {
      reads.push(...keys);
      return isAway ? Promise.reject(new Error('away')) : store.getMany(keys);
    },
  };
  const local = createLocalFirst(watched, { clock, prefix: 'ours/', maxEntries: 10, maxAgeMs: 1_000 });
  // The first question of all has the store copied.
  await local.getMany(['ours/first']);
  reads.length = 0;
  return { clock, store, local, reads, leave: () => (isAway = true) };
}

test('what was written or read here is not asked for again, until its copy is old', async () => {
  const { clock, store, local, reads } = await start();
  await local.putMany([{ key: 'ours/written', value, ttlMs: null }]);
  await store.putMany([{ key: 'ours/others', value, ttlMs: null }]);
  for (let i = 0; i < 3; i++) expect(await local.getMany(['ours/written', 'ours/others'])).toEqual([value, value]);
  expect(reads).toEqual(['ours/others']);
  await clock.advanceBy(1_000);
  await local.getMany(['ours/written']);
  expect(reads).toEqual(['ours/others', 'ours/written']);
});

test('what the store does not have is not asked for again either, until somebody here writes it', async () => {
  const { clock, store, local, reads } = await start();
  for (let i = 0; i < 2; i++) expect(await local.getMany(['ours/new'])).toEqual([null]);
  expect(reads).toEqual(['ours/new']);
  await local.putMany([{ key: 'ours/new', value, ttlMs: null }]);
  expect(await local.getMany(['ours/new'])).toEqual([value]);
  await local.getMany(['ours/other']);
  await store.putMany([{ key: 'ours/other', value, ttlMs: null }]);
  await clock.advanceBy(1_000);
  expect(await local.getMany(['ours/other'])).toEqual([value]);
});

test('two who ask for one key at the same time wait for one read', async () => {
  const { store, local, reads } = await start();
  await store.putMany([{ key: 'ours/a', value, ttlMs: null }]);
  const both = await Promise.all([local.getMany(['ours/a']), local.getMany(['ours/a', 'ours/b'])]);
  expect(both).toEqual([[value], [value, null]]);
  expect(reads).toEqual(['ours/a', 'ours/b']);
});

test('other keys go to the store alone', async () => {
  const { local, reads } = await start();
  await local.putMany([{ key: 'theirs', value, ttlMs: null }]);
  await local.getMany(['theirs']);
  await local.getMany(['theirs']);
  expect(reads).toEqual(['theirs', 'theirs']);
});

test('while the store is away, what is known here goes on being used', async () => {
  const { local, leave } = await start();
  await local.putMany([{ key: 'ours/a', value, ttlMs: null }]);
  leave();
  expect(await local.getMany(['ours/a', 'ours/b'])).toEqual([value, null]);
  await expect(local.getMany(['ours/b'])).rejects.toThrow('away');
});

test('a process that has just started knows what the store has after its first question', async () => {
  const clock = createVirtualClock();
  const store = createMemoryKeyValue({ clock });
  await store.putMany([{ key: 'ours/old', value, ttlMs: null }]);
  const local = createLocalFirst(store, { clock, prefix: 'ours/', maxEntries: 10, maxAgeMs: 1_000 });
  await local.getMany(['ours/first']);
  await clock.advanceBy(0);
  await store.deleteMany(['ours/old']);
  expect(await local.getMany(['ours/old'])).toEqual([value]);
});

describeKeyValueContract('local first', async () => {
  const clock = createVirtualClock();
  const keyValue = createLocalFirst(createMemoryKeyValue({ clock }), {
    ...{ clock, prefix: '', maxEntries: 1_000, maxAgeMs: 50 },
  });
  return { keyValue, pass: (durationMs) => clock.advanceBy(durationMs), dispose: () => keyValue.close() };
});
