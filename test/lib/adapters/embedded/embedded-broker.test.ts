import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { checkStore } from '../../../../lib/adapters/embedded/check-store';
import { type EmbeddedBroker, openEmbeddedBroker } from '../../../../lib/adapters/embedded/embedded-broker';
import { createVirtualClock, type VirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import type { LogRecord, OutgoingRecord, PartitionConsumer, TopicSettings } from '../../../../lib/ports/broker';

const startMs = 1_000_000;
const topic = (name: string, settings: Partial<TopicSettings> = {}): TopicSettings => ({
  name,
  partitions: 1,
  cleanup: 'delete',
  retentionMs: null,
  maxRecordBytes: 100_000,
  ...settings,
});

let directory: string;
let clock: VirtualClock;
let broker: EmbeddedBroker;

const reopen = async (): Promise<void> => {
  await broker.close();
  open();
};
const open = (): void => {
  broker = openEmbeddedBroker({ directory, clock, maintenanceIntervalMs: null, tombstoneRetentionMs: 10_000 });
};
const send = (records: readonly OutgoingRecord[]) => broker.producer('test').send(records);
const readAll = async (name: string, partition = 0): Promise<LogRecord[]> => {
  const records: LogRecord[] = [];
  for await (const chunk of broker.read({ topic: name, partition }, { from: 0 })) records.push(...chunk);
  return records;
};
const join1 = (topics: readonly string[]): Promise<PartitionConsumer> =>
  new Promise((resolve, reject) => {
    const onAssigned = (_epoch: number, consumers: readonly PartitionConsumer[]) => resolve(consumers[0]!);
    broker.join({ group: 'g', topics, startAt: 'earliest', onAssigned, onFailed: reject }).catch(reject);
  });

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'quantum-router-embedded-'));
  clock = createVirtualClock({ startMs });
  open();
});
afterEach(async () => {
  await broker.close();
  rmSync(directory, { recursive: true });
});

test('what a record says is handed to who reads it as it comes; from the store there are the bytes alone', async () => {
  await broker.ensureTopics([topic('a')]);
  const consumer = await join1(['a']);
  const decoded = { says: 'something' };
  const sendOne = () => send([{ topic: 'a', key: 'k', value: Buffer.from('1'), decoded }]);
  const pollOne = async () => (await consumer.poll({ maxRecords: 1, maxWaitMs: 0 }))[0]!;
  await sendOne();
  await sendOne();
  // However late a reader comes, what it has not read is not forgotten for others that have.
  const early = await broker.follow({ topic: 'a', startAt: 'latest', onRecords() {}, onFailed() {} });
  await sendOne();
  for (let i = 0; i < 3; i++) expect((await pollOne()).decoded).toBe(decoded);
  await early.stop();
  // All have read the first three when the fourth comes: those are in the store alone.
  await sendOne();
  expect((await pollOne()).decoded).toBe(decoded);
  const [first, , , fourth] = await readAll('a');
  expect(first).toMatchObject({ key: 'k', value: Buffer.from('1') });
  expect(first!.decoded).toBeUndefined();
  expect(fourth).toMatchObject({ key: 'k', value: Buffer.from('1') });
  await reopen();
  expect((await readAll('a')).map((record) => record.decoded)).toEqual([undefined, undefined, undefined, undefined]);
});

describe('after a restart', () => {
  test('topics, records, positions and the next offset are as they were', async () => {
    await broker.ensureTopics([topic('a', { partitions: 2 }), topic('b', { partitions: 2, cleanup: 'compact' })]);
    await send([
      { topic: 'a', partition: 0, key: 'k', value: Buffer.from('1'), headers: { h: 'x' } },
      { topic: 'a', partition: 1, key: null, value: null },
      { topic: 'b', partition: 1, key: 'k', value: Buffer.from('2') },
    ]);
    await (await join1(['a', 'b'])).write({ records: [], positions: new Map([['a', 1]]) });
    const before = [await readAll('a', 0), await readAll('a', 1), await readAll('b', 1), await broker.listTopics()];
    await reopen();
    expect([await readAll('a', 0), await readAll('a', 1), await readAll('b', 1), await broker.listTopics()]).toEqual(
      before,
    );
    expect(await (await join1(['a', 'b'])).committed()).toEqual(
      new Map([
        ['a', 1],
        ['b', null],
      ]),
    );
    expect(await send([{ topic: 'a', partition: 0, key: 'k', value: null }])).toEqual([{ partition: 0, offset: 1 }]);
    await broker.ensureTopics([topic('c')]);
    await send([{ topic: 'c', key: 'k', value: Buffer.from('3') }]);
    expect(await readAll('b', 0)).toEqual([]);
  });

  test('a time is found as before, whatever the order of the times', async () => {
    await broker.ensureTopics([topic('a')]);
    const jitter = [0, 7, -3, 2, -5, 1];
    const times = Array.from(
      { length: 1_500 },
      (_, i) => startMs + i * 2 + jitter[i % 6]! * 20 + (i % 300 === 0 ? 100 : 0),
    );
    await send(times.map((timestampMs) => ({ topic: 'a', key: 'k', value: null, timestampMs })));
    const asked = [
      0,
      startMs,
      startMs + 1_000,
      startMs + 1_001,
      startMs + 2_999,
      startMs + 10_000,
      ...times.slice(700, 720),
    ];
    for (let round = 0; round < 2; round++) {
      for (const time of asked) {
        const expected = times.findIndex((timestampMs) => timestampMs >= time);
        expect(await broker.offsetAt({ topic: 'a', partition: 0 }, time)).toBe(expected < 0 ? 1_500 : expected);
      }
      await reopen();
    }
    await send([{ topic: 'a', key: 'k', value: null, timestampMs: startMs + 20_000 }]);
    expect(await broker.offsetAt({ topic: 'a', partition: 0 }, startMs + 19_000)).toBe(1_500);
  });
});

