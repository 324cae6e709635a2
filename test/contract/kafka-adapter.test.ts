/** What the Kafka adapter does beyond the broker contract, on a real broker: restarts, rebalances, foreign transactions, refusals. */
import { randomUUID } from 'node:crypto';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { ConfigResourceTypes, Kafka, logLevel } from 'kafkajs';
import { type KafkaBroker, openKafkaBroker } from '../../lib/adapters/kafka/kafka-broker';
import { defaultKafkaSettings, type KafkaSettings } from '../../lib/adapters/kafka/kafka-settings';
import { systemClock } from '../../lib/adapters/system';
import { type LogRecord, StaleEpochError, type TopicSettings } from '../../lib/ports/broker';
import type { Clock } from '../../lib/ports/clock';
import { createLog, type Log } from '../../lib/telemetry/log';
import { createMetrics, type Metrics } from '../../lib/telemetry/metrics';
import { makeTopics, untilGone, withAdmin } from '../kafka-admin';
import { describeWithServers, kafkaAddress } from '../servers';
import { eventually, joinGroup, type Member, onAdded, readAll, take, textOf } from './broker-member';
import { freezableClock } from './freezable-clock';

const fresh = (kind: string): string => `adapter-${kind}-${randomUUID()}`;
const text = (value: string | number): Buffer => Buffer.from(String(value));
const opened: KafkaBroker[] = [];

async function open(
  settings: Partial<KafkaSettings> = {},
  parts: { clock?: Clock; metrics?: Metrics; log?: Log } = {},
): Promise<KafkaBroker> {
  const broker = await openKafkaBroker(
    { ...defaultKafkaSettings, brokers: [kafkaAddress()], ...settings },
    { clock: systemClock(), log: createLog({ level: 'silent' }), metrics: createMetrics(), ...parts },
  );
  opened.push(broker);
  return broker;
}

async function makeTopic(broker: KafkaBroker, settings: Partial<TopicSettings> = {}): Promise<string> {
  const name = fresh('topic');
  await broker.ensureTopics([
    { name, partitions: 1, cleanup: 'delete', retentionMs: null, maxRecordBytes: 100_000, ...settings },
  ]);
  return name;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((broker) => broker.close()));
});

