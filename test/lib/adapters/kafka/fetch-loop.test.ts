import { type FetchCursor, FetchLoop } from '../../../../lib/adapters/kafka/fetch-loop';
import type { FetchRequest, KafkaNode } from '../../../../lib/adapters/kafka/kafka-client';
import { PartitionReader } from '../../../../lib/adapters/kafka/partition-reader';
import { PassedOver } from '../../../../lib/adapters/kafka/passed-over';
import type { FetchedMessage, UnreadableBatch } from '../../../../lib/adapters/kafka/wire/fetched-data';
import type { FetchedRecords } from '../../../../lib/adapters/kafka/wire/fetched-records';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import { createLog } from '../../../../lib/telemetry/log';
import { createMetrics } from '../../../../lib/telemetry/metrics';
import { connectionError, fakeCluster, protocolError, unseen } from './fake-cluster';

const message = (offset: number): FetchedMessage => ({
  offset,
  timestamp: 0,
  key: null,
  value: Buffer.from(`${offset}`),
  headers: {},
  isControlRecord: false,
  batchContext: { producerId: '-1', inTransaction: false },
});

/** Partitions on a node that answers what it has, and holds a request for which it has nothing until something comes. */
function node() {
  const logs = new Map<string, { offsets: number[]; start: number; end: number }>();
  const requests: FetchRequest[] = [];
  const failures: Error[] = [];
  const refused = new Map<string, Error>();
  const damaged = new Map<string, UnreadableBatch>();
  let always: Error | null = null;
  let slowed = 0;
  let arrived = (): void => {};
  /** Gives nothing for these while others are asked for too, as when an answer is full. */
  const starved = new Set<string>();
  const answer = (request: FetchRequest) =>
    request.topics.map(({ topic, partitions }) => ({
      topicName: topic,
      partitions: partitions.map(({ partition, fetchOffset }) => {
        const key = `${topic}/${partition}`;
        const log = logs.get(key)!;
        const from = Number(fetchOffset);
        if (from < log.start || from > log.end) {
          return { partition, highWatermark: `${log.end}`, messages: [], error: protocolError('OFFSET_OUT_OF_RANGE') };
        }
        const error = refused.get(key);
        if (error) return { partition, highWatermark: `${log.end}`, messages: [], error };
        const unreadable = damaged.get(key);
        const full = starved.has(key) && request.topics.flatMap((asked) => asked.partitions).length > 1;
        const messages = full ? [] : log.offsets.filter((offset) => offset >= from).map(message);
        const last = messages.at(-1);
        return {
          partition,
          highWatermark: `${log.end}`,
          messages,
          nextOffset: last ? last.offset + 1 : null,
          ...(unreadable && unreadable.lastOffset >= from && { unreadable: [unreadable] }),
        };
      }),
    }));
  const fake: Partial<KafkaNode> = {
    async fetch(request) {
      requests.push(request);
      const failure = failures.shift() ?? always;
      if (failure) throw failure;
      if (slowed > 0) {
        slowed--;
        return { responses: [] };
      }
      for (;;) {
        const responses = answer(request);
        const something = responses.some(({ partitions }) =>
          partitions.some(({ messages, error }) => messages.length > 0 || error !== undefined),
        );
        const gap = request.topics.some(({ topic, partitions }) =>
          partitions.some(({ partition, fetchOffset }) => Number(fetchOffset) < logs.get(`${topic}/${partition}`)!.end),
        );
        if (something || gap) return { responses };
        await new Promise<void>((resolve) => {
          arrived = resolve;
        });
      }
    },
    listOffsets: async ({ topics }) => ({
      responses: topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map(({ partition, timestamp }) => {
          const log = logs.get(`${topic}/${partition}`)!;
          return { partition, offset: `${timestamp === -2 ? log.start : timestamp === -1 ? log.end : -1}` };
        }),
      })),
    }),
  };
  return {
    fake,
    requests,
    starved,
    fail: (...errors: Error[]) => void failures.push(...errors),
    failAlways: (error: Error | null) => {
      always = error;
    },
    refusePartition: (key: string, error: Error) => void refused.set(key, error),
    damage: (key: string, batch: UnreadableBatch) => void damaged.set(key, batch),
    /** The next answers come without partitions. */
    slowDown: (answers: number) => {
      slowed = answers;
    },
    log(key: string, offsets: number[], range: { start?: number; end?: number } = {}) {
      logs.set(key, { offsets, start: range.start ?? 0, end: range.end ?? (offsets.at(-1) ?? -1) + 1 });
      arrived();
    },
  };
}

