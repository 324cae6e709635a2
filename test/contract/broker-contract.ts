/**
 * What every broker must do, and all that the runtime may rely on: the specification of lib/ports/broker.ts. It assumes
 * no gapless offsets, no order across partitions and no timing but "sooner or later", so that it runs on real servers
 * unchanged; names are unique per test, so that one server can serve many runs.
 */
import { randomUUID } from 'node:crypto';
import {
  type Broker,
  type LogRecord,
  type OutgoingRecord,
  type PartitionConsumer,
  StaleEpochError,
  type TopicSettings,
} from '../../lib/ports/broker';
import { partitionOf } from '../../lib/topics/partition-of';
import { eventually, joinGroup, onAdded, readAll, take, textOf } from './broker-member';

export interface BrokerUnderTest {
  readonly broker: Broker;
  /** Runs the log's compaction and retention now, where that can be asked for. */
  readonly clean?: () => Promise<void>;
  readonly dispose: () => Promise<void>;
}

interface Bench extends BrokerUnderTest {
  /** Makes a topic of a fresh name. */
  readonly topic: (settings?: Partial<TopicSettings>) => Promise<string>;
  readonly send: (records: readonly OutgoingRecord[]) => Promise<readonly { partition: number; offset: number }[]>;
}

const name = (kind: string): string => `${kind}-${randomUUID()}`;
const text = (value: string): Buffer => Buffer.from(value);
const numbered = (topic: string, count: number, partition = 0): OutgoingRecord[] =>
  Array.from({ length: count }, (_, i) => ({ topic, partition, key: `k${i}`, value: text(`${i}`) }));
const numbers = (count: number, from = 0): string[] => Array.from({ length: count }, (_, i) => `${from + i}`);

export function describeBrokerContract(home: string, open: () => Promise<BrokerUnderTest>): void {
  describe(`broker contract: ${home}`, () => {
    let bench: Bench;

    beforeEach(async () => {
      const underTest = await open();
      const { broker } = underTest;
      const producer = broker.producer('contract');
      bench = {
        ...underTest,
        async topic(settings) {
          const made = name('topic');
          await broker.ensureTopics([
            { name: made, partitions: 1, cleanup: 'delete', retentionMs: null, maxRecordBytes: 100_000, ...settings },
          ]);
          return made;
        },
        send: (records) => producer.send(records),
      };
    });
    afterEach(() => bench.dispose());

    describe('topics', () => topicContract(() => bench));
    describe('producing', () => producerContract(() => bench));
    describe('reading without a group', () => readContract(() => bench));
    describe('compaction', () => compactionContract(() => bench));
    describe('following', () => followContract(() => bench));
    describe('polling in a group', () => pollContract(() => bench));
    describe('positions', () => positionContract(() => bench));
    describe('members and epochs', () => membershipContract(() => bench));
    describe('delivery exactly once', () => exactlyOnceContract(() => bench));
    describe('closing', () => closeContract(() => bench));
  });
}

function topicContract(bench: () => Bench): void {
  test('a topic is made once and listed as it was made', async () => {
    const { broker, topic } = bench();
    const made = await topic({ partitions: 3, cleanup: 'compact' });
    const settings = (await broker.listTopics()).find((listed) => listed.name === made)!;
    expect(settings).toMatchObject({ name: made, partitions: 3, cleanup: 'compact' });
    await broker.ensureTopics([settings]);
    expect((await broker.listTopics()).filter((listed) => listed.name === made)).toHaveLength(1);
  });

  test('another number of partitions is refused, naming both, and nothing is made', async () => {
    const { broker, topic } = bench();
    const made = await topic({ partitions: 2 });
    const settings = (await broker.listTopics()).find((listed) => listed.name === made)!;
    const other = { ...settings, name: name('other') };
    const asked = broker.ensureTopics([other, { ...settings, partitions: 5 }]);
    await expect(asked).rejects.toThrow(new RegExp(`${made}.*2.*5`, 's'));
    expect((await broker.listTopics()).map((listed) => listed.name)).not.toContain(other.name);
  });

  test('a topic that does not exist is refused everywhere', async () => {
    const { broker, send } = bench();
    const missing = name('missing');
    const ignore = { onFailed: () => {}, onRecords: () => {}, onAssigned: () => {} };
    await expect(send([{ topic: missing, key: 'k', value: null }])).rejects.toThrow(missing);
    await expect(broker.offsets({ topic: missing, partition: 0 })).rejects.toThrow(missing);
    await expect(broker.follow({ topic: missing, startAt: 'earliest', ...ignore })).rejects.toThrow(missing);
    const join = broker.join({ group: name('group'), topics: [missing], startAt: 'earliest', ...ignore });
    await expect(join).rejects.toThrow(missing);
  });
}

