import { IdempotentDelivery } from '../../../../lib/adapters/kafka/idempotent-delivery';
import type { KafkaNode } from '../../../../lib/adapters/kafka/kafka-client';
import type { PlacedRecord } from '../../../../lib/adapters/kafka/record-batcher';
import { RecordTimes } from '../../../../lib/adapters/kafka/wire/record-times';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import { TransientError } from '../../../../lib/ports/broker';
import { createLog } from '../../../../lib/telemetry/log';
import { connectionError, fakeCluster, protocolError } from './fake-cluster';

type Fault = 'lose the request' | 'lose the answer' | Error;

/** Partitions that treat sequence numbers as Kafka does: the batch before is recognised, a gap is refused. */
function partitionsOfKafka() {
  const logs = new Map<string, string[]>();
  const producers = new Map<string, { next: number; last: { first: number; count: number; base: number } }>();
  const faults: (Fault | null)[] = [];
  let always: Fault | null = null;
  let latestTimeMs = (): number => Number.POSITIVE_INFINITY;
  const times: number[] = [];
  let ids = 0;
  let producerIds = 0;
  const append = (key: string, producerId: string, first: number, values: string[]): number => {
    const log = logs.get(key) ?? [];
    logs.set(key, log);
    const state = producers.get(`${producerId} ${key}`);
    if (state && state.last.first === first && state.last.count === values.length) return state.last.base;
    if (state ? state.next !== first : first !== 0) throw protocolError('OUT_OF_ORDER_SEQUENCE_NUMBER');
    const base = log.length;
    log.push(...values);
    producers.set(`${producerId} ${key}`, { next: first + values.length, last: { first, count: values.length, base } });
    return base;
  };
  const node: Partial<KafkaNode> = {
    async initProducerId() {
      producerIds++;
      return { producerId: `${++ids}`, producerEpoch: 0 };
    },
    async produce({ producerId, topicData }) {
      const fault = faults.shift() ?? always;
      if (fault === 'lose the request') throw connectionError();
      if (fault instanceof Error) throw fault;
      const topics = topicData.map(({ topic, partitions }) => ({
        topicName: topic,
        partitions: partitions.map(({ partition, firstSequence, messages }) => {
          if (messages.some(({ timestamp }) => timestamp > latestTimeMs())) {
            return { partition, baseOffset: '-1', error: protocolError('INVALID_TIMESTAMP') };
          }
          times.push(...messages.map(({ timestamp }) => timestamp));
          const keys = messages.map(({ key }) => key!);
          return { partition, baseOffset: `${append(`${topic}/${partition}`, producerId, firstSequence, keys)}` };
        }),
      }));
      if (fault === 'lose the answer') throw connectionError();
      return { topics };
    },
  };
  return {
    node,
    logs,
    fail: (...next: (Fault | null)[]) => void faults.push(...next),
    failAlways: (fault: Fault | null) => {
      always = fault;
    },
    producerIds: () => producerIds,
    /** Times of what was appended. */
    times,
    /** Refuses records with a later time, as Kafka does those from more than an hour in the future. */
    takeTimesUntil: (latest: () => number) => {
      latestTimeMs = latest;
    },
    forgetProducers: () => producers.clear(),
  };
}

const record = (key: string, partition = 0, topic = 'topic'): PlacedRecord => ({
  topic,
  partition,
  key,
  value: null,
  timestampMs: 1,
  bytes: 1,
  maxBatchBytes: 1_000,
});

function bench(leaders: Record<string, number[]> = { topic: [1, 1] }) {
  const clock = createVirtualClock();
  const kafka = partitionsOfKafka();
  const second = partitionsOfKafka();
  const cluster = fakeCluster({ clock, leaders, nodes: { 1: kafka.node, 2: second.node } });
  const lines: string[] = [];
  const log = createLog({ level: 'info', destination: { write: (line) => void lines.push(line) } });
  const delivery = new IdempotentDelivery(cluster.connections, clock, new RecordTimes(clock, log), {
    deliveryTimeoutMs: 10_000,
    requestTimeoutMs: 100,
  });
  /** Delivers while the clock runs. */
  const deliver = async (records: readonly PlacedRecord[]): Promise<readonly number[]> => {
    let settled = false;
    const delivered = delivery.deliver(records).finally(() => {
      settled = true;
    });
    delivered.catch(() => {});
    await clock.runUntilIdle({ until: () => settled });
    return delivered;
  };
  return { clock, kafka, second, cluster, deliver, lines };
}

