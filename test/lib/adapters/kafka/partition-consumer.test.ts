import { type ConsumerEpoch, KafkaPartitionConsumer } from '../../../../lib/adapters/kafka/partition-consumer';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import { type LogRecord, StaleEpochError } from '../../../../lib/ports/broker';

function bench(topics: readonly string[] = ['one'], from = 0) {
  const clock = createVirtualClock();
  let live = true;
  let wakes = 0;
  const commits: [number, Map<string, number>][] = [];
  const sends: unknown[] = [];
  let failure: Error | null = null;
  const shared: ConsumerEpoch = {
    group: 'group',
    topics,
    epoch: 7,
    clock,
    isLive: () => live,
    wakeFetching: () => {
      wakes++;
    },
    send: async (records, refusal) => {
      sends.push(records);
      const refused = refusal();
      if (refused) throw refused;
      return records.map(({ partition }, at) => ({ partition: partition ?? 0, offset: 100 + at }));
    },
    commit: async (partition, positions) => {
      if (failure) throw failure;
      commits.push([partition, new Map(positions)]);
    },
  };
  const starts = new Map(topics.map((topic) => [topic, { committed: null as number | null, from }]));
  const consumer = new KafkaPartitionConsumer(shared, 2, starts);
  const cursor = (topic: string) => consumer.cursors.find((candidate) => candidate.topic === topic)!;
  return {
    clock,
    consumer,
    commits,
    sends,
    wakes: () => wakes,
    expire: () => {
      live = false;
    },
    failCommits: (error: Error) => {
      failure = error;
    },
    wanted: (topic: string) => cursor(topic).wanted(),
    lag: (topic: string) => cursor(topic).lag,
    /** Hands over `count` records from the offset that is wanted. */
    fetch(topic: string, count: number, options: { valueBytes?: number; gap?: number; from?: number } = {}) {
      const first = options.from ?? cursor(topic).wanted()!;
      const records = Array.from({ length: count }, (_, i) => recordOf(topic, first + i, options.valueBytes ?? 1));
      const next = first + count + (options.gap ?? 0);
      cursor(topic).take(first, { records, next, end: next, unreadable: [] });
    },
  };
}

const recordOf = (topic: string, offset: number, bytes: number): LogRecord => ({
  topic,
  partition: 2,
  offset,
  timestampMs: 0,
  key: null,
  value: Buffer.alloc(bytes),
  headers: {},
});
const offsetsOf = (records: readonly LogRecord[]): string[] => records.map(({ topic, offset }) => `${topic}${offset}`);
const now = { maxRecords: 10, maxWaitMs: 0 };

