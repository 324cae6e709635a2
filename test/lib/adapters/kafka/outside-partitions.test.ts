import type { KafkaNode } from '../../../../lib/adapters/kafka/kafka-client';
import { OutsidePartitions } from '../../../../lib/adapters/kafka/outside-partitions';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import { type OutgoingRecord, TransientError } from '../../../../lib/ports/broker';
import { createLog } from '../../../../lib/telemetry/log';
import { createMetrics } from '../../../../lib/telemetry/metrics';
import { fakeCluster, unseen } from './fake-cluster';

/** Topic `a` and topic `b` have one partition more than agreed, with one record in each. */
function bench(failing: { startOf?: (topic: string) => void; send?: () => void; commit?: () => void } = {}) {
  const clock = createVirtualClock();
  const fake: Partial<KafkaNode> = {
    async fetch({ topics }) {
      const responses = topics.map(({ topic, partitions }) => ({
        topicName: topic,
        partitions: partitions.map(({ partition, fetchOffset }) => ({
          partition,
          highWatermark: '1',
          nextOffset: 1,
          messages:
            fetchOffset === '0'
              ? [
                  {
                    offset: 0,
                    timestamp: 0,
                    key: Buffer.from('key'),
                    value: Buffer.from(topic),
                    headers: {},
                    isControlRecord: false,
                    batchContext: { producerId: '-1', inTransaction: false },
                  },
                ]
              : [],
        })),
      }));
      const nothing = responses.every(({ partitions }) => partitions.every(({ messages }) => messages.length === 0));
      if (nothing) await new Promise<void>((resolve) => clock.setTimer(500, resolve));
      return { responses };
    },
  };
  const { connections } = fakeCluster({ clock, leaders: { a: [1, 1], b: [1, 1] }, nodes: { 1: fake } });
  const lines: string[] = [];
  const sent: OutgoingRecord[] = [];
  const committed: string[] = [];
  let live = true;
  const outside = new OutsidePartitions({
    group: 'group',
    topics: ['a', 'b'],
    agreed: 1,
    owned: [0],
    clock,
    log: createLog({ level: 'info', destination: { write: (line) => void lines.push(line) } }),
    metrics: createMetrics(),
    passedOver: unseen(),
    openConnections: () => connections,
    isLive: () => live,
    actualPartitions: async (topics) => new Map(topics.map((topic) => [topic, 2])),
    async startOf({ topic }) {
      failing.startOf?.(topic);
      return 0;
    },
    async send(records) {
      failing.send?.();
      sent.push(...records);
    },
    async commit({ topic, partition }, position) {
      failing.commit?.();
      committed.push(`${topic}[${partition}] ${position}`);
    },
  });
  const stop = async (): Promise<void> => {
    live = false;
    outside.stop();
  };
  return { clock, outside, lines, sent, committed, stop };
}

const times = (count: number): (() => void) => {
  let left = count;
  return () => {
    if (left-- > 0) throw new TransientError('not now');
  };
};

describe('partitions outside of the agreed ones', () => {
  test('every record goes to the partition of its key, and the position is committed', async () => {
    const { clock, outside, sent, committed, stop } = bench();
    outside.start();
    await clock.runUntilIdle({ until: () => committed.length === 2 });
    expect(sent.map(({ topic, partition, value }) => [topic, partition, `${value}`])).toEqual([
      ['a', 0, 'a'],
      ['b', 0, 'b'],
    ]);
    expect(committed).toEqual(['a[1] 1', 'b[1] 1']);
    await stop();
  });

  test('where the start of one cannot be asked for, all are looked for again', async () => {
    const once = times(1);
    const { clock, outside, committed, stop } = bench({ startOf: (topic) => topic === 'b' && once() });
    outside.start();
    await clock.runUntilIdle({ until: () => committed.length === 2 || clock.monotonicMs() > 60_000 });
    expect(committed).toEqual(['a[1] 1', 'b[1] 1']);
    await stop();
  });

  test('a record is not sent again because its position could not be committed', async () => {
    const { clock, outside, sent, committed, stop } = bench({ commit: times(3) });
    outside.start();
    await clock.runUntilIdle({ until: () => committed.length === 2 });
    expect(sent).toHaveLength(2);
    await stop();
  });

  test('records that cannot be forwarded for seconds are told of, once each', async () => {
    const { clock, outside, lines, committed, stop } = bench({ send: times(40) });
    outside.start();
    await clock.runUntilIdle({ until: () => committed.length === 2 });
    const told = lines.filter((line) => line.includes('cannot be forwarded'));
    expect(told.map((line) => JSON.parse(line).topic).sort()).toEqual(['a', 'b']);
    await stop();
  });
});