function producerContract(bench: () => Bench): void {
  test('records come back as they were sent', async () => {
    const { broker, topic, send } = bench();
    const made = await topic();
    const sent: OutgoingRecord[] = [
      { topic: made, key: 'a', value: text('plain'), timestampMs: 1_700_000_000_123 },
      {
        topic: made,
        key: null,
        value: Buffer.from([0, 255, 128, 0]),
        headers: { one: '1', zwei: 'größe ✓', empty: '' },
      },
      { topic: made, key: 'ключ', value: null },
      { topic: made, key: '', value: Buffer.alloc(0) },
    ];
    await send(sent);
    const read = await readAll(broker, made);
    expect(read.map(({ key, value, headers }) => ({ key, value, headers }))).toEqual(
      sent.map(({ key, value, headers = {} }) => ({ key, value, headers })),
    );
    expect(read[0]).toMatchObject({ topic: made, partition: 0, timestampMs: 1_700_000_000_123 });
    expect(read[1]!.timestampMs).toBeGreaterThan(0);
  });

  test('the answer says where each record went, and offsets increase', async () => {
    const { broker, topic, send } = bench();
    const made = await topic({ partitions: 2 });
    const places = await send([...numbered(made, 3, 1), ...numbered(made, 1, 0)]);
    expect(places.map(({ partition }) => partition)).toEqual([1, 1, 1, 0]);
    const read = [...(await readAll(broker, made, 1)), ...(await readAll(broker, made, 0))];
    expect(read.map(({ partition, offset }) => ({ partition, offset }))).toEqual(places);
    expect(places[0]!.offset).toBeLessThan(places[1]!.offset);
    expect(places[1]!.offset).toBeLessThan(places[2]!.offset);
    expect(await send([])).toEqual([]);
  });

  test('keys choose partitions by murmur2', async () => {
    const { topic, send } = bench();
    const made = await topic({ partitions: 5 });
    const keys = numbers(40);
    const places = await send(keys.map((key) => ({ topic: made, key, value: null })));
    expect(places.map(({ partition }) => partition)).toEqual(keys.map((key) => partitionOf(key, 5)));
  });

  test('many sends at once keep their order and lose nothing', async () => {
    const { broker, topic } = bench();
    const made = await topic();
    const producer = broker.producer('busy');
    const sends = numbers(300).map((n) => producer.send([{ topic: made, key: 'same', value: text(n) }]));
    const offsets = (await Promise.all(sends)).map(([place]) => place!.offset);
    expect(offsets).toEqual([...offsets].sort((a, b) => a - b));
    expect(textOf(await readAll(broker, made))).toEqual(numbers(300));
    await producer.close();
    await expect(producer.send(numbered(made, 1))).rejects.toThrow('closed');
  });

  test('a record too large is refused by name, with all of its batch, and the next is taken', async () => {
    const { broker, topic, send } = bench();
    const made = await topic({ maxRecordBytes: 2_000 });
    const tooLarge = { topic: made, key: 'big', value: Buffer.alloc(3_000) };
    await expect(send([...numbered(made, 1), tooLarge])).rejects.toThrow(new RegExp(`too large.*${made}`, 's'));
    await send([{ topic: made, key: 'k', value: text('fits') }]);
    expect(textOf(await readAll(broker, made))).toEqual(['fits']);
  });

  test('a partition that does not exist is refused', async () => {
    const { topic, send } = bench();
    const made = await topic({ partitions: 2 });
    await expect(send([{ topic: made, partition: 2, key: 'k', value: null }])).rejects.toThrow(made);
  });
}

function readContract(bench: () => Bench): void {
  test('offsets tell the first kept record and the next to come', async () => {
    const { broker, topic, send } = bench();
    const made = await topic();
    const empty = await broker.offsets({ topic: made, partition: 0 });
    expect(empty.earliest).toBe(empty.end);
    const [first, last] = await send(numbered(made, 2));
    const range = await broker.offsets({ topic: made, partition: 0 });
    expect(range.earliest).toBeLessThanOrEqual(first!.offset);
    expect(range.end).toBeGreaterThan(last!.offset);
  });

  test('a range is read in chunks from `from` up to, not including, `to`', async () => {
    const { broker, topic, send } = bench();
    const made = await topic();
    const places = await send(numbered(made, 50));
    const of = { topic: made, partition: 0 };
    const read: string[] = [];
    const range = { from: places[10]!.offset, to: places[40]!.offset, maxRecords: 7 };
    for await (const chunk of broker.read(of, range)) {
      expect(chunk.length).toBeGreaterThan(0);
      expect(chunk.length).toBeLessThanOrEqual(7);
      read.push(...(textOf(chunk) as string[]));
    }
    expect(read).toEqual(numbers(30, 10));
    for await (const chunk of broker.read(of, { from: places[49]!.offset + 1 })) expect(chunk).toEqual([]);
    for await (const chunk of broker.read(of, { from: places[5]!.offset, to: places[5]!.offset }))
      expect(chunk).toEqual([]);
  });

  test('a time is found by its first record', async () => {
    const { broker, topic, send } = bench();
    const made = await topic();
    const of = { topic: made, partition: 0 };
    // Not in order of time: the first record late enough counts.
    const times = [1_000, 3_000, 2_000, 5_000, 5_000, 4_000].map((time) => 1_700_000_000_000 + time);
    const places = await send(times.map((timestampMs) => ({ topic: made, key: 'k', value: null, timestampMs })));
    const at = (time: number): Promise<number> => broker.offsetAt(of, 1_700_000_000_000 + time);
    expect(await at(0)).toBe(places[0]!.offset);
    expect(await at(1_000)).toBe(places[0]!.offset);
    expect(await at(1_001)).toBe(places[1]!.offset);
    expect(await at(3_001)).toBe(places[3]!.offset);
    expect(await at(5_000)).toBe(places[3]!.offset);
    expect(await at(5_001)).toBe((await broker.offsets(of)).end);
  });
}