describe('a reader behind what is in memory', () => {
  test('gets every record once, from the file and then from memory', async () => {
    await broker.ensureTopics([topic('a')]);
    for (let i = 0; i < 3_000; i += 500) {
      const records = Array.from({ length: 500 }, (_, j) => ({
        topic: 'a',
        key: `${i + j}`,
        value: Buffer.alloc(100, i + j),
      }));
      await send(records);
    }
    await send(
      Array.from({ length: 20 }, (_, i) => ({ topic: 'a', key: `${3_000 + i}`, value: Buffer.alloc(90_000) })),
    );
    const consumer = await join1(['a']);
    const keys: string[] = [];
    while (keys.length < 3_020) {
      const records = await consumer.poll({ maxRecords: 333, maxWaitMs: 0 });
      keys.push(...records.map(({ key }) => key!));
    }
    expect(keys).toEqual(Array.from({ length: 3_020 }, (_, i) => `${i}`));
  });
});

describe('maintenance', () => {
  test('retention drops old records but the newest, in slices, also across a restart', async () => {
    await broker.ensureTopics([topic('a', { retentionMs: 1_000 })]);
    const numbers = (from: number, count: number): OutgoingRecord[] =>
      Array.from({ length: count }, (_, i) => ({ topic: 'a', key: `${from + i}`, value: Buffer.from('x') }));
    await send(numbers(0, 700));
    await clock.advanceBy(600);
    await send(numbers(700, 10));
    await broker.maintain();
    expect(await readAll('a')).toHaveLength(710);
    await clock.advanceBy(600);
    await broker.maintain();
    expect((await readAll('a')).map(({ key }) => key)).toEqual(numbers(700, 10).map(({ key }) => key));
    expect(await broker.offsets({ topic: 'a', partition: 0 })).toEqual({ earliest: 700, end: 710 });
    expect(await broker.offsetAt({ topic: 'a', partition: 0 }, 0)).toBe(700);

    const consumer = await join1(['a']);
    consumer.seek('a', 5);
    expect((await consumer.poll({ maxRecords: 1, maxWaitMs: 0 }))[0]!.offset).toBe(700);

    await clock.advanceBy(60_000);
    await broker.maintain();
    await reopen();
    expect(await broker.offsets({ topic: 'a', partition: 0 })).toEqual({ earliest: 709, end: 710 });
    expect(await send(numbers(710, 1))).toEqual([{ partition: 0, offset: 710 }]);
  });

  test('where all that was stored together is too old, the newest record stays, and it alone', async () => {
    await broker.ensureTopics([topic('a', { retentionMs: 1_000 })]);
    await send(Array.from({ length: 30 }, (_, i) => ({ topic: 'a', key: `${i}`, value: Buffer.alloc(1_000, i) })));
    await clock.advanceBy(900);
    await broker.maintain();
    await reopen();
    expect(await readAll('a')).toHaveLength(30);
    await clock.advanceBy(200);
    await broker.maintain();
    await reopen();
    expect((await readAll('a')).map(({ key }) => key)).toEqual(['29']);
    expect(await broker.offsets({ topic: 'a', partition: 0 })).toEqual({ earliest: 29, end: 30 });
  });

  test('what was written record by record takes less room a little later, and says the same', async () => {
    await broker.ensureTopics([topic('a')]);
    for (let i = 0; i < 200; i++) await send([{ topic: 'a', key: `${i}`, value: Buffer.from(`${i} `.repeat(800)) }]);
    const before = await readAll('a');
    await broker.close();
    const pagesOf = () => checkStore(directory).tables.find(({ name }) => name === 'log')!;
    const oneByOne = pagesOf();
    open();
    for (let i = 200; i < 400; i++) await send([{ topic: 'a', key: `${i}`, value: Buffer.from(`${i} `.repeat(800)) }]);
    await broker.maintain();
    await reopen();
    expect((await readAll('a')).slice(0, 200)).toEqual(before);
    expect((await readAll('a')).map(({ key }) => key)).toEqual(Array.from({ length: 400 }, (_, i) => `${i}`));
    await broker.close();
    expect(pagesOf().bytes - oneByOne.bytes).toBeLessThan(oneByOne.bytes / 2);
    open();
  });

  test('compaction keeps the last record of each key in any history', async () => {
    const writes = fc.array(
      fc.oneof(
        { weight: 10, arbitrary: fc.record({ key: fc.constantFrom('a', 'b', 'c', 'd'), tombstone: fc.boolean() }) },
        fc.constantFrom('maintain' as const, 'reopen' as const, 'wait' as const),
      ),
      { maxLength: 40 },
    );
    let run = 0;
    await fc.assert(
      fc.asyncProperty(writes, async (steps) => {
        const name = `table-${run++}`;
        await broker.ensureTopics([topic(name, { cleanup: 'compact' })]);
        const expected = new Map<string, string>();
        let n = 0;
        for (const step of steps) {
          if (step === 'maintain') await broker.maintain();
          else if (step === 'reopen') await reopen();
          else if (step === 'wait') await clock.advanceBy(11_000);
          else {
            const value = step.tombstone ? null : `${n++}`;
            await send([{ topic: name, key: step.key, value: value === null ? null : Buffer.from(value) }]);
            if (value === null) expected.delete(step.key);
            else expected.set(step.key, value);
          }
        }
        const { end } = await broker.offsets({ topic: name, partition: 0 });
        await reopen();
        await broker.maintain();
        const records = await readAll(name);
        const rows = records.filter(({ value }) => value !== null).map(({ key, value }) => [key, value!.toString()]);
        expect(new Map(rows as [string, string][])).toEqual(expected);
        // One record a key: the rest is gone from the file, and no row was found twice.
        expect(new Set(records.map(({ key }) => key)).size).toBe(records.length);
        expect(await broker.offsets({ topic: name, partition: 0 })).toEqual({ earliest: records[0]?.offset ?? 0, end });
      }),
      { numRuns: 30 },
    );
  });

  test('a tombstone goes after its time, together with its key', async () => {
    await broker.ensureTopics([topic('t', { cleanup: 'compact' })]);
    await send([
      { topic: 't', key: 'gone', value: Buffer.from('1') },
      { topic: 't', key: 'gone', value: null },
      { topic: 't', key: 'stays', value: Buffer.from('1') },
    ]);
    await broker.maintain();
    await reopen();
    expect((await readAll('t')).map(({ key, value }) => [key, value?.toString() ?? null])).toEqual([
      ['gone', null],
      ['stays', '1'],
    ]);
    await clock.advanceBy(10_001);
    await broker.maintain();
    await reopen();
    expect((await readAll('t')).map(({ key }) => key)).toEqual(['stays']);
    await send([{ topic: 't', key: 'gone', value: Buffer.from('again') }]);
    await broker.maintain();
    expect(await readAll('t')).toHaveLength(2);
  });

  test('keys longer than the store can index are compacted all the same', async () => {
    await broker.ensureTopics([topic('t', { cleanup: 'compact' })]);
    const long = 'x'.repeat(10_000);
    await send([long, `${long}y`, long].map((key, i) => ({ topic: 't', key, value: Buffer.from(`${i}`) })));
    await broker.maintain();
    await reopen();
    expect((await readAll('t')).map(({ value }) => value!.toString())).toEqual(['1', '2']);
  });

  test('it comes by itself on the clock, to a table in turn or when much has come to it, and stops with the broker', async () => {
    await broker.close();
    broker = openEmbeddedBroker({ directory, clock, maintenanceIntervalMs: 500 });
    await broker.ensureTopics([topic('quiet', { cleanup: 'compact' }), topic('busy', { cleanup: 'compact' })]);
    const rows = (name: string, count: number) =>
      Array.from({ length: count }, (_, i) => ({ topic: name, key: 'k', value: Buffer.from(`${i}`) }));
    const passOnce = async (): Promise<void> => {
      await clock.advanceBy(500);
      for (let turn = 0; turn < 50; turn++) await clock.settle();
    };
    const places = () =>
      Promise.all(
        ['quiet', 'busy'].map(async (name) => (await broker.offsets({ topic: name, partition: 0 })).earliest),
      );
    await send(rows('quiet', 1));
    await send([...rows('quiet', 2), ...rows('busy', 1)]);
    await passOnce();
    expect(await places()).toEqual([0, 0]);
    // Rows that one transaction replaces are never stored, but they are counted.
    await send(rows('busy', 1_000));
    await passOnce();
    expect(await places()).toEqual([0, 1_000]);
    for (let pass = 0; pass < 8; pass++) await passOnce();
    expect(await places()).toEqual([2, 1_000]);
    await broker.close();
    await clock.runUntilIdle({ maxTimers: 10 });
  });
});