describeWithServers('the Kafka adapter', () => {
  describe('members', () => {
    test('a restarted process takes the place of its dead self at once', async () => {
      const clock = freezableClock();
      const settings = { clientId: fresh('client'), instanceId: 'one', sessionTimeoutMs: 300_000 };
      const killed = await open(settings, { clock });
      const topic = await makeTopic(killed, { partitions: 2 });
      const group = fresh('group');
      const before = await joinGroup(killed, { group, topics: [topic] });
      const [zombie] = await before.owning(2);
      clock.freeze();

      const startedMs = performance.now();
      const after = await joinGroup(await open(settings), { group, topics: [topic] });
      const [owner] = await after.owning(2);
      expect(performance.now() - startedMs).toBeLessThan(settings.sessionTimeoutMs / 2);
      expect(owner!.epoch).toBeGreaterThan(zombie!.epoch);

      // It does not know yet, but its positions are refused; then it knows.
      const written = zombie!.write({ records: [], positions: new Map([[topic, 7]]) });
      await expect(written).rejects.toBeInstanceOf(StaleEpochError);
      expect(zombie!.isStale()).toBe(true);
      expect(await owner!.committed()).toEqual(new Map([[topic, null]]));
      clock.thaw();
    });

    test('a process that will join later has its dead self leave first, and others go on meanwhile', async () => {
      const clock = freezableClock();
      const settings = { clientId: fresh('client'), sessionTimeoutMs: 300_000 };
      const killed = await open({ ...settings, instanceId: 'one' }, { clock });
      const topic = await makeTopic(killed, { partitions: 2 });
      const group = fresh('group');
      const before = await joinGroup(killed, { group, topics: [topic] });
      const other = await joinGroup(await open({ ...settings, instanceId: 'two' }), { group, topics: [topic] });
      await Promise.all([before.owning(1), other.owning(1)]);
      clock.freeze();

      await (await open({ ...settings, instanceId: 'one' })).expelEarlierSelf!({ group, topics: [topic] });
      await other.owning(2);
      clock.thaw();
    });

    test('whoever knows that a process is dead has its group go on without it: the others take over', async () => {
      const clientId = fresh('client');
      const session = { clientId, sessionTimeoutMs: 300_000 };
      const clock = freezableClock();
      const dead = await open({ ...session, instanceId: 'dead' }, { clock });
      const topic = await makeTopic(dead, { partitions: 2 });
      const group = fresh('group');
      const before = await joinGroup(dead, { group, topics: [topic] });
      const alive = await joinGroup(await open({ ...session, instanceId: 'alive' }), { group, topics: [topic] });
      await Promise.all([before.owning(1), alive.owning(1)]);
      clock.freeze();

      const witness = await open({ clientId });
      // Of a group that nobody is in, and of a process that was never there, there is nobody to expel.
      await witness.expel(fresh('group'), [topic], 'dead', 10_000);
      await witness.expel(group, [topic], 'nobody', 10_000);
      expect(await witness.membersOf(group, [topic])).toBe(2);
      await witness.expel(group, [topic], 'dead', 60_000);
      // After five minutes it would have come to the same.
      await alive.owning(2);
      clock.thaw();
    });

    test('a process that was frozen past its session time-out knows it at once, before any timer', async () => {
      const clock = freezableClock();
      let skippedMs = 0;
      const skipping: Clock = { ...clock, monotonicMs: () => clock.monotonicMs() + skippedMs };
      const broker = await open({}, { clock: skipping });
      const topic = await makeTopic(broker);
      const member = await joinGroup(broker, { group: fresh('group'), topics: [topic] });
      const [consumer] = await member.owning(1);
      skippedMs = defaultKafkaSettings.sessionTimeoutMs + 1;
      expect(consumer!.isStale()).toBe(true);
      const written = consumer!.write({ records: [{ topic, key: 'k', value: text('zombie') }] });
      await expect(written).rejects.toBeInstanceOf(StaleEpochError);
      // It comes back under a new epoch, and nothing was written.
      const [again] = await member.owning(1);
      expect(again!.epoch).toBeGreaterThan(consumer!.epoch);
      expect(await readAll(broker, topic)).toEqual([]);
    });

    test('members come and go under load, and every record is handled', async () => {
      const metrics = createMetrics();
      const broker = await open({}, { metrics });
      const topic = await makeTopic(broker, { partitions: 4 });
      const group = fresh('group');
      const handled = Array.from({ length: 4 }, () => new Set<number>());
      const workers = [worker(broker, group, topic, handled), worker(await open(), group, topic, handled)];
      await eventually(() => workers.every((started) => started.member() !== null));

      const producer = broker.producer('load');
      const total = 4_000;
      for (let sent = 0; sent < total; sent += 40) {
        const batch = Array.from({ length: 40 }, (_, i) => sent + i);
        await producer.send(batch.map((n) => ({ topic, partition: n % 4, key: 'k', value: text(n) })));
        if (sent === 1_200) {
          workers.push(worker(await open(), group, topic, handled));
          // Only a member that has come can tell of the rebalance that it caused.
          await eventually(() => workers[2]!.member() !== null);
        }
        if (sent === 2_400) await workers[0]!.leave();
      }
      await eventually(() => handled.reduce((sum, { size }) => sum + size, 0) === total);
      await Promise.all(workers.map(({ leave }) => leave()));
      expect(workers.flatMap(({ disorder }) => disorder)).toEqual([]);
      expect(await metrics.value('quantum_router_rebalances_total', { service: group })).toBeGreaterThan(1);
    });

    test('the metrics tell how far behind a group is', async () => {
      const metrics = createMetrics();
      const broker = await open({}, { metrics });
      const topic = await makeTopic(broker);
      const group = fresh('group');
      const member = await joinGroup(broker, { group, topics: [topic] });
      const [consumer] = await member.owning(1);
      const records = Array.from({ length: 10 }, (_, n) => ({ topic, key: 'k', value: text(n) }));
      await broker.producer('lag').send(records);
      await take(consumer!, 4, { maxRecords: 4 });
      await metrics.text();
      const lag = { service: group, topic, partition: '0' };
      expect(await metrics.value('quantum_router_consumer_lag_records', lag)).toBe(6);
    });

    test('positions that retention has overtaken go on with what is left', async () => {
      const broker = await open();
      const topic = await makeTopic(broker);
      const places = await broker
        .producer('old')
        .send(Array.from({ length: 10 }, (_, n) => ({ topic, key: 'k', value: text(n) })));
      const group = fresh('group');
      const first = await joinGroup(broker, { group, topics: [topic] });
      await (await first.owning(1))[0]!.write({ records: [], positions: new Map([[topic, places[2]!.offset]]) });
      await first.leave();
      await withAdmin([kafkaAddress()], async (admin) => {
        await admin.fetchTopicOffsets(topic);
        const kept = String(places[7]!.offset);
        await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: kept }] });
      });
      const second = await joinGroup(broker, { group, topics: [topic] });
      expect(textOf(await take((await second.owning(1))[0]!, 3))).toEqual(['7', '8', '9']);
      const read: LogRecord[] = [];
      for await (const chunk of broker.read({ topic, partition: 0 }, { from: 0 })) read.push(...chunk);
      expect(textOf(read)).toEqual(['7', '8', '9']);
    });
  });

  describe('reading', () => {
    test('many partitions at once, on connections that are not there yet', async () => {
      const writer = await open();
      const topic = await makeTopic(writer, { partitions: 6 });
      const producer = writer.producer('many');
      for (let n = 0; n < 6_000; n += 500) {
        const batch = Array.from({ length: 500 }, (_, i) => n + i);
        await producer.send(batch.map((i) => ({ topic, partition: i % 6, key: `${i}`, value: text(i) })));
      }
      const reader = await open();
      const read = await Promise.all(Array.from({ length: 6 }, (_, partition) => readAll(reader, topic, partition)));
      for (const [partition, records] of read.entries()) {
        expect(records.map(({ value }) => Number(value))).toEqual(
          Array.from({ length: 1_000 }, (_, i) => 6 * i + partition),
        );
      }
    });

    test('records of foreign transactions: committed ones are read, aborted ones and markers are not', async () => {
      const broker = await open();
      const topic = await makeTopic(broker, { partitions: 2 });
      const foreign = kafka().producer({ transactionalId: fresh('tx'), idempotent: true, maxInFlightRequests: 1 });
      await foreign.connect();
      for (const [value, end] of [
        ['kept', 'commit'],
        ['aborted', 'abort'],
        ['kept too', 'commit'],
      ] as const) {
        const transaction = await foreign.transaction();
        await transaction.send({ topic, messages: [{ partition: 0, key: 'k', value }] });
        await transaction[end]();
      }
      await foreign.disconnect();
      // Ends, although the last offset is a marker that nobody is shown.
      expect(textOf(await readAll(broker, topic))).toEqual(['kept', 'kept too']);
      const member = await joinGroup(broker, { group: fresh('group'), topics: [topic] });
      const consumer = (await member.owning(2)).find(({ partition }) => partition === 0)!;
      expect(textOf(await take(consumer, 2))).toEqual(['kept', 'kept too']);
      const followed: string[] = [];
      await broker.follow({
        topic,
        startAt: 'earliest',
        onRecords: (records) => void followed.push(...(textOf(records) as string[])),
        onFailed: (error) => followed.push(error.message),
      });
      expect(followed).toEqual(['kept', 'kept too']);
    });
  });

  describe('topics', () => {
    test('several processes make the same topics at the same moment', async () => {
      const brokers = await Promise.all([open(), open(), open()]);
      const wanted = Array.from({ length: 5 }, (_, n): TopicSettings => {
        return {
          name: fresh(`race-${n}`),
          partitions: 2,
          cleanup: 'delete',
          retentionMs: 60_000,
          maxRecordBytes: 1_000,
        };
      });
      await Promise.all(brokers.map((broker) => broker.ensureTopics(wanted)));
      const listed = await brokers[0]!.listTopics();
      for (const topic of wanted) expect(listed).toContainEqual(topic);
    });

    test('a compacted topic turns over soon, and short retention means short segments', async () => {
      const broker = await open();
      const table = await makeTopic(broker, { cleanup: 'compact' });
      const stream = await makeTopic(broker, { retentionMs: 24 * 3_600_000 });
      const { resources } = await withAdmin([kafkaAddress()], (admin) =>
        admin.describeConfigs({
          includeSynonyms: false,
          resources: [table, stream].map((name) => ({ type: ConfigResourceTypes.TOPIC, name })),
        }),
      );
      const configOf = (topic: string): Record<string, string> =>
        Object.fromEntries(
          resources
            .find(({ resourceName }) => resourceName === topic)!
            .configEntries.map(({ configName, configValue }) => [configName, configValue]),
        );
      expect(configOf(table)).toMatchObject({ 'cleanup.policy': 'compact', 'segment.ms': '600000' });
      expect(configOf(stream)).toMatchObject({
        'cleanup.policy': 'delete',
        'retention.ms': '86400000',
        'segment.ms': '8640000',
        'compression.type': 'uncompressed',
      });
    });

    test('a topic that somebody else has made without compression.type is told of at the start', async () => {
      const lines: string[] = [];
      const log = createLog({ level: 'info', destination: { write: (line) => void lines.push(line) } });
      const broker = await open({}, { log });
      const [theirs, ours] = [fresh('administrator'), await makeTopic(broker)];
      await withAdmin([kafkaAddress()], (admin) => makeTopics(admin, [{ topic: theirs, numPartitions: 1 }]));
      const settings = { partitions: 1, cleanup: 'delete', retentionMs: null, maxRecordBytes: 100_000 } as const;
      await broker.ensureTopics([theirs, ours].map((name) => ({ name, ...settings })));
      expect(
        lines.filter((line) => line.includes('not kept uncompressed')).map((line) => JSON.parse(line).topics),
      ).toEqual([[theirs]]);
    });

    test('what Kafka refuses is said by topic', async () => {
      const broker = await open({ replicationFactor: 99 });
      await expect(makeTopic(broker)).rejects.toThrow(/adapter-topic.*replication factor 99/s);
      const name = fresh('none');
      const partitions = { name, partitions: 0, cleanup: 'delete', retentionMs: null, maxRecordBytes: 1 } as const;
      await expect(broker.ensureTopics([partitions])).rejects.toThrow(`${name}: partitions must be a positive integer`);
    });

    test('a deleted topic is gone for readers and writers, and the others are not disturbed', async () => {
      const broker = await open();
      const [gone, kept] = [await makeTopic(broker), await makeTopic(broker)];
      const producer = broker.producer('both');
      await producer.send([gone, kept].map((topic) => ({ topic, key: 'k', value: text(1) })));
      await readAll(broker, gone);
      await broker.deleteTopics([gone, fresh('never')]);
      await untilGone(broker, gone);
      await expect(broker.offsets({ topic: gone, partition: 0 })).rejects.toThrow(gone);
      await expect(producer.send([{ topic: gone, key: 'k', value: null }])).rejects.toThrow(gone);
      await producer.send([{ topic: kept, key: 'k', value: text(2) }]);
      expect(textOf(await readAll(broker, kept))).toEqual(['1', '2']);
    });

    test('a record at the limit fits, also with others and with headers', async () => {
      const broker = await open();
      const maxRecordBytes = 10_000;
      const topic = await makeTopic(broker, { maxRecordBytes });
      const largest = Buffer.alloc(maxRecordBytes - 64 - 1, 1);
      const headers = { traceparent: 'x'.repeat(200) };
      const record = { topic, key: 'k', value: largest, headers };
      const producer = broker.producer('large');
      await Promise.all([producer.send([record, record]), producer.send([record])]);
      expect(await readAll(broker, topic)).toHaveLength(3);
      const tooLarge = { ...record, value: Buffer.alloc(maxRecordBytes) };
      await expect(producer.send([tooLarge])).rejects.toThrow(`too large for topic ${topic}`);
      const tooManyHeaders = { ...record, value: text(''), headers: { big: 'x'.repeat(20_000) } };
      await expect(producer.send([tooManyHeaders])).rejects.toThrow('too large');
    });
  });

  describe('a broker that is not there', () => {
    const listening: Server[] = [];
    const listen = async (server: Server): Promise<string> => {
      listening.push(server);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return `127.0.0.1:${(server.address() as AddressInfo).port}`;
    };
    afterEach(() => {
      for (const server of listening.splice(0)) server.close();
    });

    test('nobody listens', async () => {
      const server = createServer();
      const address = await listen(server);
      await new Promise((resolve) => server.close(resolve));
      await expect(open({ brokers: [address] })).rejects.toThrow(
        new RegExp(`Kafka at ${address} does not answer \\(ECONNREFUSED\\).*is it running`),
      );
    });

    test('somebody hangs up at once', async () => {
      const address = await listen(createServer((socket) => socket.destroy()));
      await expect(open({ brokers: [address] })).rejects.toThrow(`Kafka at ${address} does not answer`);
    });

    test('somebody listens and says nothing', async () => {
      const sockets: { destroy(): void }[] = [];
      const address = await listen(createServer((socket) => sockets.push(socket)));
      const settings = { connectionTimeoutMs: 200, requestTimeoutMs: 300, firstAnswerTimeoutMs: 1_000 };
      const asked = open({ brokers: [address], ...settings });
      await expect(asked).rejects.toThrow(`Kafka at ${address} does not answer`);
      for (const socket of sockets) socket.destroy();
    });

    test('a plain connection where TLS is expected, and the other way round', async () => {
      const tls = { rejectUnauthorized: true };
      await expect(open({ tls })).rejects.toThrow(/Kafka at .*(TLS|does not answer)/);
    });
  });
});