function compactionContract(bench: () => Bench): void {
  test('the last record of every key stays, in order; a tombstone ends its key', async () => {
    const { broker, topic, send, clean } = bench();
    const made = await topic({ cleanup: 'compact' });
    const row = (key: string, value: string | null): OutgoingRecord => ({
      topic: made,
      key,
      value: value === null ? null : text(value),
    });
    await send([
      row('a', '1'),
      row('b', '1'),
      row('a', '2'),
      row('c', '1'),
      row('b', null),
      row('d', '1'),
      row('a', '3'),
    ]);
    const table = async (): Promise<Record<string, string | null>> => {
      const rows: Record<string, string | null> = {};
      for (const record of await readAll(broker, made)) rows[record.key!] = record.value?.toString() ?? null;
      return Object.fromEntries(Object.entries(rows).filter(([, value]) => value !== null));
    };
    const { end } = await broker.offsets({ topic: made, partition: 0 });
    expect(await table()).toEqual({ a: '3', c: '1', d: '1' });
    await clean?.();
    expect(await table()).toEqual({ a: '3', c: '1', d: '1' });
    const kept = await readAll(broker, made);
    expect(kept.map(({ offset }) => offset)).toEqual(kept.map(({ offset }) => offset).sort((a, b) => a - b));
    expect((await broker.offsets({ topic: made, partition: 0 })).end).toBe(end);
    await send([row('c', '2'), row('e', '1')]);
    await clean?.();
    expect(await table()).toEqual({ a: '3', c: '2', d: '1', e: '1' });
  });

  test('a record without a key is refused', async () => {
    const { topic, send } = bench();
    const made = await topic({ cleanup: 'compact' });
    await expect(send([{ topic: made, partition: 0, key: null, value: text('x') }])).rejects.toThrow('key');
  });

  test('a group reads on across what compaction took away', async () => {
    const { broker, topic, send, clean } = bench();
    const made = await topic({ cleanup: 'compact' });
    await send(numbers(20).map((n) => ({ topic: made, key: 'same', value: text(n) })));
    await clean?.();
    const member = await joinGroup(broker, { group: name('group'), topics: [made] });
    const [consumer] = await member.owning(1);
    consumer!.seek(made, 0);
    await send([{ topic: made, key: 'last', value: text('end') }]);
    let last = '';
    while (last !== 'end') last = textOf(await consumer!.poll({ maxRecords: 5, maxWaitMs: 1_000 })).at(-1) ?? last;
    await member.leave();
  });
}

