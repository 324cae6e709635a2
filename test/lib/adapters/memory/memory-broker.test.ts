import {
  createMemoryBroker,
  defaultUnkindness,
  type MemoryBroker,
  type Unkindness,
} from '../../../../lib/adapters/memory/memory-broker';
import { createVirtualClock, type VirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import {
  type LogRecord,
  type PartitionConsumer,
  StaleEpochError,
  type TopicSettings,
  TransientError,
} from '../../../../lib/ports/broker';
import { seededRandom } from '../../../../lib/random/seeded';
import { onAdded } from '../../../contract/broker-member';

const topic = (name: string, settings: Partial<TopicSettings> = {}): TopicSettings => ({
  name,
  partitions: 2,
  cleanup: 'delete',
  retentionMs: null,
  maxRecordBytes: 10_000,
  ...settings,
});

interface Run {
  readonly clock: VirtualClock;
  readonly broker: MemoryBroker;
}

async function start(seed: number, unkindness?: Unkindness): Promise<Run> {
  const clock = createVirtualClock();
  const random = seededRandom(seed);
  const broker = createMemoryBroker({ clock, random, ...(unkindness && { unkindness }) });
  await broker.ensureTopics([topic('left'), topic('right'), topic('out')]);
  return { clock, broker };
}

/** Copies left and right to out, retrying what may pass, until its epoch is over. */
async function copy(consumer: PartitionConsumer): Promise<void> {
  const positions = new Map<string, number>();
  try {
    for (;;) {
      const records = await consumer.poll({ maxRecords: 10, maxWaitMs: 50 });
      for (const { topic: from, offset } of records) positions.set(from, offset + 1);
      const copies = records.map(({ partition, key, value }) => ({ topic: 'out', partition, key, value }));
      for (let written = records.length === 0; !written; ) {
        written = await consumer.write({ records: copies, positions }).then(
          () => true,
          (error) => {
            if (error instanceof TransientError) return false;
            throw error;
          },
        );
      }
    }
  } catch (error) {
    if (!(error instanceof StaleEpochError)) throw error;
  }
}

/** Runs two copying members over 200 records each way and returns what came out, in order. */
async function copyAll(
  seed: number,
  unkindness: Unkindness,
): Promise<{ out: string[]; epochs: number; endMs: number }> {
  const { clock, broker } = await start(seed, unkindness);
  const epochs = new Set<number>();
  for (const member of ['one', 'two']) {
    await broker.join({
      group: 'copy',
      topics: ['left', 'right'],
      startAt: 'earliest',
      onAssigned: onAdded((consumer) => {
        epochs.add(consumer.epoch);
        void copy(consumer);
      }),
      onFailed: (error) => {
        throw new Error(`${member}: ${error.message}`);
      },
    });
  }
  const producer = broker.producer('test');
  const send = async (name: string, n: number): Promise<void> => {
    const record = { topic: name, partition: n % 2, key: `${name}-${n}`, value: Buffer.from(`${name}-${n}`) };
    for (let sent = false; !sent; ) {
      sent = await producer.send([record]).then(
        () => true,
        () => false,
      );
    }
  };
  const sending = (async () => {
    for (let n = 0; n < 200; n++) for (const name of ['left', 'right']) await send(name, n);
  })();
  const seen = (): Set<string> => new Set(broker.records('out').map(({ key }) => key!));
  await clock.runUntilIdle({ until: () => seen().size === 400, untilMs: clock.nowMs() + 600_000 });
  await sending;
  const out = broker.records('out').map(({ partition, offset, key }) => `${partition}/${offset}/${key}`);
  const endMs = clock.nowMs();
  await broker.close();
  return { out, epochs: epochs.size, endMs };
}

describe('createMemoryBroker, unkind', () => {
  const wild: Unkindness = {
    ...defaultUnkindness,
    gapRate: 0.3,
    failedWriteRate: 0.05,
    lostAcknowledgementRate: 0.05,
    rebalanceRate: 0.02,
  };

  test('nothing is lost, and without repeats the order of each key holds', async () => {
    const { out, epochs } = await copyAll(1, wild);
    expect(epochs).toBeGreaterThan(2);
    // Something was delivered twice, otherwise this test shows nothing.
    expect(out.length).toBeGreaterThan(400);
    for (const source of ['left', 'right']) {
      for (const partition of [0, 1]) {
        const firsts = new Set(
          out
            .filter((line) => line.startsWith(`${partition}/`) && line.includes(source))
            .map((line) => line.split('/')[2]!),
        );
        const numbers = [...firsts].map((key) => Number(key.split('-')[1]));
        expect(numbers).toEqual(Array.from({ length: 100 }, (_, i) => 2 * i + partition));
      }
    }
  });

  test('the same seed gives the same run, another seed another', async () => {
    const [first, again, other] = [await copyAll(5, wild), await copyAll(5, wild), await copyAll(6, wild)];
    expect(again).toEqual(first);
    expect(other.out).not.toEqual(first.out);
  });

  test('kindness has no gaps and no repeats', async () => {
    const { out, epochs } = await copyAll(1, {});
    expect(out).toHaveLength(400);
    expect(epochs).toBeLessThanOrEqual(2);
    for (const partition of [0, 1]) {
      const offsets = out.filter((line) => line.startsWith(`${partition}/`)).map((line) => Number(line.split('/')[1]));
      expect(offsets).toEqual(Array.from({ length: 200 }, (_, i) => i));
    }
  });

  test('topics come permuted, each in its own order', async () => {
    const { clock, broker } = await start(3, { permute: true });
    const producer = broker.producer('test');
    for (const name of ['left', 'right']) {
      await producer.send(
        Array.from({ length: 50 }, (_, i) => ({ topic: name, partition: 0, key: `${i}`, value: null })),
      );
    }
    let consumer: PartitionConsumer | undefined;
    await broker.join({
      group: 'g',
      topics: ['left', 'right'],
      startAt: 'earliest',
      onAssigned: (_epoch, [first]) => {
        consumer = first;
      },
      onFailed: () => {},
    });
    await clock.settle();
    const taken: LogRecord[] = [];
    while (taken.length < 100) taken.push(...(await consumer!.poll({ maxRecords: 100, maxWaitMs: 0 })));
    const changes = taken.filter((record, i) => i > 0 && record.topic !== taken[i - 1]!.topic).length;
    expect(changes).toBeGreaterThan(10);
    for (const name of ['left', 'right']) {
      const keys = taken.filter((record) => record.topic === name).map(({ key }) => Number(key));
      expect(keys).toEqual(Array.from({ length: 50 }, (_, i) => i));
    }
  });

  test('a lost acknowledgement has written, a failed write has not; both can be tried again', async () => {
    const record = { topic: 'out', partition: 0, key: 'k', value: null };
    const lost = await start(1, { lostAcknowledgementRate: 1 });
    await expect(lost.broker.producer('p').send([record])).rejects.toBeInstanceOf(TransientError);
    expect(lost.broker.records('out')).toHaveLength(1);
    const failed = await start(1, { failedWriteRate: 1 });
    await expect(failed.broker.producer('p').send([record])).rejects.toBeInstanceOf(TransientError);
    expect(failed.broker.records('out')).toHaveLength(0);
    failed.broker.beKind();
    await failed.broker.producer('p').send([record]);
    expect(failed.broker.records('out')).toHaveLength(1);
  });

  test('a crashed member is out at once', async () => {
    const { clock, broker } = await start(1);
    const owned: PartitionConsumer[][] = [];
    const join = (index: number) =>
      broker.join({
        group: 'g',
        topics: ['left'],
        startAt: 'earliest',
        onAssigned: (_epoch, consumers) => {
          owned[index] = [...consumers];
        },
        onFailed: () => {},
      });
    const [one] = [await join(0), await join(1)];
    await clock.settle();
    expect(owned.map((consumers) => consumers.length)).toEqual([1, 1]);
    broker.crash(one);
    expect(owned[0]![0]!.isStale()).toBe(true);
    await clock.settle();
    expect(owned[1]!.map(({ partition }) => partition)).toEqual([0, 1]);
  });

  test('unkindness needs a source of randomness', () => {
    expect(() => createMemoryBroker({ clock: createVirtualClock(), unkindness: {} })).toThrow('random');
  });
});

describe('createMemoryBroker, cleaning', () => {
  test('retention drops what is old, positions included in the range stay readable', async () => {
    const { clock, broker } = await start(1);
    await broker.ensureTopics([topic('short', { partitions: 1, retentionMs: 1_000 })]);
    const producer = broker.producer('p');
    for (let i = 0; i < 3; i++) {
      await producer.send([{ topic: 'short', key: `${i}`, value: null }]);
      await clock.advanceBy(600);
    }
    broker.clean();
    expect(broker.records('short').map(({ key }) => key)).toEqual(['2']);
    expect(await broker.offsets({ topic: 'short', partition: 0 })).toEqual({ earliest: 2, end: 3 });
    await clock.advanceBy(5_000);
    broker.clean();
    expect(await broker.offsets({ topic: 'short', partition: 0 })).toEqual({ earliest: 3, end: 3 });
    expect(broker.records('none')).toEqual([]);
  });

  test('a table that is written over and over does not grow', async () => {
    const { broker } = await start(1);
    await broker.ensureTopics([topic('table', { partitions: 1, cleanup: 'compact' })]);
    const producer = broker.producer('p');
    for (let i = 0; i < 5_000; i++)
      await producer.send([{ topic: 'table', key: `${i % 10}`, value: Buffer.from(`${i}`) }]);
    const records = broker.records('table');
    expect(records.length).toBeLessThanOrEqual(1_001);
    expect(records.at(-1)!.value!.toString()).toBe('4999');
    expect(new Set(records.map(({ key }) => key)).size).toBe(10);
  });
});
