import { createMemoryKeyValue } from '../../../../../lib/adapters/memory/memory-key-value';
import { createVirtualClock } from '../../../../../lib/adapters/memory/virtual-clock';
import type { KeyValue } from '../../../../../lib/ports/key-value';
import { createLog } from '../../../../../lib/telemetry/log';
import { createKeptItems, type KeptItemsParts } from '../../../../../services/gateway/doors/kept/kept-items';
import { answerOwnResponse } from '../../../../../services/gateway/doors/kept/own-responses';
import type { HttpError } from '../../../../../services/gateway/http/http-error';

const entry = (text: string) => ({
  response: null,
  provider: null,
  previous: null,
  items: [{ role: 'assistant', content: text }],
});
const named = (name: string, text: string) => new Map([[name, entry(text)]]);
const hourMs = 3_600_000;
const enough = 1_000_000;

function start(given: { store?: KeyValue; storeBytes?: number } = {}) {
  const clock = createVirtualClock();
  const store = given.store ?? createMemoryKeyValue({ clock, maxEntries: 100_000 });
  const logged: string[] = [];
  const log = createLog({ level: 'debug', destination: { write: (line: string) => logged.push(line) } });
  const share = { store, maxBytes: given.storeBytes ?? 1e9 };
  const open = (more: Partial<KeptItemsParts> = {}) => createKeptItems({ clock, log, share, ...more });
  const warnings = () => logged.filter((line) => line.includes('until the next hour'));
  return { clock, store, open, warnings };
}

/** Names of those that are found; null where they are too large together. */
async function namesFound(items: ReturnType<typeof createKeptItems>, names: readonly string[], maxSize = enough) {
  const found = await items.find(null, names, maxSize);
  return found && [...found.keys()];
}

test('another gateway, and one after a restart, finds it: for the same tenant by the same name, and nobody else', async () => {
  const { clock, store, open } = start();
  open().keep('acme', named('msg_1', 'a secret'));
  await clock.settle();
  const other = open();
  const found = await other.find('acme', ['msg_1', 'msg_2'], enough);
  expect([...found!.values()]).toMatchObject([entry('a secret')]);
  for (const tenantId of ['other', null, '']) expect((await other.find(tenantId, ['msg_1'], enough))!.size).toBe(0);
  const keys = await store.keys('said/', 10);
  const lies = [...keys, ...(await store.getMany(keys)).map((value) => value!.toString('latin1'))].join(' ');
  expect([keys.length, lies]).toEqual([1, expect.not.stringMatching(/secret|msg_1|acme/)]);
});

test('a name that a provider knows as well is known to be of somebody else, here and at other gateways', async () => {
  const { clock, open } = start();
  const items = open();
  items.keep('acme', new Map([['msg_kept', { ...entry('a secret'), provider: 'openai' }]]));
  items.keep('acme', named('msg_own', 'a secret'));
  await clock.settle();
  for (const gateway of [items, open()]) {
    for (const other of ['other', null, ''])
      expect(await gateway.nameOfOthers(other, ['msg_0', 'msg_kept'])).toBe('msg_kept');
    expect(await gateway.nameOfOthers('other', ['msg_own', 'msg_0'])).toBeNull();
    expect((await gateway.find('other', ['msg_kept'], enough))!.size).toBe(0);
  }
});

test('what is forgotten is no more, at no gateway that holds it and not where it is still being written', async () => {
  const { clock, store, open } = start();
  const [one, other] = [open(), open()];
  for (const gateway of [one, other]) gateway.keep('acme', named('msg_1', 'a'));
  await clock.settle();
  one.keep('acme', named('msg_2', 'b'));
  await other.forget('acme', ['msg_1', 'msg_2']);
  await clock.settle();
  for (const gateway of [one, other, open()])
    expect((await gateway.find('acme', ['msg_1', 'msg_2'], enough))!.size).toBe(0);
  expect(await store.keys('said/', 10)).toEqual([]);
  // Nobody forgets what is another's.
  one.keep('acme', named('msg_3', 'c'));
  await other.forget('other', ['msg_3']);
  expect(await open().find('acme', ['msg_3'], enough)).toHaveProperty('size', 1);
});