function followContract(bench: () => Bench): void {
  test('from earliest: everything that was there is handed over before follow resolves, then what comes', async () => {
    const { broker, topic, send } = bench();
    const made = await topic({ partitions: 3 });
    await send([...numbered(made, 10, 0), ...numbered(made, 10, 2)]);
    const seen: string[][] = [[], [], []];
    const follower = await broker.follow({
      topic: made,
      startAt: 'earliest',
      onRecords: async (records) => {
        await Promise.resolve();
        for (const record of records) seen[record.partition]!.push(record.value!.toString());
      },
      onFailed: (error) => seen[0]!.push(error.message),
    });
    expect(seen).toEqual([numbers(10), [], numbers(10)]);
    await send(numbered(made, 2, 1));
    await eventually(() => seen[1]!.length === 2);
    expect(seen[1]).toEqual(numbers(2));
    await follower.stop();
    await follower.stop();
    await send(numbered(made, 2, 1));
    await readAll(broker, made, 1);
    expect(seen[1]).toEqual(numbers(2));
  });

  test('from latest: nothing that was there, and everything sent once follow has resolved', async () => {
    const { broker, topic, send } = bench();
    const made = await topic({ partitions: 2 });
    await send([...numbered(made, 3, 0), ...numbered(made, 3, 1)]);
    const seen: string[] = [];
    const follower = await broker.follow({
      topic: made,
      startAt: 'latest',
      onRecords: (records) => void seen.push(...(textOf(records) as string[])),
      onFailed: (error) => seen.push(error.message),
    });
    await send([{ topic: made, partition: 1, key: 'k', value: text('new') }]);
    await eventually(() => seen.length > 0);
    expect(seen).toEqual(['new']);
    await follower.stop();
  });

  test('what lingerMs puts off comes when somebody hurries', async () => {
    const { broker, topic, send } = bench();
    const made = await topic();
    const seen: (string | null)[] = [];
    const waiting: { count: number; resolve: () => void }[] = [];
    const follower = await broker.follow({
      topic: made,
      startAt: 'latest',
      lingerMs: 3_600_000,
      onRecords(records) {
        seen.push(...textOf(records));
        for (const { count, resolve } of waiting) if (seen.length >= count) resolve();
      },
      onFailed: (error) => seen.push(String(error)),
    });
    const until = (count: number) =>
      new Promise<void>((resolve) => (seen.length >= count ? resolve() : waiting.push({ count, resolve })));
    for (const [at, record] of numbered(made, 5).entries()) {
      await send([record]);
      follower.hurry();
      await until(at + 1);
    }
    expect(seen).toEqual(numbers(5));
    await follower.stop();
  });

  test('an empty topic is caught up at once', async () => {
    const { broker, topic } = bench();
    const made = await topic({ partitions: 2, cleanup: 'compact' });
    const follower = await broker.follow({ topic: made, startAt: 'earliest', onRecords: () => {}, onFailed: () => {} });
    await follower.stop();
  });

  test('a failing handler stops the follower and is reported', async () => {
    const { broker, topic, send } = bench();
    const made = await topic();
    const failures: string[] = [];
    let calls = 0;
    await broker.follow({
      topic: made,
      startAt: 'latest',
      onRecords: async () => {
        calls++;
        throw new Error('cannot take this');
      },
      onFailed: (error) => failures.push(error.message),
    });
    await send(numbered(made, 1));
    await eventually(() => failures.length > 0);
    await send(numbered(made, 1));
    await readAll(broker, made);
    expect(failures).toEqual([expect.stringContaining('cannot take this')]);
    expect(calls).toBe(1);
  });
}

function pollContract(bench: () => Bench): void {
  test('records come in order, at most as many as asked for', async () => {
    const { broker, topic, send } = bench();
    const made = await topic();
    await send(numbered(made, 25));
    const member = await joinGroup(broker, { group: name('group'), topics: [made] });
    const [consumer] = await member.owning(1);
    const first = await consumer!.poll({ maxRecords: 10, maxWaitMs: 10_000 });
    expect(first.length).toBeGreaterThan(0);
    expect(first.length).toBeLessThanOrEqual(10);
    const rest = await take(consumer!, 25 - first.length, { maxRecords: 10 });
    expect(textOf([...first, ...rest])).toEqual(numbers(25));
    await member.leave();
  });

  test('a poll of some topics leaves the others for later', async () => {
    const { broker, topic, send } = bench();
    const [one, two] = [await topic(), await topic()];
    await send([...numbered(one, 4), ...numbered(two, 4)]);
    const member = await joinGroup(broker, { group: name('group'), topics: [one, two] });
    const [consumer] = await member.owning(1);
    const ofTwo = await take(consumer!, 4, { topics: [two] });
    expect(new Set(ofTwo.map((record) => record.topic))).toEqual(new Set([two]));
    expect(await consumer!.poll({ maxRecords: 5, maxWaitMs: 20, topics: [two] })).toEqual([]);
    expect(textOf(await take(consumer!, 4))).toEqual(numbers(4));
    await member.leave();
  });

  test('no topic starves another', async () => {
    const { broker, topic, send } = bench();
    const [one, two] = [await topic(), await topic()];
    await send(numbered(one, 600));
    await send(numbered(two, 600));
    const member = await joinGroup(broker, { group: name('group'), topics: [one, two] });
    const [consumer] = await member.owning(1);
    const taken = await take(consumer!, 900, { maxRecords: 50 });
    for (const topic of [one, two]) {
      const of = taken.filter((record) => record.topic === topic);
      expect(of.length).toBeGreaterThan(100);
      expect(textOf(of)).toEqual(numbers(of.length));
    }
    await member.leave();
  });

  test('a poll waits for what comes', async () => {
    const { broker, topic, send } = bench();
    const made = await topic();
    const member = await joinGroup(broker, { group: name('group'), topics: [made] });
    const [consumer] = await member.owning(1);
    const polled = consumer!.poll({ maxRecords: 5, maxWaitMs: 20_000 });
    await expect(consumer!.poll({ maxRecords: 5, maxWaitMs: 0 })).rejects.toThrow('outstanding');
    await send(numbered(made, 1));
    expect(textOf(await polled)).toEqual(['0']);
    await member.leave();
  });

  test('wake ends a poll with what is there', async () => {
    const { broker, topic } = bench();
    const made = await topic();
    const member = await joinGroup(broker, { group: name('group'), topics: [made] });
    const [consumer] = await member.owning(1);
    const polled = consumer!.poll({ maxRecords: 5, maxWaitMs: 600_000 });
    consumer!.wake();
    expect(await polled).toEqual([]);
    consumer!.wake();
    expect(await consumer!.poll({ maxRecords: 5, maxWaitMs: 1 })).toEqual([]);
    await member.leave();
  });

  test('after a seek only records from there on come, also those read before', async () => {
    const { broker, topic, send } = bench();
    const made = await topic();
    const places = await send(numbered(made, 20));
    const member = await joinGroup(broker, { group: name('group'), topics: [made] });
    const [consumer] = await member.owning(1);
    await take(consumer!, 5);
    consumer!.seek(made, places[12]!.offset);
    expect(textOf(await take(consumer!, 3))).toEqual(numbers(3, 12));
    consumer!.seek(made, places[1]!.offset);
    expect(textOf(await take(consumer!, 19))).toEqual(numbers(19, 1));
    expect(() => consumer!.seek(name('other'), 0)).toThrow('does not read');
    expect(() => consumer!.seek(made, -1)).toThrow('-1');
    await member.leave();
  });

  test('a group that starts at latest sees what is sent once it is positioned', async () => {
    const { broker, topic, send } = bench();
    const made = await topic();
    await send(numbered(made, 3));
    const member = await joinGroup(broker, { group: name('group'), topics: [made], startAt: 'latest' });
    const [consumer] = await member.owning(1);
    expect(await consumer!.poll({ maxRecords: 5, maxWaitMs: 50 })).toEqual([]);
    await send([{ topic: made, key: 'k', value: text('new') }]);
    expect(textOf(await take(consumer!, 1))).toEqual(['new']);
    await member.leave();
  });
}