class Cursor implements FetchCursor {
  readonly taken: number[] = [];
  open = true;
  leftOut = false;

  constructor(
    readonly topic: string,
    readonly partition: number,
    public next = 0,
  ) {}

  wanted(): number | null {
    return this.open ? this.next : null;
  }

  take(from: number, fetched: FetchedRecords): void {
    if (from !== this.next) return;
    this.taken.push(...fetched.records.map(({ offset }) => offset));
    this.next = fetched.next;
  }
}

function bench(
  cursors: Cursor[],
  leaders: Record<string, number[]> = { topic: [1, 1] },
  lingerMs: number | (() => number) = 0,
  maxGapMs = 0,
) {
  const clock = createVirtualClock();
  const [one, two] = [node(), node()];
  const cluster = fakeCluster({ clock, leaders, nodes: { 1: one.fake, 2: two.fake } });
  const lines: string[] = [];
  const log = createLog({ level: 'info', destination: { write: (line) => void lines.push(line) } });
  const metrics = createMetrics();
  const failures: Error[] = [];
  const onFailed = (error: Error): void => void failures.push(error);
  const loop = new FetchLoop(cluster.connections, cursors, {
    clock,
    log,
    passedOver: new PassedOver(log, metrics),
    lingerMs,
    maxGapMs,
    onFailed,
  });
  const until = (condition: () => boolean): Promise<void> => clock.runUntilIdle({ until: condition });
  return { clock, one, two, cluster, loop, failures, until, lines, metrics };
}

