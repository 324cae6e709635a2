import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { createEmbeddedKeyValue } from '../../../../lib/adapters/embedded/embedded-key-value';
import {
  type Durability,
  type EmbeddedStore,
  openEmbeddedStore,
} from '../../../../lib/adapters/embedded/embedded-store';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import { atEnd } from '../../../started';

const clock = createVirtualClock();
const small = { entries: 1, bytes: 100 };
const put = (key: string) => ({ key, value: Buffer.from(key), ttlMs: null });
let directory: string;
const open = (durability: Durability = 'process') => openEmbeddedStore({ directory, clock, durability });

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'quantum-router-store-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

describe('the lock', () => {
  test('a second opening is refused with directory and pid, and taken once the first is closed', async () => {
    const store = open();
    expect(() => open()).toThrow(new RegExp(`${directory}.*process ${process.pid}`));
    await store.close();
    await store.close();
    await open().close();
    expect(readFileSync(join(directory, 'lock'), 'utf8')).toBe('');
  });

  test('a process that was killed and is not yet reaped holds no lock', async () => {
    if (!existsSync('/proc/self/stat')) return;
    // `cat` ends when its input does, and by then `exec` has put a program in the shell's place that never reaps it.
    const parent = spawn('sh', ['-c', 'cat <&3 & echo $!; exec sleep 1000'], {
      stdio: ['ignore', 'pipe', 'ignore', 'pipe'],
    });
    atEnd(() => parent.kill());
    const pid = Number(await new Promise((resolve) => parent.stdout?.once('data', resolve)));
    const until = async (holds: () => boolean) => {
      while (!holds()) await new Promise(setImmediate);
    };
    await until(() => readFileSync(`/proc/${parent.pid}/comm`, 'utf8') === 'sleep\n');
    (parent.stdio[3] as Writable).end();
    await until(() => readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z'));
    writeFileSync(join(directory, 'lock'), JSON.stringify({ pid, startedAt: null, id: 'x' }));
    await open().close();
    parent.kill();
  });

  test('another living process keeps its lock', async () => {
    const holder = spawn('sleep', ['1000']);
    atEnd(() => holder.kill());
    writeFileSync(join(directory, 'lock'), JSON.stringify({ pid: holder.pid, startedAt: null, id: 'x' }));
    expect(() => open()).toThrow(`process ${holder.pid}`);
    const gone = new Promise((resolve) => holder.on('exit', resolve));
    holder.kill('SIGKILL');
    await gone;
    await open().close();
  });

  test.each([
    ['of a process long gone', { pid: 2 ** 22 + 1, startedAt: null, id: 'x' }],
    ['whose pid has been given to another process', { pid: process.pid, startedAt: 'another boot/1', id: 'x' }],
    ['of no process', { pid: -5, startedAt: null, id: 'x' }],
  ])('a lock %s is stale', async (_what, holder) => {
    writeFileSync(join(directory, 'lock'), JSON.stringify(holder));
    const store = open();
    expect(JSON.parse(readFileSync(join(directory, 'lock'), 'utf8')).pid).toBe(process.pid);
    await store.close();
  });

  test('a torn lock is stale', async () => {
    writeFileSync(join(directory, 'lock'), '{"pid":');
    await open().close();
  });
});

describe('opening', () => {
  const marker = () => JSON.parse(readFileSync(join(directory, 'store.json'), 'utf8'));

  test('a store may be opened with another durability', async () => {
    for (const durability of ['process', 'disk', 'process', 'disk'] as const) {
      const store = open(durability);
      const keyValue = createEmbeddedKeyValue(store, { sweepIntervalMs: null });
      await keyValue.increment('openings', 1, null);
      await store.close();
    }
    const store = open();
    expect(await createEmbeddedKeyValue(store, { sweepIntervalMs: null }).increment('openings', 0, null)).toBe(4);
    await store.close();
  });

  test('after a crash of the machine a store that did not wait for the disk is refused', async () => {
    const store = open();
    expect(marker()).toMatchObject({ clean: false, durability: 'process' });
    await store.close();
    expect(marker().clean).toBe(true);
    writeFileSync(join(directory, 'store.json'), JSON.stringify({ ...marker(), bootId: 'another', clean: false }));
    expect(() => open()).toThrow(/machine went down.*store repair/s);
    writeFileSync(join(directory, 'store.json'), JSON.stringify({ ...marker(), durability: 'disk' }));
    await open().close();
  });

  test('another format is refused, and the lock given back', () => {
    writeFileSync(join(directory, 'store.json'), JSON.stringify({ format: 99 }));
    expect(() => open()).toThrow(new RegExp(`format of the store in ${directory} is 99`));
    expect(readdirSync(directory)).toEqual(['lock', 'store.json']);
    writeFileSync(join(directory, 'store.json'), '');
    return open().close();
  });
});

describe('writing', () => {
  const key = Buffer.from('the-key');
  const puttingInto = (table: ReturnType<EmbeddedStore['table']>) => (value: string) => () => {
    table.put(key, Buffer.from(value));
    return null;
  };

  test('what is queued at closing is written, what comes after is refused', async () => {
    const store = open();
    const keyValue = createEmbeddedKeyValue(store, { sweepIntervalMs: null });
    const written = Promise.all(Array.from({ length: 1_500 }, (_, i) => keyValue.putMany([put(`${i}`)])));
    const work = { size: small, apply: () => null };
    const closed = store.close();
    await expect(store.write(work)).rejects.toThrow('closed');
    await written;
    await closed;
    const again = open();
    expect((await createEmbeddedKeyValue(again, { sweepIntervalMs: null }).getMany(['1499']))[0]).not.toBeNull();
    await again.close();
  });

  test.each(['process', 'disk'] as const)(
    'a refused work leaves the others of its turn alone (%s)',
    async (durability) => {
      const store = open(durability);
      const table = store.table('key-value');
      const putting = puttingInto(table);
      const order: string[] = [];
      store.onCommit(() => order.push('commit'));
      const works = [
        store.write({ size: small, apply: putting('1'), committed: () => void order.push('one') }),
        store.write({ size: small, apply: () => new Error('not this one'), committed: () => void order.push('never') }),
        store.write({ size: small, apply: putting('2'), committed: () => void order.push('two') }),
      ];
      const results = await Promise.allSettled(works);
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect(order).toEqual(['one', 'two', 'commit']);
      expect(table.get(key)!.toString()).toBe('2');
      await store.close();
    },
  );

  test.each(['process', 'disk'] as const)('a broken store takes nothing more (%s)', async (durability) => {
    const store = open(durability);
    const table = store.table('key-value');
    const putting = puttingInto(table);
    const works = [
      store.write({ size: small, apply: putting('half') }),
      store.write({
        size: small,
        apply() {
          throw new Error('the disk is full');
        },
      }),
    ];
    for (const work of works) await expect(work).rejects.toThrow(/takes no more writes: .*disk is full/);
    await expect(store.write({ size: small, apply: () => null })).rejects.toThrow('takes no more writes');
    if (durability === 'process') expect(table.get(key)).toBeUndefined();
    await store.close();
  });

  test('the background flush runs on the clock and ends with the store', async () => {
    const own = createVirtualClock();
    const store = openEmbeddedStore({ directory, clock: own, flushIntervalMs: 100 });
    const keyValue = createEmbeddedKeyValue(store, { sweepIntervalMs: null });
    expect(own.nextTimerAt()).toBeNull();
    await keyValue.putMany([put('a')]);
    expect(own.nextTimerAt()).toBe(own.nowMs() + 100);
    await own.advanceBy(100);
    await keyValue.putMany([put('b')]);
    await store.close();
    await own.runUntilIdle({ maxTimers: 3 });
  });
});

describe('the key-value store', () => {
  test('sweeping removes what has expired and nothing that was renewed', async () => {
    const own = createVirtualClock();
    const store = openEmbeddedStore({ directory, clock: own });
    const keyValue = createEmbeddedKeyValue(store, { sweepIntervalMs: 5_000 });
    const entries = (ttlMs: number | null, count: number, prefix: string) =>
      Array.from({ length: count }, (_, i) => ({ key: `${prefix}${i}`, value: Buffer.from('v'), ttlMs }));
    await keyValue.putMany([
      ...entries(1_000, 600, 'short-'),
      ...entries(60_000, 5, 'long-'),
      ...entries(null, 5, 'ever-'),
    ]);
    await keyValue.putMany([{ key: 'short-7', value: Buffer.from('renewed'), ttlMs: 60_000 }]);
    const stored = () => [...store.table('key-value').keys()].length;
    expect(stored()).toBe(610);
    let commits = 0;
    store.onCommit(() => commits++);
    expect(await keyValue.sweep()).toBe(0);
    expect(commits).toBe(0);
    await own.advanceBy(1_000);
    expect(await keyValue.sweep()).toBe(599);
    expect(commits).toBeGreaterThan(0);
    expect(stored()).toBe(11);
    expect((await keyValue.getMany(['short-7']))[0]!.toString()).toBe('renewed');
    await own.advanceBy(70_000);
    for (let turn = 0; turn < 5; turn++) await own.settle();
    expect(stored()).toBe(5);
    expect([...store.table('key-value-expiries').keys()]).toEqual([]);
    await store.close();
    await own.runUntilIdle({ maxTimers: 3 });
  });

  test('a key too long for the index is refused by name', async () => {
    const store = open();
    const keyValue = createEmbeddedKeyValue(store, { sweepIntervalMs: null });
    await expect(keyValue.putMany([put('x'.repeat(2_000))])).rejects.toThrow('1 to 1024 bytes, not 2000: xxx');
    await store.close();
  });
});