function positionContract(bench: () => Bench): void {
  test('what was not committed comes again', async () => {
    const { broker, topic, send } = bench();
    const made = await topic();
    const places = await send(numbered(made, 10));
    const group = name('group');
    const first = await joinGroup(broker, { group, topics: [made] });
    const [before] = await first.owning(1);
    expect(await before!.committed()).toEqual(new Map([[made, null]]));
    await take(before!, 8);
    await before!.write({ records: [], positions: new Map([[made, places[3]!.offset + 1]]) });
    expect(await before!.committed()).toEqual(new Map([[made, places[3]!.offset + 1]]));
    await first.leave();

    const second = await joinGroup(broker, { group, topics: [made] });
    const [after] = await second.owning(1);
    expect(await after!.committed()).toEqual(new Map([[made, places[3]!.offset + 1]]));
    expect(textOf(await take(after!, 6))).toEqual(numbers(6, 4));
    await second.leave();
    const stranger = await joinGroup(broker, { group: name('group'), topics: [made] });
    expect(textOf(await take((await stranger.owning(1))[0]!, 10))).toEqual(numbers(10));
    await stranger.leave();
  });

  test('records and positions are written together, in order', async () => {
    const { broker, topic, send } = bench();
    const [input, output] = [await topic(), await topic()];
    const places = await send(numbered(input, 3));
    const member = await joinGroup(broker, { group: name('group'), topics: [input] });
    const [consumer] = await member.owning(1);
    await consumer!.write({ records: numbered(output, 5), positions: new Map([[input, places[2]!.offset + 1]]) });
    await consumer!.write({ records: [{ topic: output, key: 'k', value: text('5') }] });
    expect(textOf(await readAll(broker, output))).toEqual(numbers(6));
    expect(await consumer!.committed()).toEqual(new Map([[input, places[2]!.offset + 1]]));
    await member.leave();
  });

  test('where single records can be had at once, a write says where its rows are, and the newest of a key stays there', async () => {
    const { broker, topic, clean } = bench();
    const [input, output, table] = [await topic(), await topic(), await topic({ cleanup: 'compact' })];
    const member = await joinGroup(broker, { group: name('group'), topics: [input] });
    const consumer = (await member.owning(1))[0]!;
    const write = async (...rows: [string, string][]): Promise<readonly number[] | null> =>
      consumer.write({
        records: numbered(output, 2),
        rows: rows.map(([key, value]) => ({ topic: table, partition: 0, key, value: text(value) })),
      });
    const first = await write(['a', '1'], ['b', '1'], ['c', '1']);
    const second = await write(['b', '2'], ['d', 'x'.repeat(3_000)]);
    await clean?.();
    expect([first !== null, second !== null]).toEqual(Array(2).fill(consumer.recordAt !== undefined));
    if (consumer.recordAt && first && second) {
      const at = (offset: number) => consumer.recordAt!(table, offset);
      const found = [...[first[0]!, first[2]!], ...second].map((offset) => [at(offset)?.key, at(offset)?.offset]);
      expect(found).toEqual([
        ['a', first[0]],
        ['c', first[2]],
        ['b', second[0]],
        ['d', second[1]],
      ]);
      expect(at(second[0]!)!.value!.toString()).toBe('2');
      // What was replaced may have gone; another record never stands in for it.
      expect(['b', undefined]).toContain(at(first[1]!)?.key);
      expect([at(second[1]! + 1), at(-1), consumer.recordAt(name('none'), 0)]).toEqual([null, null, null]);
    }
    await member.leave();
  });

  test('positions never move past a record that failed', async () => {
    const { broker, topic, send } = bench();
    const [input, output] = [await topic(), await topic({ maxRecordBytes: 1_000 })];
    const places = await send(numbered(input, 3));
    const member = await joinGroup(broker, { group: name('group'), topics: [input] });
    const [consumer] = await member.owning(1);
    const tooLarge = { topic: output, key: 'k', value: Buffer.alloc(2_000) };
    const written = consumer!.write({ records: [tooLarge], positions: new Map([[input, places[2]!.offset + 1]]) });
    await expect(written).rejects.toThrow('too large');
    expect(await consumer!.committed()).toEqual(new Map([[input, null]]));
    await expect(consumer!.write({ records: [], positions: new Map([[output, 1]]) })).rejects.toThrow('does not read');
    await member.leave();
  });
}

