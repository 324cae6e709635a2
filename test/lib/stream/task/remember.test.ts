import { createMemoryKeyValue } from '../../../../lib/adapters/memory/memory-key-value';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import type { KeyValue, KeyValueEntry } from '../../../../lib/ports/key-value';
import { createRememberer } from '../../../../lib/stream/task/remember';

const entries = (...keys: string[]): KeyValueEntry[] =>
  keys.map((key) => ({ key, value: Buffer.from(key), ttlMs: null }));

/** A store whose writes end when told. */
function slowStore() {
  const store = createMemoryKeyValue({ clock: createVirtualClock() });
  const waiting: (() => void)[] = [];
  const writes: string[][] = [];
  const keyValue: KeyValue = {
    ...store,
    async putMany(batch) {
      writes.push(batch.map(({ key }) => key));
      await new Promise<void>((resolve) => waiting.push(resolve));
      await store.putMany(batch);
    },
  };
  return { keyValue, writes, release: () => waiting.shift()!() };
}
const turn = () => new Promise((resolve) => setImmediate(resolve));

test('what comes during a write goes in the next one; what is over the limit is given up', async () => {
  const { keyValue, writes, release } = slowStore();
  const lost: [number, string | null][] = [];
  const rememberer = createRememberer(keyValue, 2, (count, error) => lost.push([count, error?.message ?? null]));
  rememberer.put(entries('a'));
  rememberer.put(entries('b', 'c', 'd'));
  rememberer.put(entries('e'));
  expect(lost).toEqual([
    [1, null],
    [1, null],
  ]);
  release();
  await turn();
  expect(writes).toEqual([['a'], ['b', 'c']]);
  release();
  await rememberer.idle();
  expect((await keyValue.getMany(['a', 'b', 'c', 'd', 'e'])).map(String)).toEqual(['a', 'b', 'c', 'null', 'null']);
});

test('an outage is told apart from the losses in it', async () => {
  const store = createMemoryKeyValue({ clock: createVirtualClock() });
  let fail = true;
  const keyValue: KeyValue = {
    ...store,
    putMany: async (batch) => (fail ? Promise.reject(new Error('gone')) : store.putMany(batch)),
  };
  const firsts: boolean[] = [];
  const rememberer = createRememberer(keyValue, 10, (_entries, _error, isFirst) => firsts.push(isFirst));
  for (const isGone of [true, true, false, true]) {
    fail = isGone;
    rememberer.put(entries('a'));
    await rememberer.idle();
  }
  expect(firsts).toEqual([true, false, true]);
});

test('a failed write is given up, the next one goes on', async () => {
  const store = createMemoryKeyValue({ clock: createVirtualClock() });
  let fail = true;
  const keyValue: KeyValue = {
    ...store,
    putMany: async (batch) => (fail ? Promise.reject(new Error('gone')) : store.putMany(batch)),
  };
  const lost: [number, string | null][] = [];
  const rememberer = createRememberer(keyValue, 10, (count, error) => lost.push([count, error?.message ?? null]));
  rememberer.put(entries('a', 'b'));
  await rememberer.idle();
  fail = false;
  rememberer.put(entries('c'));
  await rememberer.idle();
  expect(lost).toEqual([[2, 'gone']]);
  expect((await store.getMany(['a', 'c'])).map(String)).toEqual(['null', 'c']);
});
