/** What administrators and foreign producers do to a Kafka: added partitions, topics made anew, quotas, codecs; and a clock that is wrong. */
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';
import { runKafkaTool } from '../../infra/local-servers';
import { pythonProgram } from '../../infra/python';
import { type KafkaBroker, openKafkaBroker } from '../../lib/adapters/kafka/kafka-broker';
import { defaultKafkaSettings, type KafkaSettings } from '../../lib/adapters/kafka/kafka-settings';
import { systemClock } from '../../lib/adapters/system';
import type { TopicSettings } from '../../lib/ports/broker';
import type { Clock } from '../../lib/ports/clock';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import { partitionOf } from '../../lib/topics/partition-of';
import { growTopic, makeTopics, untilDone, withAdmin } from '../kafka-admin';
import { describeWithServers, kafkaAddress } from '../servers';
import { eventually, joinGroup, readAll, take, textOf } from './broker-member';

const fresh = (kind: string): string => `faults-${kind}-${randomUUID()}`;
const text = (value: string | number): Buffer => Buffer.from(String(value));
const opened: KafkaBroker[] = [];

async function open(settings: Partial<KafkaSettings> = {}, clock: Clock = systemClock()) {
  const lines: string[] = [];
  const log = createLog({ level: 'info', destination: { write: (line) => void lines.push(line) } });
  const metrics = createMetrics();
  const broker = await openKafkaBroker(
    { ...defaultKafkaSettings, brokers: [kafkaAddress()], ...settings },
    { clock, log, metrics },
  );
  opened.push(broker);
  return { broker, lines, metrics, told: (part: string) => lines.filter((line) => line.includes(part)) };
}

const settingsOf = (settings: Partial<TopicSettings> = {}): TopicSettings => ({
  name: fresh('topic'),
  partitions: 1,
  cleanup: 'delete',
  retentionMs: null,
  maxRecordBytes: 100_000,
  ...settings,
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((broker) => broker.close()));
});