test('what a store that is away cannot be told to forget is there still, and is forgotten when asked for once more', async () => {
  const { clock, store, open } = start();
  let isAway = false;
  const reached = <T>(act: () => Promise<T>): Promise<T> =>
    isAway ? Promise.reject(new Error('connect ECONNREFUSED 10.0.0.1:6379')) : act();
  const sometimes: KeyValue = {
    ...store,
    getMany: (keys) => reached(() => store.getMany(keys)),
    putMany: (entries) => reached(() => store.putMany(entries)),
    deleteMany: (keys) => reached(() => store.deleteMany(keys)),
  };
  const share = { store: sometimes, maxBytes: 1e9 };
  const [one, other] = [open({ share }), open({ share })];
  one.keep(null, named('resp_qr_1', 'a'));
  one.keep(null, new Map([['resp_qr_2', { ...entry('b'), response: { id: 'resp_qr_2', output: [] } }]]));
  await clock.settle();
  isAway = true;
  await expect(one.forget(null, ['resp_qr_1'])).rejects.toThrow('ECONNREFUSED');
  expect(await namesFound(one, ['resp_qr_1'])).toEqual(['resp_qr_1']);
  // Asked for by its callers: nothing of what the store says is theirs to know.
  const own = { tenantId: null, id: 'resp_qr_2', query: new URLSearchParams(), maxSize: enough };
  const deleted = (items: typeof one) =>
    answerOwnResponse(items, { ...own, action: { method: 'DELETE', suffix: '' } }).catch(
      ({ code, message }: HttpError) => ({ code, message }),
    );
  for (const [gateway, message] of [
    [one, 'it could not be deleted everywhere; try again later'],
    [one, 'it could not be deleted everywhere; try again later'],
    [other, 'what is kept of responses cannot be looked up at the moment; try again later'],
  ] as const)
    expect(await deleted(gateway)).toEqual({ code: 'not_ready', message });
  isAway = false;
  expect(await deleted(one)).toEqual({ id: 'resp_qr_2', object: 'response', deleted: true });
  await one.forget(null, ['resp_qr_1']);
  for (const gateway of [one, other]) {
    expect(await namesFound(gateway, ['resp_qr_1', 'resp_qr_2'])).toEqual([]);
    expect(await deleted(gateway)).toBeNull();
  }
});

test('whoever it was said to is not refused by its name where it is not found any more', async () => {
  const { clock, store, open } = start();
  const items = open();
  items.keep('acme', new Map([['msg_kept', { ...entry('a'), provider: 'openai' }]]));
  await clock.settle();
  // As if it had been dropped, while that it was said is still known; then the store is away.
  await store.deleteMany(await store.keys('said/', 10));
  const other = open();
  const away = () => Promise.reject(new Error('away'));
  const without = open({ share: { store: { ...store, getMany: away }, maxBytes: 1e9 } });
  for (const gateway of [other, without]) {
    expect((await gateway.find('acme', ['msg_kept'], enough))!.size).toBe(0);
    expect(await gateway.nameOfOthers('acme', ['msg_kept'])).toBeNull();
  }
  expect(await other.nameOfOthers('other', ['msg_kept'])).toBe('msg_kept');
  expect(await without.nameOfOthers('other', ['msg_kept'])).toBeNull();
});

test('what somebody has changed in the store, or put there, is as if it were not there', async () => {
  const { clock, store, open } = start();
  open().keep(null, named('msg_1', 'a'));
  await clock.settle();
  const [key] = await store.keys('said/', 1);
  const [value] = await store.getMany([key!]);
  for (const at of [0, 12, value!.length - 1]) {
    const changed = Buffer.from(value!);
    changed[at]! ^= 1;
    for (const put of [changed, Buffer.alloc(0), value!.subarray(0, at)]) {
      await store.putMany([{ key: key!, value: put, ttlMs: null }]);
      expect(await namesFound(open(), ['msg_1'])).toEqual([]);
    }
  }
});