describe('the consumer of one partition', () => {
  test('nothing is fetched before the first poll, and only topics that were asked for', async () => {
    const { consumer, wanted, wakes } = bench(['one', 'two'], 5);
    expect([wanted('one'), wanted('two')]).toEqual([null, null]);
    expect(await consumer.poll({ ...now, topics: ['two'] })).toEqual([]);
    expect([wanted('one'), wanted('two')]).toEqual([null, 5]);
    expect(wakes()).toBe(1);
    await consumer.poll(now);
    expect(wanted('one')).toBe(5);
  });

  test('a poll that waits gets everything of one answer, also of several topics', async () => {
    const { consumer, fetch } = bench(['one', 'two']);
    const polled = consumer.poll({ maxRecords: 10, maxWaitMs: 1_000 });
    fetch('one', 2);
    fetch('two', 2);
    expect(offsetsOf(await polled).sort()).toEqual(['one0', 'one1', 'two0', 'two1']);
  });

  test('a poll takes as much as it may when there is so much, over several fetches and topics', async () => {
    const { consumer, fetch } = bench(['one', 'two']);
    await consumer.poll(now);
    for (let i = 0; i < 3; i++) fetch('one', 4);
    expect(offsetsOf(await consumer.poll(now))).toEqual(Array.from({ length: 10 }, (_, i) => `one${i}`));
    fetch('two', 20);
    const mixed = offsetsOf(await consumer.poll(now));
    expect(mixed).toHaveLength(10);
    expect(mixed.filter((record) => record.startsWith('one'))).toEqual(['one10', 'one11']);
    expect(mixed.filter((record) => record.startsWith('two'))).toEqual(Array.from({ length: 8 }, (_, i) => `two${i}`));
    expect(await consumer.poll({ ...now, maxRecords: 100 })).toHaveLength(12);
  });

  test('fetching pauses when too much waits, in records or bytes, and goes on when half is gone', async () => {
    const { consumer, fetch, wanted, wakes } = bench();
    await consumer.poll(now);
    fetch('one', 1_200);
    expect(wanted('one')).toBeNull();
    const before = wakes();
    await consumer.poll({ ...now, maxRecords: 600 });
    expect(wakes()).toBe(before);
    await consumer.poll({ ...now, maxRecords: 200 });
    expect(wakes()).toBe(before + 1);
    expect(wanted('one')).toBe(1_200);

    const heavy = bench();
    await heavy.consumer.poll(now);
    heavy.fetch('one', 3, { valueBytes: 1_000_000 });
    expect(heavy.wanted('one')).toBeNull();
    await heavy.consumer.poll(now);
    expect(heavy.wanted('one')).toBe(3);
  });

  test('after a seek, neither what waits nor what is on its way is handed out', async () => {
    const { consumer, fetch, wanted, lag } = bench();
    await consumer.poll(now);
    fetch('one', 5);
    expect(lag('one')).toBe(5);
    consumer.seek('one', 100);
    fetch('one', 5, { from: 5 });
    expect(await consumer.poll(now)).toEqual([]);
    expect(wanted('one')).toBe(100);
    fetch('one', 1);
    expect(offsetsOf(await consumer.poll(now))).toEqual(['one100']);
  });

  test('a gap moves the position without records', async () => {
    const { consumer, fetch, wanted, lag } = bench();
    await consumer.poll(now);
    fetch('one', 0, { gap: 7 });
    expect(wanted('one')).toBe(7);
    expect(lag('one')).toBe(0);
    expect(await consumer.poll(now)).toEqual([]);
  });

  test('a poll ends when its time is up, when it is woken, and when the epoch passes', async () => {
    const { consumer, clock } = bench();
    const timed = consumer.poll({ maxRecords: 1, maxWaitMs: 50 });
    await expect(consumer.poll(now)).rejects.toThrow('outstanding');
    await clock.advanceBy(50);
    expect(await timed).toEqual([]);
    const woken = consumer.poll({ maxRecords: 1, maxWaitMs: 50 });
    consumer.wake();
    expect(await woken).toEqual([]);
    consumer.wake();
    const stale = consumer.poll({ maxRecords: 1, maxWaitMs: 50 });
    consumer.becomeStale();
    consumer.becomeStale();
    await expect(stale).rejects.toBeInstanceOf(StaleEpochError);
    expect(clock.nextTimerAt()).toBeNull();
  });

  test('an epoch that has expired is stale before anybody says so', async () => {
    const { consumer, expire } = bench();
    expire();
    expect(consumer.isStale()).toBe(true);
    await expect(consumer.poll(now)).rejects.toBeInstanceOf(StaleEpochError);
    await expect(consumer.write({ records: [] })).rejects.toBeInstanceOf(StaleEpochError);
  });

  test('records go before positions; a committed position is remembered', async () => {
    const { consumer, commits, sends } = bench(['one', 'two']);
    await consumer.write({ records: [{ topic: 'out', key: null, value: null }], positions: new Map([['one', 3]]) });
    expect(sends).toHaveLength(1);
    expect(commits).toEqual([[2, new Map([['one', 3]])]]);
    expect(await consumer.committed()).toEqual(
      new Map([
        ['one', 3],
        ['two', null],
      ]),
    );
    await consumer.write({ records: [], positions: new Map() });
    expect(commits).toHaveLength(1);
  });

  test('a commit that fails because the epoch has passed says so; another failure is told as it is', async () => {
    const { consumer, failCommits, expire } = bench();
    failCommits(new Error('no quota'));
    await expect(consumer.write({ records: [], positions: new Map([['one', 3]]) })).rejects.toThrow('no quota');
    const late = consumer.write({ records: [], positions: new Map([['one', 3]]) });
    expire();
    await expect(late).rejects.toBeInstanceOf(StaleEpochError);
    expect((await bench().consumer.committed()).get('one')).toBeNull();
  });

  test('records are refused when the epoch passes while they wait to be sent', async () => {
    const { consumer, expire, commits } = bench();
    const written = consumer.write({
      records: [{ topic: 'out', key: null, value: null }],
      positions: new Map([['one', 1]]),
    });
    expire();
    await expect(written).rejects.toBeInstanceOf(StaleEpochError);
    expect(commits).toEqual([]);
  });
});