function membershipContract(bench: () => Bench): void {
  test('two members share the partitions, each the same of every topic', async () => {
    const { broker, topic, send } = bench();
    const topics = [await topic({ partitions: 4 }), await topic({ partitions: 4 })];
    for (const made of topics) for (let p = 0; p < 4; p++) await send(numbered(made, 2, p));
    const group = name('group');
    const one = await joinGroup(broker, { group, topics });
    await one.owning(4);
    const two = await joinGroup(broker, { group, topics });
    const both = [...(await one.owning(2)), ...(await two.owning(2))];
    expect(both.map(({ partition }) => partition).sort()).toEqual([0, 1, 2, 3]);
    for (const consumer of both) {
      const taken = await take(consumer, 4);
      expect(taken.every(({ partition }) => partition === consumer.partition)).toBe(true);
      expect(new Set(taken.map((record) => record.topic))).toEqual(new Set(topics));
    }
    await Promise.all([one.leave(), two.leave()]);
  });

  test('when a member comes, what stays goes on, and what moves is stale, also in the middle of a poll', async () => {
    const { broker, topic, send } = bench();
    const made = await topic({ partitions: 2 });
    const group = name('group');
    const one = await joinGroup(broker, { group, topics: [made] });
    const before = await one.owning(2);
    const polled = before.map((consumer) =>
      consumer.poll({ maxRecords: 1, maxWaitMs: 600_000 }).then(textOf, (error: unknown) => error),
    );
    const two = await joinGroup(broker, { group, topics: [made] });
    const [theirs] = await two.owning(1);
    const [mine] = await one.owning(1);
    const moved = before.find(({ partition }) => partition === theirs!.partition)!;
    expect(mine).toBe(before.find((consumer) => consumer !== moved));
    expect(await polled[before.indexOf(moved)]).toBeInstanceOf(StaleEpochError);
    expect(moved.isStale()).toBe(true);
    expect(theirs).not.toBe(moved);

    const places = await send(numbered(made, 2, mine!.partition));
    expect(await polled[before.indexOf(mine!)]).toEqual(['0']);
    expect(textOf(await take(mine!, 1))).toEqual(['1']);
    const positions = new Map([[made, places[1]!.offset + 1]]);
    await mine!.write({ records: [], positions });
    expect(await mine!.committed()).toEqual(positions);

    await expect(moved.poll({ maxRecords: 1, maxWaitMs: 0 })).rejects.toBeInstanceOf(StaleEpochError);
    await expect(moved.committed()).rejects.toBeInstanceOf(StaleEpochError);
    expect(() => moved.seek(made, 0)).toThrow(StaleEpochError);
    const zombie = moved.write({ records: [], positions: new Map([[made, 99]]) });
    await expect(zombie).rejects.toBeInstanceOf(StaleEpochError);
    expect((await theirs!.committed()).get(made)).toBeNull();

    // Who gets back what he once had gets it as anybody would.
    await two.leave();
    const [back] = (await one.owning(2)).filter(({ partition }) => partition === moved.partition);
    expect(back).not.toBe(moved);
    expect(one.consumers()).toContain(mine);
    await one.leave();
    expect(mine!.isStale()).toBe(true);
  });

  test('members come and go under a consumer that stays: it reads every record once and commits all the while', async () => {
    const { broker, topic, send } = bench();
    const made = await topic({ partitions: 2 });
    const group = name('group');
    const one = await joinGroup(broker, { group, topics: [made] });
    await one.owning(2);
    const others = [await joinGroup(broker, { group, topics: [made] })];
    const [mine] = await one.owning(1);
    const taken: (string | null)[] = [];
    for (let round = 0; round < 3; round++) {
      const places = await send(numbered(made, 5, mine!.partition));
      taken.push(...textOf(await take(mine!, 5)));
      await mine!.write({ records: [], positions: new Map([[made, places[4]!.offset + 1]]) });
      if (round % 2 === 0) {
        await others.shift()!.leave();
        await one.owning(2);
      } else {
        others.push(await joinGroup(broker, { group, topics: [made] }));
        await one.owning(1);
      }
      expect(one.consumers()).toContain(mine);
    }
    expect(taken).toEqual([...numbers(5), ...numbers(5), ...numbers(5)]);
    expect([...one.failures, ...others.flatMap(({ failures }) => failures)]).toEqual([]);
    await Promise.all([one, ...others].map((member) => member.leave()));
  });

  test('who leaves hands over everything', async () => {
    const { broker, topic, send } = bench();
    const made = await topic({ partitions: 2 });
    const group = name('group');
    const one = await joinGroup(broker, { group, topics: [made] });
    const two = await joinGroup(broker, { group, topics: [made] });
    await one.owning(1);
    const [left] = await two.owning(1);
    await two.leave();
    await two.leave();
    expect(left!.isStale()).toBe(true);
    await send([...numbered(made, 1, 0), ...numbered(made, 1, 1)]);
    for (const consumer of await one.owning(2)) expect(textOf(await take(consumer, 1))).toEqual(['0']);
    expect([...one.failures, ...two.failures]).toEqual([]);
    await one.leave();
  });

  test('more members than partitions: some own nothing', async () => {
    const { broker, topic } = bench();
    const made = await topic();
    const group = name('group');
    const members = [
      await joinGroup(broker, { group, topics: [made] }),
      await joinGroup(broker, { group, topics: [made] }),
    ];
    const live = (): number =>
      members.flatMap((member) => member.consumers()).filter((consumer) => !consumer.isStale()).length;
    await eventually(() => live() === 1 && members.some((member) => member.consumers().length === 0));
    await Promise.all(members.map((member) => member.leave()));
  });

  test('topics of different numbers of partitions cannot be read together', async () => {
    const { broker, topic } = bench();
    const topics = [await topic({ partitions: 2 }), await topic({ partitions: 3 })];
    await expect(joinGroup(broker, { group: name('group'), topics })).rejects.toThrow('partitions');
  });
}