interface Worker {
  readonly member: () => Member | null;
  readonly leave: () => Promise<void>;
  /** Records that came out of order within one epoch. */
  readonly disorder: string[];
}

/** Handles every assigned partition as a task would: poll, handle, commit; until it leaves. */
function worker(broker: KafkaBroker, group: string, topic: string, handled: readonly Set<number>[]): Worker {
  const disorder: string[] = [];
  let member: Member | null = null;
  const begin = onAdded((consumer) => {
    void (async () => {
      let last = -1;
      for (;;) {
        const records = await consumer.poll({ maxRecords: 50, maxWaitMs: 1_000 });
        for (const { offset, value, partition } of records) {
          if (offset <= last) disorder.push(`${partition}: ${offset} after ${last}`);
          last = offset;
          handled[partition]!.add(Number(value));
        }
        if (records.length > 0) await consumer.write({ records: [], positions: new Map([[topic, last + 1]]) });
      }
    })().catch((error: Error) => {
      if (!(error instanceof StaleEpochError)) disorder.push(error.message);
    });
  });
  const joined = broker.join({
    group,
    topics: [topic],
    startAt: 'earliest',
    onFailed: (error) => disorder.push(error.message),
    onAssigned: (epoch, consumers) => {
      member ??= {} as Member;
      begin(epoch, consumers);
    },
  });
  return { member: () => member, disorder, leave: async () => (await joined).leave() };
}

function kafka(): Kafka {
  return new Kafka({ brokers: [kafkaAddress()], logLevel: logLevel.NOTHING });
}
