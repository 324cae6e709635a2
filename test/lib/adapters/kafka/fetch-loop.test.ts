import { type FetchCursor, FetchLoop } from '../../../../lib/adapters/kafka/fetch-loop';
import type { FetchedRecords } from '../../../../lib/adapters/kafka/fetched-records';
import type { FetchedMessage, FetchRequest, KafkaNode } from '../../../../lib/adapters/kafka/kafka-client';
import { PartitionReader } from '../../../../lib/adapters/kafka/partition-reader';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import { connectionError, fakeCluster, protocolError, silent } from './fake-cluster';

const message = (offset: number): FetchedMessage => ({
  offset: `${offset}`,
  timestamp: '0',
  key: null,
  value: Buffer.from(`${offset}`),
  headers: {},
  isControlRecord: false,
  batchContext: { firstOffset: `${offset}`, lastOffsetDelta: 0, producerId: '-1', inTransaction: false },
});

/** Partitions on a node that answers what it has, and holds a request for which it has nothing until something comes. */
function node() {
  const logs = new Map<string, { offsets: number[]; start: number; end: number }>();
  const requests: FetchRequest[] = [];
  const failures: Error[] = [];
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
          throw Object.assign(protocolError('OFFSET_OUT_OF_RANGE'), {
            name: 'KafkaJSOffsetOutOfRange',
            topic,
            partition,
          });
        }
        const full = starved.has(key) && request.topics.flatMap((asked) => asked.partitions).length > 1;
        const messages = full ? [] : log.offsets.filter((offset) => offset >= from).map(message);
        return { partition, highWatermark: `${log.end}`, messages };
      }),
    }));
  const fake: Partial<KafkaNode> = {
    async fetch(request) {
      requests.push(request);
      const failure = failures.shift();
      if (failure) throw failure;
      for (;;) {
        const responses = answer(request);
        const something = responses.some(({ partitions }) => partitions.some(({ messages }) => messages.length > 0));
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
    log(key: string, offsets: number[], range: { start?: number; end?: number } = {}) {
      logs.set(key, { offsets, start: range.start ?? 0, end: range.end ?? (offsets.at(-1) ?? -1) + 1 });
      arrived();
    },
  };
}

class Cursor implements FetchCursor {
  readonly taken: number[] = [];
  open = true;

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

function bench(cursors: Cursor[], leaders: Record<string, number[]> = { topic: [1, 1] }) {
  const clock = createVirtualClock();
  const [one, two] = [node(), node()];
  const cluster = fakeCluster({ clock, leaders, nodes: { 1: one.fake, 2: two.fake } });
  const failures: Error[] = [];
  const onFailed = (error: Error): void => void failures.push(error);
  const loop = new FetchLoop(cluster.session, cursors, { clock, log: silent, lingerMs: 0, onFailed });
  const until = (condition: () => boolean): Promise<void> => clock.runUntilIdle({ until: condition });
  return { clock, one, two, cluster, loop, failures, until };
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

  test('a partition that got nothing in a full answer is asked alone; a gap up to the end is passed', async () => {
    const cursors = [new Cursor('topic', 0), new Cursor('topic', 1)];
    const { one, loop, until } = bench(cursors);
    one.log('topic/0', []);
    one.log('topic/1', [0, 1]);
    one.starved.add('topic/1');
    loop.start();
    await until(() => cursors[1]!.taken.length === 2);
    one.starved.clear();
    // Compaction took 2 to 8: nothing to read, and the next to come is 9.
    one.log('topic/1', [], { end: 9 });
    await until(() => cursors[1]!.next === 9);
    one.log('topic/1', [9]);
    await until(() => cursors[1]!.taken.length === 3);
    expect(cursors[1]!.taken).toEqual([0, 1, 9]);
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
    expect(cluster.opened()).toBe(2);
    expect(failures).toEqual([]);
  });

  test('an offset that is gone is passed; one beyond the end of a shorter log goes back to its end', async () => {
    const cursors = [new Cursor('topic', 0, 2), new Cursor('topic', 1, 50)];
    const { one, loop, until } = bench(cursors);
    one.log('topic/0', [5, 6], { start: 5 });
    one.log('topic/1', [0], {});
    loop.start();
    await until(() => cursors[0]!.taken.length === 2 && cursors[1]!.next === 1);
    expect(cursors[0]!.taken).toEqual([5, 6]);
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
    const { one, cluster } = bench([]);
    const reader = new PartitionReader(cluster.session);
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
    one.fail(Object.assign(protocolError('OFFSET_OUT_OF_RANGE'), { name: 'KafkaJSOffsetOutOfRange', ...of }));
    expect(await read({ from: 0 })).toEqual([5]);
    expect(await reader.offsetAt(of, 5)).toBe(6);
  });

  test('a reader that stops half way leaves nothing behind', async () => {
    const { one, cluster } = bench([]);
    one.log('topic/0', [0, 1, 2, 3], { end: 9 });
    one.fail(...[]);
    for await (const chunk of new PartitionReader(cluster.session).read(
      { topic: 'topic', partition: 0 },
      { from: 0, maxRecords: 2 },
    )) {
      expect(chunk).toHaveLength(2);
      one.fail(protocolError('TOPIC_AUTHORIZATION_FAILED'));
      break;
    }
  });
});
