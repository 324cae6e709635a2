/** What is stored stays within what retention allows, and the file with it. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createEmbeddedBroker, type EmbeddedBroker } from '../../../../lib/adapters/embedded/embedded-broker';
import { type EmbeddedStore, openEmbeddedStore } from '../../../../lib/adapters/embedded/embedded-store';
import { createVirtualClock, type VirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import type { PartitionConsumer, TopicSettings } from '../../../../lib/ports/broker';

const minuteMs = 60_000;
const topic = (name: string, settings: Partial<TopicSettings>): TopicSettings => ({
  name,
  partitions: 1,
  cleanup: 'delete',
  retentionMs: null,
  maxRecordBytes: 100_000,
  ...settings,
});

let directory: string;
let clock: VirtualClock;
let store: EmbeddedStore;
let broker: EmbeddedBroker;

function open(maxBytes: number | null): void {
  store = openEmbeddedStore({ directory, clock });
  broker = createEmbeddedBroker(store, { maintenanceIntervalMs: null, maxBytes });
}

/** One record to each topic every second of the clock, and what the broker does once a second. */
async function runFor(seconds: number, topics: readonly string[], valueBytes: number): Promise<void> {
  const producer = broker.producer('p');
  for (let second = 0; second < seconds; second++) {
    const value = Buffer.alloc(valueBytes, second);
    await producer.send(topics.map((name) => ({ topic: name, key: `${second % 5}`, value })));
    await clock.advanceBy(1_000);
    await broker.maintain();
  }
}

const offsetsOf = (name: string) => broker.offsets({ topic: name, partition: 0 });
const kept = async (name: string): Promise<number> => {
  const { earliest, end } = await offsetsOf(name);
  return end - earliest;
};

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'quantum-router-retention-'));
  clock = createVirtualClock({ startMs: 1_000_000 });
});
afterEach(async () => {
  await broker.close();
  await store.close();
  rmSync(directory, { recursive: true });
});

test('the file stops growing when as much goes as comes', async () => {
  open(null);
  await broker.ensureTopics([
    topic('requests', { retentionMs: minuteMs / 2 }),
    topic('table', { cleanup: 'compact' }),
    topic('large', { retentionMs: minuteMs / 4 }),
  ]);
  const topics = ['requests', 'table', 'large'];
  const fileBytes = () => statSync(join(directory, 'data.mdb')).size;
  await runFor(60, topics, 9_000);
  const [settledFile, settledLive] = [fileBytes(), store.liveBytes()];
  await runFor(200, topics, 9_000);
  expect(fileBytes()).toBeLessThanOrEqual(settledFile * 1.2);
  expect(store.liveBytes()).toBeLessThanOrEqual(settledLive * 1.2);
  expect(await kept('requests')).toBeLessThanOrEqual(32);
  expect(await kept('large')).toBeLessThanOrEqual(17);
  // Offsets go on whatever has gone.
  expect((await offsetsOf('requests')).end).toBe(260);
});

test('a store that may not be larger drops the oldest first, each topic by its share, and state never', async () => {
  const maxBytes = 2 * 1_048_576;
  open(maxBytes);
  await broker.ensureTopics([
    topic('day', { retentionMs: 10 * minuteMs }),
    topic('week', { retentionMs: 70 * minuteMs }),
    topic('for ever', {}),
    topic('table', { cleanup: 'compact' }),
  ]);
  await runFor(1, ['for ever', 'table'], 1_000);
  await runFor(300, ['day', 'week'], 9_000);
  expect(store.liveBytes()).toBeLessThanOrEqual(maxBytes);
  expect(await kept('for ever')).toBe(1);
  expect(await kept('table')).toBe(1);
  // Of what is kept seven times as long about seven times as much is left.
  const [day, week] = [await kept('day'), await kept('week')];
  expect(day).toBeGreaterThan(5);
  expect(week / day).toBeGreaterThan(4);
  expect(week / day).toBeLessThan(10);
});

test('without a limit nothing goes before its time', async () => {
  open(null);
  await broker.ensureTopics([topic('day', { retentionMs: 10 * minuteMs })]);
  await runFor(150, ['day'], 9_000);
  expect(await kept('day')).toBe(150);
});

/** From now on the store has a clock that is ahead of the other by what `set` says. */
function openWithClock(): { set(byMs: number): void } {
  let setByMs = 0;
  const wall = clock;
  clock = { ...wall, nowMs: () => wall.nowMs() + setByMs };
  open(null);
  return {
    set(byMs) {
      setByMs = byMs;
    },
  };
}

test('a clock that is set a year ahead makes nothing old, not after a restart either, and what it dated goes when its neighbours do', async () => {
  const yearMs = 400 * 86_400_000;
  const wall = openWithClock();
  await broker.ensureTopics([topic('day', { retentionMs: 4 * minuteMs })]);
  await runFor(100, ['day'], 10);
  wall.set(yearMs);
  await runFor(20, ['day'], 10);
  expect(await offsetsOf('day')).toEqual({ earliest: 0, end: 120 });
  await broker.close();
  await store.close();
  open(null);
  await runFor(10, ['day'], 10);
  expect(await offsetsOf('day')).toEqual({ earliest: 0, end: 130 });
  wall.set(0);
  await runFor(120, ['day'], 10);
  // Within the limit, by the right clock again: nothing has gone before its time, though time went twice as fast meanwhile.
  expect((await offsetsOf('day')).earliest).toBeLessThanOrEqual(10);
  await runFor(240, ['day'], 10);
  const { earliest, end } = await offsetsOf('day');
  expect(end - earliest).toBeLessThanOrEqual(245);
  expect(end - earliest).toBeGreaterThanOrEqual(235);
});

