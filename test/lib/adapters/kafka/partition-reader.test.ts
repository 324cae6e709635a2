import type { KafkaNode } from '../../../../lib/adapters/kafka/kafka-client';
import { PartitionReader } from '../../../../lib/adapters/kafka/partition-reader';
import type { FetchedMessage } from '../../../../lib/adapters/kafka/wire/fetched-data';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import { TransientError } from '../../../../lib/ports/broker';
import { fakeCluster, unseen } from './fake-cluster';

const of = { topic: 'topic', partition: 0 };
const message = (offset: number): FetchedMessage => ({
  ...{ offset, timestamp: 0, key: null, value: Buffer.from(`${offset}`), headers: {}, isControlRecord: false },
  batchContext: { producerId: '-1', inTransaction: false },
});

/** Two nodes with one log, as far as each of them knows of it; both answer at once. */
function bench(ends: Record<1 | 2, number>) {
  const clock = createVirtualClock();
  const asked: string[] = [];
  const node = (id: 1 | 2): Partial<KafkaNode> => ({
    async fetch({ topics }) {
      const from = Number(topics[0]!.partitions[0]!.fetchOffset);
      asked.push(`${id} from ${from}`);
      const messages = Array.from({ length: Math.max(0, ends[id] - from) }, (_, i) => message(from + i));
      const nextOffset = messages.length > 0 ? ends[id] : null;
      const data = { partition: 0, highWatermark: `${ends[id]}`, messages, nextOffset };
      return { responses: [{ topicName: 'topic', partitions: [data] }] };
    },
    async listOffsets({ topics }) {
      const isEnd = topics[0]!.partitions[0]!.timestamp === -1;
      return { responses: [{ topic: 'topic', partitions: [{ partition: 0, offset: isEnd ? `${ends[id]}` : '0' }] }] };
    },
  });
  const cluster = fakeCluster({ clock, leaders: { topic: [1] }, nodes: { 1: node(1), 2: node(2) } });
  const reader = new PartitionReader(cluster.connections, unseen());
  const read: number[] = [];
  const readTo = async (to: number): Promise<void> => {
    for await (const records of reader.read(of, { from: 0, to })) read.push(...records.map(({ offset }) => offset));
  };
  return { clock, cluster, reader, ends, asked, read, readTo };
}

test('an end that was seen is read to, also where a new leader learns of it only by and by', async () => {
  const { clock, cluster, reader, ends, read, readTo } = bench({ 1: 5, 2: 3 });
  const { end } = await reader.offsets(of);
  cluster.leaders.set('topic', [2]);
  let hasEnded = false;
  const reading = readTo(end).then(() => {
    hasEnded = true;
  });
  await clock.advanceBy(5_000);
  expect([read, hasEnded]).toEqual([[0, 1, 2], false]);
  ends[2] = 5;
  await clock.advanceBy(5_000);
  await reading;
  expect(read).toEqual([0, 1, 2, 3, 4]);
});

test('where it never does, that is an error and no end', async () => {
  const { clock, cluster, reader, read, readTo } = bench({ 1: 5, 2: 3 });
  const { end } = await reader.offsets(of);
  cluster.leaders.set('topic', [2]);
  const failed = expect(readTo(end)).rejects.toThrow(TransientError);
  await clock.advanceBy(60_000);
  await failed;
  expect(read).toEqual([0, 1, 2]);
});

test('a range that lies before the end is read in one go and ends there', async () => {
  const { asked, read, readTo } = bench({ 1: 5, 2: 5 });
  await readTo(4);
  expect([read, asked]).toEqual([[0, 1, 2, 3], ['1 from 0']]);
});