function exactlyOnceContract(bench: () => Bench): void {
  const delivery = 'exactly-once';

  test('records of several topics and positions are written together, in order', async () => {
    const { broker, topic, send } = bench();
    const [input, one, two] = [await topic(), await topic({ partitions: 2 }), await topic({ cleanup: 'compact' })];
    const places = await send(numbered(input, 3));
    const group = name('group');
    const member = await joinGroup(broker, { group, topics: [input], delivery });
    const [consumer] = await member.owning(1);
    const records = [...numbered(one, 2, 0), ...numbered(one, 2, 1), { topic: two, key: 'row', value: text('1') }];
    await consumer!.write({ records, positions: new Map([[input, places[1]!.offset + 1]]) });
    await consumer!.write({ records: [{ topic: one, partition: 0, key: 'k', value: text('2') }] });
    await consumer!.write({ records: [], positions: new Map([[input, places[2]!.offset + 1]]) });
    await consumer!.write({ records: [] });
    expect(textOf(await readEnough(broker, 3, one, 0))).toEqual(numbers(3));
    expect(textOf(await readEnough(broker, 2, one, 1))).toEqual(numbers(2));
    expect(textOf(await readEnough(broker, 1, two))).toEqual(['1']);
    expect(await consumer!.committed()).toEqual(new Map([[input, places[2]!.offset + 1]]));
    await member.leave();
    const again = await joinGroup(broker, { group, topics: [input], delivery });
    expect(await (await again.owning(1))[0]!.committed()).toEqual(new Map([[input, places[2]!.offset + 1]]));
    await again.leave();
  });

  test('of a write that is refused nothing is seen, and its positions do not move; the next one is taken', async () => {
    const { broker, topic, send } = bench();
    const [input, output] = [await topic(), await topic({ maxRecordBytes: 1_000 })];
    const places = await send(numbered(input, 3));
    const member = await joinGroup(broker, { group: name('group'), topics: [input], delivery });
    const [consumer] = await member.owning(1);
    const positions = new Map([[input, places[2]!.offset + 1]]);
    const tooLarge = { topic: output, key: 'k', value: Buffer.alloc(2_000) };
    const written = consumer!.write({ records: [...numbered(output, 2), tooLarge], positions });
    await expect(written).rejects.toThrow('too large');
    expect(await readAll(broker, output)).toEqual([]);
    expect(await consumer!.committed()).toEqual(new Map([[input, null]]));
    await consumer!.write({ records: numbered(output, 2), positions });
    expect(textOf(await readEnough(broker, 2, output))).toEqual(numbers(2));
    expect(await consumer!.committed()).toEqual(positions);
    await member.leave();
  });

  test("an earlier owner's write is refused after a later owner's assignment, and none of its records is seen", async () => {
    const { broker, topic } = bench();
    const [input, output] = [await topic({ partitions: 2 }), await topic()];
    const group = name('group');
    const one = await joinGroup(broker, { group, topics: [input], delivery });
    const earlier = await one.owning(2);
    const two = await joinGroup(broker, { group, topics: [input], delivery });
    const [later] = await two.owning(1);
    const zombie = earlier.find(({ partition }) => partition === later!.partition)!;
    const records = [{ topic: output, key: 'k', value: text('zombie') }];
    const written = zombie.write({ records, positions: new Map([[input, 99]]) });
    await expect(written).rejects.toBeInstanceOf(StaleEpochError);
    expect(await later!.committed()).toEqual(new Map([[input, null]]));
    await later!.write({ records: [{ topic: output, key: 'k', value: text('owner') }] });
    expect(textOf(await readEnough(broker, 1, output))).toEqual(['owner']);
    await Promise.all([one.leave(), two.leave()]);
  });

  test('members come and go, and every input has exactly one output, in order', async () => {
    const { broker, topic, send } = bench();
    const [input, output] = [await topic({ partitions: 2 }), await topic({ partitions: 2 })];
    const group = name('group');
    const copying = { broker, group, input, output };
    const members = [await copier(copying)];
    const problems = () => members.flatMap(({ failures }) => failures);
    const total = 60;
    for (let sent = 0; sent < total; sent += 10) {
      for (const partition of [0, 1]) {
        const batch = numbers(10, sent).map((n) => ({ topic: input, partition, key: n, value: text(n) }));
        await send(batch);
      }
      if (sent === 10) members.push(await copier(copying));
      if (sent === 30) await members.shift()!.leave();
    }
    for (const partition of [0, 1]) {
      const copied = textOf(await readEnough(broker, total, output, partition, problems));
      expect(copied).toEqual(numbers(total));
    }
    await Promise.all(members.map((member) => member.leave()));
  });
}

