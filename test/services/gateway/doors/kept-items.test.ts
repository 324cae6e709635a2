import { createMemoryKeyValue } from '../../../../lib/adapters/memory/memory-key-value';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import type { KeyValue } from '../../../../lib/ports/key-value';
import { createLog } from '../../../../lib/telemetry/log';
import { createKeptItems } from '../../../../services/gateway/doors/kept-items';

const entry = (text: string) => ({ provider: null, previous: null, items: [{ role: 'assistant', content: text }] });
const log = createLog({ level: 'silent' });

function start(given: { store?: KeyValue; maxBytes?: number } = {}) {
  const clock = createVirtualClock();
  const store = given.store ?? createMemoryKeyValue({ clock, maxEntries: 100 });
  const open = (more: { store?: KeyValue | null; maxBytes?: number } = {}) =>
    createKeptItems({ clock, log, store, ...given, ...more });
  return { clock, store, open };
}

test('another gateway, and one after a restart, finds it: for the same tenant by the same name, and nobody else', async () => {
  const { store, open } = start();
  open().keep('acme', new Map([['msg_1', entry('a secret')]]));
  const other = open();
  expect([...(await other.find('acme', ['msg_1', 'msg_2'])).values()]).toMatchObject([entry('a secret')]);
  for (const tenantId of ['other', null, '']) expect((await other.find(tenantId, ['msg_1'])).size).toBe(0);
  const keys = await store.keys('', 10);
  const lies = [...keys, ...(await store.getMany(keys)).map((value) => value!.toString('latin1'))].join(' ');
  expect([keys.length, lies]).toEqual([1, expect.not.stringMatching(/secret|msg_1|acme/)]);
});

test('a name that a provider knows as well is known to be of somebody else, here and at other gateways', async () => {
  const { open } = start();
  const items = open();
  items.keep('acme', new Map([['msg_kept', { ...entry('a secret'), provider: 'openai' }]]));
  items.keep('acme', new Map([['msg_own', entry('a secret')]]));
  for (const gateway of [items, open()]) {
    expect(await gateway.nameOfOthers(['msg_0', 'msg_kept'])).toBe('msg_kept');
    expect(await gateway.nameOfOthers(['msg_own', 'msg_0'])).toBeNull();
    expect((await gateway.find('other', ['msg_kept'])).size).toBe(0);
  }
});

test('what somebody has changed in the store, or put there, is as if it were not there', async () => {
  const { store, open } = start();
  open().keep(null, new Map([['msg_1', entry('a')]]));
  const [key] = await store.keys('', 1);
  const [value] = await store.getMany([key!]);
  for (const at of [0, 12, value!.length - 1]) {
    const changed = Buffer.from(value!);
    changed[at]! ^= 1;
    for (const put of [changed, Buffer.alloc(0), value!.subarray(0, at)]) {
      await store.putMany([{ key: key!, value: put, ttlMs: null }]);
      expect((await open().find(null, ['msg_1'])).size).toBe(0);
    }
  }
});

test('it is kept for a day, in memory up to a size, and no longer than it is wanted', async () => {
  const { clock, open } = start();
  const alone = open({ store: null, maxBytes: 1_000 });
  alone.keep(null, new Map([['old', entry('x'.repeat(600))]]));
  alone.keep(null, new Map([['new', entry('x'.repeat(600))]]));
  expect([...(await alone.find(null, ['old', 'new'])).keys()]).toEqual(['new']);
  await clock.advanceBy(24 * 3_600_000 + 1);
  expect((await alone.find(null, ['new'])).size).toBe(0);
  alone.keep(null, new Map([['large', entry('x'.repeat(600_000))]]));
  expect((await alone.find(null, ['large'])).size).toBe(0);
});

test('a store that is away costs what others have kept, and nothing else', async () => {
  const away = () => Promise.reject(new Error('away'));
  const store = { getMany: away, putMany: away } as unknown as KeyValue;
  const { open } = start({ store });
  const items = open();
  items.keep(null, new Map([['msg_1', entry('a')]]));
  expect([...(await items.find(null, ['msg_1', 'msg_2'])).keys()]).toEqual(['msg_1']);
  expect(await items.nameOfOthers(['msg_1'])).toBeNull();
});