test('it is kept for a day, in memory up to a size in bytes, and no longer than it is wanted', async () => {
  const { clock, open } = start();
  // Three bytes each in what is kept, one unit each in a string.
  const text = '字'.repeat(300);
  const alone = open({ share: null, maxBytes: 3_600 });
  alone.keep(null, named('old', text));
  alone.keep(null, named('new', text));
  expect(await namesFound(alone, ['old', 'new'])).toEqual(['new']);
  await clock.advanceBy(24 * hourMs - 1);
  expect(await namesFound(alone, ['new'])).toEqual(['new']);
  await clock.advanceBy(1);
  expect(await namesFound(alone, ['new'])).toEqual([]);
  const large = open({ share: null });
  large.keep(null, named('large', 'x'.repeat(600_000)));
  large.keep(null, named('large too', '字'.repeat(200_000)));
  expect(await namesFound(large, ['large', 'large too'])).toEqual([]);
});

test('a store that is away costs what others have kept, and nothing else', async () => {
  const away = () => Promise.reject(new Error('away'));
  const store = { getMany: away, putMany: away, increment: away } as unknown as KeyValue;
  const { open } = start({ store });
  const items = open();
  items.keep(null, named('msg_1', 'a'));
  expect(await namesFound(items, ['msg_1', 'msg_2'])).toEqual(['msg_1']);
  expect(await items.nameOfOthers(null, ['msg_1'])).toBeNull();
});

test('all gateways together write no more to the store in an hour than lets it stay within its part for a day', async () => {
  const { clock, store, open, warnings } = start({ storeBytes: 25 * 100_000 });
  const gateways = [open(), open()];
  const inHour = async (hour: number) => {
    for (let call = 0; call < 100; call++) {
      gateways[call % 2]!.keep(null, named(`msg_${hour}_${call}`, 'x'.repeat(2_000)));
      await clock.settle();
    }
  };
  await inHour(0);
  const written = async () => {
    const keys = await store.keys('said/', 100_000);
    return (await store.getMany(keys)).reduce((sum, value) => sum + value!.length, 0);
  };
  const first = await written();
  expect([first > 50_000, first < 100_000, warnings().length]).toEqual([true, true, 2]);
  // A gateway that starts in the same hour does not begin anew, and each has its own in memory all the same.
  const started = open();
  started.keep(null, named('later', 'x'.repeat(2_000)));
  await clock.settle();
  expect(await written()).toBe(first);
  expect(await namesFound(started, ['later'])).toEqual(['later']);
  for (let hour = 1; hour < 30; hour++) {
    await clock.advanceBy(hourMs);
    await inHour(hour);
  }
  expect(await written()).toBeGreaterThan(20 * first);
  expect(await written()).toBeLessThan(25 * 100_000);
});

test.each(['memory', 'the store'])(
  'what is too large together is read no further than the bound, in %s',
  async (place) => {
    const { clock, store, open } = start();
    const texts = Array.from({ length: 400 }, (_, index) => [`msg_${index}`, entry('x'.repeat(10_000))] as const);
    const items = open({ share: place === 'memory' ? null : { store, maxBytes: 1e9 } });
    for (const [name, one] of texts) items.keep(null, new Map([[name, one]]));
    await clock.settle();
    let asked = 0;
    const counted: KeyValue = {
      ...store,
      getMany(keys) {
        asked += keys.length;
        return store.getMany(keys);
      },
    };
    const gateway = place === 'memory' ? items : open({ share: { store: counted, maxBytes: 1e9 } });
    const names = texts.map(([name]) => name);
    const parse = jest.spyOn(JSON, 'parse');
    expect(await namesFound(gateway, names, 100_000)).toBeNull();
    expect(parse.mock.calls.length).toBeLessThan(10);
    parse.mockRestore();
    expect(asked).toBeLessThan(100);
    expect(await namesFound(gateway, names, 5_000_000)).toEqual(names);
  },
);

test('others have their turn while much is read', async () => {
  const { open } = start();
  const items = open({ share: null });
  const names = Array.from({ length: 100 }, (_, index) => `msg_${index}`);
  for (const name of names) items.keep(null, named(name, 'x'.repeat(20_000)));
  let turns = 0;
  let isOver = false;
  const take = (): void => {
    turns++;
    if (!isOver) setImmediate(take);
  };
  setImmediate(take);
  await namesFound(items, names, 5_000_000);
  isOver = true;
  expect(turns).toBeGreaterThan(3);
});