test('rows are sent once everything else is acknowledged: a row says that what it was made from is done', async () => {
  const sends: { readonly keys: readonly (string | null)[]; readonly acknowledge: () => void }[] = [];
  const commits: number[] = [];
  const shared: ConsumerEpoch = {
    group: 'group',
    topics: ['one'],
    epoch: 7,
    clock: createVirtualClock(),
    isLive: () => true,
    wakeFetching: () => {},
    send: (records) =>
      new Promise((resolve) => sends.push({ keys: records.map(({ key }) => key), acknowledge: () => resolve([]) })),
    commit: async (partition) => void commits.push(partition),
  };
  const consumer = new KafkaPartitionConsumer(shared, 2, new Map([['one', { committed: null, from: 0 }]]));
  const record = (topic: string, key: string) => ({ topic, key, value: Buffer.from(key) });
  const written = consumer.write({
    records: [record('out', 'a')],
    rows: [record('table', 'b')],
    positions: new Map([['one', 1]]),
  });
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  await turn();
  expect([sends.map(({ keys }) => keys), commits]).toEqual([[['a']], []]);
  sends[0]!.acknowledge();
  await turn();
  expect([sends.map(({ keys }) => keys), commits]).toEqual([[['a'], ['b']], []]);
  sends[1]!.acknowledge();
  await written;
  expect(commits).toEqual([2]);
});

test('it knows how far it has written its own partition of a topic, by what was acknowledged', async () => {
  const { consumer, expire } = bench();
  const record = (partition: number, topic = 'out') => ({ topic, partition, key: 'a', value: Buffer.from('a') });
  expect(consumer.writtenUpTo('out')).toBeNull();
  // Offsets begin at 100; the third is in another partition.
  await consumer.write({ records: [record(2), record(2), record(1)], rows: [record(2, 'table')] });
  expect([consumer.writtenUpTo('out'), consumer.writtenUpTo('table')]).toEqual([102, 101]);
  // A try that arrived late does not take it back.
  await consumer.write({ records: [record(2)] });
  expect(consumer.writtenUpTo('out')).toBe(102);
  expire();
  await expect(consumer.write({ records: [record(2)] })).rejects.toThrow(StaleEpochError);
  expect(consumer.writtenUpTo('out')).toBe(102);
});

test('what the first poll leaves out is left out until it is polled', async () => {
  const { consumer } = bench(['one', 'two', 'three']);
  const leftOut = () => consumer.cursors.filter((cursor) => cursor.leftOut).map(({ topic }) => topic);
  expect(leftOut()).toEqual([]);
  await consumer.poll({ maxRecords: 10, maxWaitMs: 0, topics: ['one'] });
  expect(leftOut()).toEqual(['two', 'three']);
  await consumer.poll({ maxRecords: 10, maxWaitMs: 0, topics: ['one', 'three'] });
  expect(leftOut()).toEqual(['two']);
  // A pause is none: what was polled before is wanted again soon.
  await consumer.poll({ maxRecords: 10, maxWaitMs: 0, topics: ['three'] });
  expect(leftOut()).toEqual(['two']);
});