describe('the fetch loop', () => {
  test('partitions of several nodes are read side by side, each from where it wants', async () => {
    const cursors = [new Cursor('topic', 0), new Cursor('topic', 1, 3)];
    const { one, two, loop, until } = bench(cursors, { topic: [1, 2] });
    one.log('topic/0', [0, 1]);
    two.log('topic/1', [0, 1, 2, 3, 4]);
    loop.start();
    await until(() => cursors.every(({ taken }) => taken.length === 2));
    expect(cursors.map(({ taken }) => taken)).toEqual([
      [0, 1],
      [3, 4],
    ]);
    one.log('topic/0', [0, 1, 2]);
    await until(() => cursors[0]!.taken.length === 3);
    loop.stop();
    two.log('topic/1', [5]);
    expect(cursors[1]!.taken).toEqual([3, 4]);
  });

  test('it waits long only when everything is asked for, and rests while nothing is', async () => {
    const cursors = [new Cursor('topic', 0), new Cursor('topic', 1)];
    const { one, loop, until } = bench(cursors);
    one.log('topic/0', [0]);
    one.log('topic/1', []);
    cursors[1]!.open = false;
    loop.start();
    await until(() => cursors[0]!.taken.length === 1);
    await until(() => one.requests.length === 2);
    const [short] = one.requests;
    cursors[0]!.open = false;
    one.log('topic/0', [0, 1]);
    await until(() => cursors[0]!.taken.length === 2);
    const asked = one.requests.length;
    one.log('topic/0', [0, 1, 2]);
    await until(() => false);
    expect(one.requests).toHaveLength(asked);
    for (const cursor of cursors) cursor.open = true;
    loop.wake();
    await until(() => cursors[0]!.taken.length === 3);
    expect(one.requests[asked]!.maxWaitTime).toBeGreaterThan(short!.maxWaitTime);
  });

  test('what comes one by one is asked for at once while it is little, and several together once it is much', async () => {
    const cursor = new Cursor('topic', 0);
    const { one, loop, until, clock } = bench([cursor], { topic: [1] }, 0, 20);
    one.log('topic/0', []);
    loop.start();
    const offsets: number[] = [];
    const comes = (): void => one.log('topic/0', [...offsets, offsets.push(offsets.length) - 1]);
    for (let i = 0; i < 3; i++) {
      await clock.advanceBy(500);
      comes();
      await until(() => cursor.taken.length === offsets.length);
    }
    // The next one is out already.
    expect(one.requests).toHaveLength(offsets.length + 1);
    for (let i = 0; i < 300; i++) {
      await clock.advanceBy(2);
      comes();
    }
    await clock.advanceBy(100);
    expect(cursor.taken).toHaveLength(offsets.length);
    expect(one.requests.length).toBeLessThan(offsets.length / 3);
    loop.stop();
  });

  test('what nobody polls shortens no wait', async () => {
    const cursors = [new Cursor('topic', 0), new Cursor('topic', 1)];
    const { one, loop, until } = bench(cursors);
    one.log('topic/0', []);
    one.log('topic/1', []);
    cursors[1]!.open = false;
    loop.start();
    await until(() => one.requests.length === 1);
    cursors[1]!.leftOut = true;
    one.log('topic/0', [0]);
    await until(() => one.requests.length === 2);
    const [soon, later] = one.requests;
    expect(later!.maxWaitTime).toBeGreaterThan(soon!.maxWaitTime);
    loop.stop();
  });

  test('what may come later is asked for later, and at once when somebody hurries', async () => {
    const cursor = new Cursor('topic', 0);
    let lingerMs = 100;
    const { one, loop, until, clock } = bench([cursor], { topic: [1] }, () => lingerMs);
    one.log('topic/0', [0]);
    loop.start();
    await until(() => cursor.taken.length === 1);
    one.log('topic/0', [0, 1]);
    await clock.advanceBy(50);
    expect(one.requests).toHaveLength(1);
    loop.wake();
    await clock.advanceBy(0);
    expect(cursor.taken).toEqual([0, 1]);
    one.log('topic/0', [0, 1, 2]);
    await clock.advanceBy(99);
    expect(cursor.taken).toEqual([0, 1]);
    lingerMs = 0;
    await clock.advanceBy(1);
    expect(cursor.taken).toEqual([0, 1, 2]);
    one.log('topic/0', [0, 1, 2, 3]);
    await clock.advanceBy(0);
    expect(cursor.taken).toEqual([0, 1, 2, 3]);
    loop.stop();
  });

  test('a hint that suits a log inside the process is stretched: requests for few records cost what those for many cost', async () => {
    const cursor = new Cursor('topic', 0);
    const { one, loop, until, clock } = bench([cursor], { topic: [1] }, 20);
    one.log('topic/0', [0]);
    loop.start();
    await until(() => cursor.taken.length === 1);
    one.log('topic/0', [0, 1]);
    await clock.advanceBy(99);
    expect(one.requests).toHaveLength(1);
    await clock.advanceBy(1);
    expect(cursor.taken).toEqual([0, 1]);
    loop.stop();
  });

  test('a partition that got nothing in a full answer is asked alone; a gap up to the end is passed', async () => {
    const cursors = [new Cursor('topic', 0), new Cursor('topic', 1)];
    const { one, loop, until, lines, metrics } = bench(cursors);
    one.log('topic/0', []);
    one.log('topic/1', [0, 1]);
    one.starved.add('topic/1');
    loop.start();
    await until(() => cursors[1]!.taken.length === 2);
    expect(lines.filter((line) => line.includes('gives nothing'))).toEqual([]);
    one.starved.clear();
    // Compaction took 2 to 8: nothing to read, and the next to come is 9.
    one.log('topic/1', [], { end: 9 });
    await until(() => cursors[1]!.next === 9);
    one.log('topic/1', [9]);
    await until(() => cursors[1]!.taken.length === 3);
    expect(cursors[1]!.taken).toEqual([0, 1, 9]);
    // What it has not read it tells of: behind a damaged length Kafka finds nothing either.
    const labels = { topic: 'topic', cause: 'gap' };
    expect(await metrics.value('quantum_router_kafka_skipped_records_total', labels)).toBe(7);
    expect(lines.filter((line) => line.includes('gives nothing'))).toHaveLength(1);
  });

  test('one that fails when it is asked alone holds up no others', async () => {
    const cursors = [new Cursor('topic', 0), new Cursor('topic', 1)];
    const { one, clock, loop, until } = bench(cursors);
    one.log('topic/0', []);
    one.log('topic/1', [0, 1]);
    one.starved.add('topic/1');
    const fetch = one.fake.fetch!;
    one.fake.fetch = (request) => {
      const alone = request.topics.flatMap(({ partitions }) => partitions).length === 1;
      if (alone) one.refusePartition('topic/1', protocolError('UNKNOWN_SERVER_ERROR', true));
      return fetch(request);
    };
    loop.start();
    await until(() => one.requests.length > 1);
    one.log('topic/0', [0, 1, 2]);
    await until(() => cursors[0]!.taken.length === 3 || clock.monotonicMs() > 30_000);
    expect(cursors[0]!.taken).toEqual([0, 1, 2]);
    loop.stop();
  });

  test('after lost connections and moved leaders it goes on where it was', async () => {
    const cursors = [new Cursor('topic', 0)];
    const { one, two, loop, cluster, until, failures } = bench(cursors, { topic: [1] });
    one.log('topic/0', [0]);
    two.log('topic/0', [0, 1]);
    one.fail(connectionError(), protocolError('GROUP_LOAD_IN_PROGRESS', true));
    loop.start();
    await until(() => cursors[0]!.taken.length === 1);
    cluster.onRefresh(() => cluster.leaders.set('topic', [2]));
    one.fail(protocolError('NOT_LEADER_FOR_PARTITION', true));
    cursors[0]!.open = true;
    one.log('topic/0', [0, 1]);
    await until(() => cursors[0]!.taken.length >= 2);
    expect(cursors[0]!.taken.slice(0, 2)).toEqual([0, 1]);
    expect(cluster.opened()).toBe(1);
    expect(failures).toEqual([]);
  });

  test('offsets that are gone are passed and counted; a log that is shorter than it was is read from its start', async () => {
    const cursors = [new Cursor('topic', 0, 2), new Cursor('topic', 1, 50)];
    const { one, loop, until, lines, metrics } = bench(cursors);
    one.log('topic/0', [5, 6], { start: 5 });
    one.log('topic/1', [3, 4], { start: 3 });
    loop.start();
    await until(() => cursors.every(({ taken }) => taken.length === 2));
    expect(cursors.map(({ taken }) => taken)).toEqual([
      [5, 6],
      [3, 4],
    ]);
    const skipped = (cause: string) =>
      metrics.value('quantum_router_kafka_skipped_records_total', { topic: 'topic', cause });
    expect([await skipped('retention'), await skipped('shorter_log')]).toEqual([3, 45]);
    expect(lines.filter((line) => line.includes('made anew or truncated'))).toHaveLength(1);
  });

  test('a new leader that does not know yet how long its log is does not send readers back to the start', async () => {
    const cursors = [new Cursor('topic', 0, 5)];
    const { one, loop, until, cluster, metrics } = bench(cursors, { topic: [1] });
    one.log('topic/0', [0, 1, 2, 3]);
    cluster.onRefresh(() => one.log('topic/0', [0, 1, 2, 3, 4, 5]));
    loop.start();
    await until(() => cursors[0]!.taken.length > 0);
    expect(cursors[0]!.taken).toEqual([5]);
    const labels = { topic: 'topic', cause: 'shorter_log' };
    expect(await metrics.value('quantum_router_kafka_skipped_records_total', labels)).toBe(0);
  });

  test('a node that does not answer holds up what it leads and nothing else; after a while that is told, once', async () => {
    const cursors = [new Cursor('topic', 0), new Cursor('topic', 1)];
    const { clock, one, two, loop, until, lines } = bench(cursors, { topic: [1, 2] });
    one.log('topic/0', [0]);
    two.log('topic/1', [0]);
    one.failAlways(connectionError());
    loop.start();
    await until(() => cursors[1]!.taken.length === 1);
    const startMs = clock.monotonicMs();
    for (let end = 2; end < 20; end++) {
      two.log(
        'topic/1',
        Array.from({ length: end }, (_, offset) => offset),
      );
      await until(() => cursors[1]!.taken.length === end);
    }
    // No time has passed for the living one.
    expect(clock.monotonicMs() - startMs).toBeLessThan(100);
    let past = false;
    clock.setTimer(30_000, () => {
      past = true;
    });
    await until(() => past);
    expect(lines.filter((line) => line.includes('a partition cannot be read'))).toHaveLength(1);
    one.failAlways(null);
    await until(() => cursors[0]!.taken.length === 1);
    await until(() => lines.some((line) => line.includes('can be read again')));
  });

  test('an error of one partition is mended for that one; the others of its node are handed over', async () => {
    const cursors = [new Cursor('topic', 0), new Cursor('topic', 1)];
    const { one, two, loop, until, cluster } = bench(cursors);
    one.log('topic/0', [0]);
    one.log('topic/1', [0]);
    two.log('topic/1', [0, 1]);
    one.refusePartition('topic/1', protocolError('NOT_LEADER_FOR_PARTITION', true));
    loop.start();
    await until(() => cursors[0]!.taken.length === 1);
    cluster.onRefresh(() => cluster.leaders.set('topic', [1, 2]));
    await until(() => cursors[1]!.taken.length === 2);
    expect(cluster.opened()).toBe(1);
  });

  test('an answer without partitions, as a client gets that is slowed down, is no error', async () => {
    const cursors = [new Cursor('topic', 0)];
    const { one, loop, until, failures, cluster } = bench(cursors, { topic: [1] });
    one.log('topic/0', [0, 1]);
    one.slowDown(3);
    loop.start();
    await until(() => cursors[0]!.taken.length === 2);
    expect(failures).toEqual([]);
    one.slowDown(3);
    expect(await new PartitionReader(cluster.connections, unseen()).offsets({ topic: 'topic', partition: 0 })).toEqual({
      earliest: 0,
      end: 2,
    });
    const read: number[] = [];
    for await (const chunk of new PartitionReader(cluster.connections, unseen()).read(
      { topic: 'topic', partition: 0 },
      { from: 0 },
    )) {
      read.push(...chunk.map(({ offset }) => offset));
    }
    expect(read).toEqual([0, 1]);
  });

  test('a batch that nobody can read is passed over, named and counted', async () => {
    const cursors = [new Cursor('topic', 0)];
    const { one, loop, until, lines, metrics } = bench(cursors, { topic: [1] });
    one.log('topic/0', [7, 8]);
    one.damage('topic/0', { firstOffset: 2, lastOffset: 6, reason: 'its checksum is wrong' });
    loop.start();
    await until(() => cursors[0]!.taken.length === 2);
    expect(await metrics.value('quantum_router_kafka_unreadable_records_total', { topic: 'topic' })).toBe(5);
    const told = lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg.includes('put aside'));
    expect(told).toHaveLength(1);
    expect(told[0]).toMatchObject({ topic: 'topic', partition: 0, firstOffset: 2, lastOffset: 6, level: 'error' });
  });

  test('what cannot be mended ends it, and is told', async () => {
    const cursors = [new Cursor('topic', 0)];
    const { one, loop, until, failures } = bench(cursors);
    one.log('topic/0', [0]);
    one.fail(protocolError('TOPIC_AUTHORIZATION_FAILED'));
    loop.start();
    await until(() => failures.length > 0);
    expect(failures[0]!.message).toContain('reading topic failed: Kafka says TOPIC_AUTHORIZATION_FAILED');
    expect(cursors[0]!.taken).toEqual([]);
    await loop.ended();
  });
});