/** All that a partition has, once there are so many records: what is committed is seen a moment later. */
async function readEnough(
  broker: Broker,
  count: number,
  topic: string,
  partition = 0,
  problems: () => readonly Error[] = () => [],
): Promise<LogRecord[]> {
  for (;;) {
    const records = await readAll(broker, topic, partition);
    expect(problems()).toEqual([]);
    if (records.length >= count) return records;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** Copies what it reads, each batch with its positions in one write. */
async function copier(of: { broker: Broker; group: string; input: string; output: string }) {
  const failures: Error[] = [];
  const copy = async (consumer: PartitionConsumer): Promise<void> => {
    for (;;) {
      const records = await consumer.poll({ maxRecords: 7, maxWaitMs: 1_000 });
      const last = records.at(-1);
      if (!last) continue;
      await consumer.write({
        records: records.map(({ key, value, partition }) => ({ topic: of.output, partition, key, value })),
        positions: new Map([[of.input, last.offset + 1]]),
      });
    }
  };
  const membership = await of.broker.join({
    group: of.group,
    topics: [of.input],
    startAt: 'earliest',
    delivery: 'exactly-once',
    onFailed: (error) => failures.push(error),
    onAssigned: onAdded((consumer) => {
      copy(consumer).catch((error) => error instanceof StaleEpochError || failures.push(error as Error));
    }),
  });
  return { failures, leave: () => membership.leave() };
}

function closeContract(bench: () => Bench): void {
  test('closing twice is closing once, and nothing works after it', async () => {
    const { broker, topic, send } = bench();
    const made = await topic();
    const member = await joinGroup(broker, { group: name('group'), topics: [made] });
    const [consumer] = await member.owning(1);
    const refused = expect(consumer!.poll({ maxRecords: 1, maxWaitMs: 600_000 })).rejects.toBeInstanceOf(
      StaleEpochError,
    );
    await broker.follow({ topic: made, startAt: 'earliest', onRecords: () => {}, onFailed: () => {} });
    await broker.close();
    await broker.close();
    await refused;
    await expect(send(numbered(made, 1))).rejects.toThrow('closed');
    await expect(broker.listTopics()).rejects.toThrow('closed');
    await expect(broker.offsets({ topic: made, partition: 0 })).rejects.toThrow('closed');
  });
}