test('tombstones that a clock dated a year ahead go with those behind them, and keep none of these', async () => {
  const wall = openWithClock();
  await broker.close();
  broker = createEmbeddedBroker(store, { maintenanceIntervalMs: null, tombstoneRetentionMs: minuteMs });
  await broker.ensureTopics([topic('table', { cleanup: 'compact' })]);
  const producer = broker.producer('p');
  const remove = async (key: string): Promise<void> => {
    await producer.send([{ topic: 'table', key, value: null }]);
    await broker.maintain();
  };
  const rows = async (): Promise<number> => {
    let count = 0;
    const { earliest: from, end: to } = await offsetsOf('table');
    for await (const records of broker.read({ topic: 'table', partition: 0 }, { from, to })) count += records.length;
    return count;
  };
  await remove('before');
  wall.set(400 * 86_400_000);
  for (const key of ['ahead-1', 'ahead-2']) await remove(key);
  wall.set(0);
  await clock.advanceBy(minuteMs / 2);
  await remove('after');
  await producer.send([{ topic: 'table', key: 'last', value: Buffer.from('stays') }]);
  for (const left of [5, 4, 1]) {
    for (let second = 0; second < 2; second++) await broker.maintain();
    expect(await rows()).toBe(left);
    await clock.advanceBy(minuteMs / 2 + 1_000);
  }
});

test('a clock that is set back makes nothing old and keeps nothing for ever', async () => {
  const wall = openWithClock();
  await broker.ensureTopics([topic('day', { retentionMs: 2 * minuteMs })]);
  wall.set(30 * 86_400_000);
  await runFor(60, ['day'], 10);
  wall.set(0);
  await runFor(300, ['day'], 10);
  expect(await kept('day')).toBeLessThanOrEqual(125);
  expect(await kept('day')).toBeGreaterThanOrEqual(115);
});

test('a reader of what has gone starts at the earliest record that is kept', async () => {
  open(1_048_576);
  await broker.ensureTopics([topic('day', { retentionMs: 10 * minuteMs })]);
  await runFor(150, ['day'], 9_000);
  const { earliest } = await offsetsOf('day');
  expect(earliest).toBeGreaterThan(0);
  const consumer = await new Promise<PartitionConsumer>((resolve, reject) => {
    const onAssigned = (_epoch: number, consumers: readonly PartitionConsumer[]) => resolve(consumers[0]!);
    broker.join({ group: 'g', topics: ['day'], startAt: 'earliest', onAssigned, onFailed: reject }).catch(reject);
  });
  consumer.seek('day', 0);
  const [first] = await consumer.poll({ maxRecords: 1, maxWaitMs: 1_000 });
  expect(first!.offset).toBe(earliest);
});

test('a look at partitions of which nothing is due asks the store for nothing, and what becomes due later goes all the same', async () => {
  const opened = openEmbeddedStore({ directory, clock });
  let reads = 0;
  const table: EmbeddedStore['table'] = (...named) => {
    const inner = opened.table(...named);
    const counted =
      <Given extends readonly unknown[], T>(read: (...given: Given) => T) =>
      (...given: Given): T => {
        reads++;
        return read(...given);
      };
    return { ...inner, get: counted(inner.get), keys: counted(inner.keys), entries: counted(inner.entries) };
  };
  store = { ...opened, table };
  broker = createEmbeddedBroker(store, { maintenanceIntervalMs: null, tombstoneRetentionMs: minuteMs });
  await broker.ensureTopics([
    topic('day', { retentionMs: 10 * minuteMs, partitions: 50 }),
    topic('table', { cleanup: 'compact', partitions: 50 }),
  ]);
  const producer = broker.producer('p');
  const send = (key: string, value: Buffer | null) =>
    producer.send(
      ['day', 'table'].map((name) => ({
        topic: name,
        partition: 7,
        key,
        value: name === 'day' ? Buffer.from('x') : value,
      })),
    );
  const rows = async (): Promise<number> => {
    let count = 0;
    const { earliest: from, end: to } = await broker.offsets({ topic: 'table', partition: 7 });
    for await (const records of broker.read({ topic: 'table', partition: 7 }, { from, to })) count += records.length;
    return count;
  };
  await send('a', null);
  await clock.advanceBy(minuteMs / 2);
  await send('b', null);
  await send('c', Buffer.from('1'));
  for (let second = 0; second < 2; second++) await broker.maintain();
  reads = 0;
  for (let second = 0; second < 20; second++) await broker.maintain();
  expect(reads).toBe(0);
  // One tombstone after the other, each in its time.
  for (const left of [2, 1]) {
    await clock.advanceBy(minuteMs / 2 + 1);
    await broker.maintain();
    expect(await rows()).toBe(left);
  }
  await send('c', null);
  await send('d', Buffer.from('1'));
  await broker.maintain();
  expect(await rows()).toBe(2);
  await clock.advanceBy(minuteMs + 1);
  await broker.maintain();
  expect(await rows()).toBe(1);
});