describe('reading a range', () => {
  test('ends at the end, also when compaction has left nothing there, and passes what is gone meanwhile', async () => {
    const { one, cluster, until } = bench([]);
    const reader = new PartitionReader(cluster.connections, unseen());
    const of = { topic: 'topic', partition: 0 };
    const read = async (range: { from: number; to?: number }): Promise<number[]> => {
      const offsets: number[] = [];
      for await (const chunk of reader.read(of, range)) offsets.push(...chunk.map(({ offset }) => offset));
      return offsets;
    };
    one.log('topic/0', [0, 3], { end: 9 });
    expect(await read({ from: 0 })).toEqual([0, 3]);
    expect(await read({ from: 4 })).toEqual([]);
    expect(await read({ from: 0, to: 3 })).toEqual([0]);
    one.log('topic/0', [4, 5], { start: 4 });
    one.fail(protocolError('OFFSET_OUT_OF_RANGE'));
    let read4: number[] | null = null;
    void read({ from: 0 }).then((offsets) => {
      read4 = offsets;
    });
    await until(() => read4 !== null);
    // Refused once though it is there: nothing is skipped for that.
    expect(read4).toEqual([4, 5]);
    expect(await reader.offsetAt(of, 5)).toBe(6);
  });

  test('a reader that stops half way leaves nothing behind', async () => {
    const { one, cluster } = bench([]);
    one.log('topic/0', [0, 1, 2, 3], { end: 9 });
    one.fail(...[]);
    for await (const chunk of new PartitionReader(cluster.connections, unseen()).read(
      { topic: 'topic', partition: 0 },
      { from: 0, maxRecords: 2 },
    )) {
      expect(chunk).toHaveLength(2);
      one.fail(protocolError('TOPIC_AUTHORIZATION_FAILED'));
      break;
    }
  });
});