describe('idempotent delivery', () => {
  test('records get the offsets of their partitions, in the order given', async () => {
    const { deliver, kafka } = bench();
    expect(await deliver([record('a'), record('b', 1), record('c')])).toEqual([0, 0, 1]);
    expect(await deliver([record('d'), record('e', 1)])).toEqual([2, 1]);
    expect(kafka.logs.get('topic/0')).toEqual(['a', 'c', 'd']);
    expect(kafka.producerIds()).toBe(1);
  });

  test('whatever is lost on the way, each record is there once, and in order', async () => {
    const { deliver, kafka, cluster } = bench();
    kafka.fail(
      'lose the answer',
      null,
      'lose the request',
      'lose the answer',
      protocolError('NOT_LEADER_FOR_PARTITION', true),
    );
    expect(await deliver([record('a'), record('b')])).toEqual([0, 1]);
    expect(await deliver([record('c'), record('d')])).toEqual([2, 3]);
    expect(await deliver([record('e')])).toEqual([4]);
    expect(kafka.logs.get('topic/0')).toEqual(['a', 'b', 'c', 'd', 'e']);
    expect(kafka.producerIds()).toBe(1);
    expect(cluster.opened()).toBe(1);
  });

  test('after giving up, the next batch is not taken for the lost one', async () => {
    const { deliver, kafka } = bench();
    await deliver([record('a')]);
    // Appended, but the answer never comes.
    kafka.failAlways('lose the answer');
    await expect(deliver([record('b')])).rejects.toBeInstanceOf(TransientError);
    kafka.failAlways(null);
    // One record again: under the same sequence number it would be acknowledged without being kept.
    expect(await deliver([record('c')])).toEqual([2]);
    expect(kafka.logs.get('topic/0')).toEqual(['a', 'b', 'c']);
    expect(kafka.producerIds()).toBe(2);
  });

  test('a producer that the broker has forgotten starts afresh', async () => {
    const { deliver, kafka } = bench();
    await deliver([record('a')]);
    kafka.forgetProducers();
    expect(await deliver([record('b')])).toEqual([1]);
    expect(kafka.logs.get('topic/0')).toEqual(['a', 'b']);
    expect(kafka.producerIds()).toBe(2);
  });

  test('leaders on several nodes: only what is not acknowledged is sent again, to whoever leads by then', async () => {
    const { deliver, kafka, second, cluster } = bench({ topic: [1, 2] });
    second.fail(protocolError('NOT_LEADER_FOR_PARTITION', true));
    cluster.onRefresh(() => cluster.leaders.set('topic', [1, 1]));
    expect(await deliver([record('a'), record('b', 1)])).toEqual([0, 0]);
    expect(kafka.logs).toEqual(
      new Map([
        ['topic/0', ['a']],
        ['topic/1', ['b']],
      ]),
    );
    expect(kafka.producerIds() + second.producerIds()).toBe(1);
  });

  test('what the broker refuses is told at once, with its word', async () => {
    const { deliver, kafka } = bench();
    kafka.fail(protocolError('TOPIC_AUTHORIZATION_FAILED'));
    await expect(deliver([record('a')])).rejects.toThrow(
      'sending to topic failed: Kafka says TOPIC_AUTHORIZATION_FAILED',
    );
    expect(await deliver([record('b')])).toEqual([0]);
  });

  test('a topic that stays unknown is given up soon', async () => {
    const { deliver, kafka, clock } = bench();
    kafka.failAlways(protocolError('UNKNOWN_TOPIC_OR_PARTITION', true));
    const startedMs = clock.monotonicMs();
    await expect(deliver([record('a')])).rejects.toThrow('UNKNOWN_TOPIC_OR_PARTITION');
    expect(clock.monotonicMs() - startedMs).toBeLessThan(7_000);
  });

  test('while no connection can be made it keeps trying, until its time is up', async () => {
    const { deliver, cluster, clock } = bench();
    cluster.refuseConnections(connectionError());
    const startedMs = clock.monotonicMs();
    await expect(deliver([record('a')])).rejects.toBeInstanceOf(TransientError);
    expect(clock.monotonicMs() - startedMs).toBeGreaterThanOrEqual(10_000);
    clock.setTimer(3_000, () => cluster.refuseConnections(null));
    expect(await deliver([record('b')])).toEqual([0]);
  });

  test('a broker that forgets to answer for a partition is not believed', async () => {
    const { deliver, kafka } = bench();
    const { produce } = kafka.node;
    kafka.node.produce = async (request) => {
      await produce!(request);
      return { topics: [] };
    };
    await expect(deliver([record('a')])).rejects.toThrow('did not answer for topic[0]');
  });

  test('a time that Kafka refuses is replaced by that of now; the partition next to it is not sent again', async () => {
    const { deliver, kafka, clock } = bench();
    kafka.takeTimesUntil(() => clock.nowMs() + 3_600_000);
    const future = { ...record('future'), timestampMs: clock.nowMs() + 9 * 3_600_000 };
    expect(await deliver([future, record('b', 1), record('c')])).toEqual([0, 0, 1]);
    expect(kafka.logs.get('topic/0')).toEqual(['future', 'c']);
    expect(kafka.logs.get('topic/1')).toEqual(['b']);
    expect(kafka.times).toEqual([1, clock.nowMs(), clock.nowMs()]);
  });

  test('a clock that is hours ahead costs no record: they are set back, and the log says what to look at', async () => {
    const { deliver, kafka, clock, lines } = bench();
    const brokersNowMs = clock.nowMs() - 5 * 3_600_000;
    kafka.takeTimesUntil(() => brokersNowMs + 3_600_000);
    const now = (key: string) => ({ ...record(key), timestampMs: clock.nowMs() });
    expect(await deliver([now('a')])).toEqual([0]);
    expect(await deliver([now('b')])).toEqual([1]);
    expect(kafka.logs.get('topic/0')).toEqual(['a', 'b']);
    expect(kafka.times.every((timeMs) => timeMs <= brokersNowMs + 3_600_000)).toBe(true);
    expect(lines.some((line) => line.includes('check this clock'))).toBe(true);
    expect(kafka.producerIds()).toBe(1);
  });
});