describeWithServers('a Kafka that others use too', () => {
  test('partitions that somebody adds: what is produced there comes to where its key belongs, now and after a restart', async () => {
    const [grown, kept] = [settingsOf({ partitions: 2 }), settingsOf({ partitions: 2 })];
    const topics = [grown.name, kept.name];
    const { broker, told, metrics } = await open();
    await broker.ensureTopics([grown, kept]);
    const group = fresh('group');
    const member = await joinGroup(broker, { group, topics });
    const owned = await member.owning(2);
    await withAdmin([kafkaAddress()], (admin) => growTopic(admin, grown.name, 5));

    const foreign = new Kafka({ brokers: [kafkaAddress()], logLevel: logLevel.NOTHING }).producer();
    await foreign.connect();
    const keys = Array.from({ length: 12 }, (_, n) => `key-${n}`);
    const messages = keys.map((key, n) => ({ key, value: key, partition: n % 5 }));
    await foreign.send({ topic: grown.name, messages: messages.filter(({ partition }) => partition >= 2) });
    await foreign.disconnect();
    const outside = messages.filter(({ partition }) => partition >= 2).map(({ key }) => key);
    const homes = [0, 1].map((home) => outside.filter((key) => partitionOf(key, 2) === home));
    // What is there may be sent on twice.
    const taken = await Promise.all(
      owned.map(async (consumer) => {
        const values = new Set<string | null>();
        while (values.size < homes[consumer.partition]!.length)
          for (const value of textOf(await take(consumer, 1, { topics: [grown.name] }))) values.add(value);
        return [...values];
      }),
    );
    for (const [i, consumer] of owned.entries()) {
      expect(taken[i]!.sort()).toEqual([...homes[consumer.partition]!].sort());
    }
    expect(member.failures).toEqual([]);
    expect(told('more partitions than the engine works on')).toHaveLength(1);
    expect(await metrics.value('quantum_router_kafka_partitions_outside', { topic: grown.name })).toBe(3);
    await eventually(() => told('more partitions').length === 1);
    await member.leave();

    // Who starts now finds the topic grown, starts all the same, works on two, and sends on nothing twice.
    const second = await open();
    await second.broker.ensureTopics([grown, kept]);
    expect(second.told('more partitions than the engine works on')).toHaveLength(1);
    const places = await second.broker
      .producer('own')
      .send(keys.map((key) => ({ topic: grown.name, key, value: text('own') })));
    expect(places.map(({ partition }) => partition)).toEqual(keys.map((key) => partitionOf(key, 2)));
    const again = await joinGroup(second.broker, { group, topics });
    const consumers = await again.owning(2);
    expect(consumers.map(({ partition }) => partition).sort()).toEqual([0, 1]);
    const { partitions } = (await second.broker.listTopics()).find(({ name }) => name === grown.name)!;
    expect(partitions).toBe(5);
  });

  test('a number of partitions that all topics have is another setting, and refused', async () => {
    const made = [settingsOf({ partitions: 3 }), settingsOf({ partitions: 3 })];
    const { broker } = await open();
    await broker.ensureTopics(made);
    const asked = broker.ensureTopics(made.map((topic) => ({ ...topic, partitions: 2 })));
    await expect(asked).rejects.toThrow('has 3 partitions, wanted 2');
    // Nor by an engine that has worked on three.
    const records = made.flatMap(({ name }) => [0, 1, 2].map((partition) => ({ topic: name, partition, key: 'k' })));
    await broker.producer('engine').send(records.map((record) => ({ ...record, value: text('v') })));
    const askedLater = broker.ensureTopics(made.map((topic) => ({ ...topic, partitions: 2 })));
    await expect(askedLater).rejects.toThrow('has 3 partitions, wanted 2');
  });

  test('partitions that somebody adds to all topics of an engine keep nobody from starting on the number agreed', async () => {
    const made = Array.from({ length: 3 }, () => settingsOf({ partitions: 2 }));
    const { broker } = await open();
    await broker.ensureTopics(made);
    await broker.producer('engine').send(made.map(({ name }) => ({ topic: name, key: 'k', value: text('v') })));
    for (const { name } of made) await withAdmin([kafkaAddress()], (admin) => growTopic(admin, name, 3));
    // A foreign producer has found them already.
    const stranger = await open();
    await stranger.broker.producer('p').send([{ topic: made[0]!.name, partition: 2, key: 'k', value: text('v') }]);
    const { broker: second, told } = await open();
    await second.ensureTopics(made);
    expect(told('more partitions than the engine works on')).toHaveLength(3);
    const [place] = await second.producer('own').send([{ topic: made[0]!.name, key: 'k', value: text('v') }]);
    expect(place!.partition).toBe(partitionOf('k', 2));
  });

  test('a topic that is deleted and made anew while it is read: the new one is read from its start', async () => {
    const topic = settingsOf();
    const { broker, told, metrics } = await open();
    await broker.ensureTopics([topic]);
    const member = await joinGroup(broker, { group: fresh('group'), topics: [topic.name] });
    const [consumer] = await member.owning(1);
    const followed: string[] = [];
    await broker.follow({
      topic: topic.name,
      startAt: 'earliest',
      onRecords: (records) => void followed.push(...(textOf(records) as string[])),
      onFailed: (error) => followed.push(error.message),
    });
    const record = (value: string) => ({ topic: topic.name, key: 'k', value: text(value) });
    const producer = broker.producer('anew');
    await producer.send(Array.from({ length: 20 }, (_, n) => record(`old ${n}`)));
    await take(consumer!, 20);
    await eventually(() => followed.length === 20);

    await withAdmin([kafkaAddress()], async (admin) => {
      await admin.deleteTopics({ topics: [topic.name] });
      await untilDone(() => makeTopics(admin, [{ topic: topic.name, numPartitions: 1 }]));
    });
    const other = await open();
    await untilDone(() => other.broker.producer('other').send([record('new 0'), record('new 1')]));
    const taken = textOf(await take(consumer!, 2));
    expect(taken).toEqual(['new 0', 'new 1']);
    await eventually(() => followed.length === 22);
    expect(followed.slice(20)).toEqual(['new 0', 'new 1']);
    expect(told('made anew or truncated').length).toBeGreaterThan(0);
    const labels = { topic: topic.name, cause: 'shorter_log' };
    expect(await metrics.value('quantum_router_kafka_skipped_records_total', labels)).toBeGreaterThan(0);
    expect(member.failures).toEqual([]);
    // The writer that knew the old one writes on.
    await producer.send([record('new 2')]);
    expect(textOf(await take(consumer!, 1))).toEqual(['new 2']);
  });

  test('a client that the broker slows down reads everything, slower', async () => {
    const clientId = fresh('slow');
    const topic = settingsOf();
    const writer = await open();
    await writer.broker.ensureTopics([topic]);
    const values = Array.from({ length: 30 }, (_, n) => `${n} ${'x'.repeat(50_000)}`);
    for (const value of values) {
      await writer.broker.producer('w').send([{ topic: topic.name, key: 'k', value: text(value) }]);
    }
    const quota = ['--entity-type', 'clients', '--entity-name', clientId, '--alter'];
    const { status, stderr } = runKafkaTool('kafka.admin.ConfigCommand', [
      '--bootstrap-server',
      kafkaAddress(),
      ...quota,
      '--add-config',
      'consumer_byte_rate=200000',
    ]);
    expect(stderr.trim()).toBe('');
    expect(status).toBe(0);
    const { broker } = await open({ clientId });
    expect(textOf(await readAll(broker, topic.name))).toEqual(values);
    const member = await joinGroup(broker, { group: fresh('group'), topics: [topic.name] });
    const [consumer] = await member.owning(1);
    expect(textOf(await take(consumer!, values.length))).toEqual(values);
    expect(member.failures).toEqual([]);
  });

  describe.each(['gzip', 'snappy', 'lz4', 'zstd'])('batches that are packed with %s', (codec) => {
    const values = (by: string): string[] =>
      Array.from({ length: 200 }, (_, n) => `${by} ${n} ${`some words that come again ${n % 7} `.repeat(n)}`);

    test('by the broker, which is Java', async () => {
      const { broker, told } = await open();
      const topic = fresh('packed');
      await withAdmin([kafkaAddress()], (admin) =>
        makeTopics(admin, [{ topic, numPartitions: 1, configEntries: [{ name: 'compression.type', value: codec }] }]),
      );
      const sent = values('java');
      await broker.producer('packed').send(sent.map((value) => ({ topic, key: 'k', value: text(value) })));
      const member = await joinGroup(broker, { group: fresh('group'), topics: [topic] });
      expect(textOf(await take((await member.owning(1))[0]!, sent.length))).toEqual(sent);
      expect(textOf(await readAll(broker, topic))).toEqual(sent);
      expect(told('put aside')).toEqual([]);
    });

    test('by a foreign client, librdkafka', async () => {
      const python = pythonProgram();
      if (python === null) throw new Error('Python with confluent-kafka is missing: `make servers-installed`');
      const { broker, told } = await open();
      const topic = fresh('packed');
      await withAdmin([kafkaAddress()], (admin) => makeTopics(admin, [{ topic, numPartitions: 1 }]));
      const sent = values('python');
      const script = [
        'import json, sys',
        'from confluent_kafka import Producer',
        "p = Producer({'bootstrap.servers': sys.argv[1], 'compression.type': sys.argv[2], 'linger.ms': 200})",
        'for value in json.load(sys.stdin): p.produce(sys.argv[3], key="k", value=value)',
        'sys.exit(p.flush(60))',
      ].join('\n');
      const { status, stderr } = spawnSync(python, ['-c', script, kafkaAddress(), codec, topic], {
        input: JSON.stringify(sent),
        encoding: 'utf8',
      });
      expect(stderr).toBe('');
      expect(status).toBe(0);
      expect(textOf(await readAll(broker, topic))).toEqual(sent);
      expect(told('put aside')).toEqual([]);
    });
  });

  test('a clock that is hours ahead: records are written all the same, and the log says what to look at', async () => {
    const clock = systemClock();
    const topic = settingsOf();
    const right = await open();
    await right.broker.ensureTopics([topic]);
    const { broker, told } = await open({}, { ...clock, nowMs: () => clock.nowMs() + 5 * 3_600_000 });
    const producer = broker.producer('ahead');
    await producer.send([{ topic: topic.name, key: 'k', value: text('one') }]);
    await producer.send([{ topic: topic.name, key: 'k', value: text('two') }]);
    const read = await readAll(right.broker, topic.name);
    expect(textOf(read)).toEqual(['one', 'two']);
    for (const { timestampMs } of read) expect(timestampMs).toBeLessThan(clock.nowMs() + 3_600_000);
    expect(told('check this clock').length).toBeGreaterThan(0);
    // A time that came from outside is no reason to doubt the clock.
    const places = await right.broker
      .producer('outside')
      .send([{ topic: topic.name, key: 'k', value: text('three'), timestampMs: clock.nowMs() + 9e9 }]);
    expect(places).toHaveLength(1);
    expect(right.told('check this clock')).toEqual([]);
  });
});
