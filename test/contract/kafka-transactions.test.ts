/**
 * Delivery exactly once on a real broker: who comes too late is refused by Kafka itself, and who was killed holds nobody up.
 * Once with transactions as they have been, once with those of Kafka 4 (`transaction.version` 2).
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKafkaCluster } from '../../infra/local-servers';
import { transactionalIdsOf } from '../../lib/adapters/kafka/alternating-delivery';
import { type KafkaBroker, openKafkaBroker } from '../../lib/adapters/kafka/kafka-broker';
import { createKafkaClient } from '../../lib/adapters/kafka/kafka-client';
import { defaultKafkaSettings, type KafkaSettings } from '../../lib/adapters/kafka/kafka-settings';
import { Outage } from '../../lib/adapters/kafka/outage';
import { systemClock } from '../../lib/adapters/system';
import { type PartitionConsumer, StaleEpochError } from '../../lib/ports/broker';
import type { Clock } from '../../lib/ports/clock';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import { untilGone, withAdmin } from '../kafka-admin';
import { describeWithServers, kafkaAddress } from '../servers';
import { atEnd, start } from '../started';
import { eventually, joinGroup, readAll, textOf } from './broker-member';
import { freezableClock } from './freezable-clock';

const fresh = (kind: string): string => `transactions-${kind}-${randomUUID()}`;
const text = (value: string | number): Buffer => Buffer.from(String(value));
const delivery = 'exactly-once';
const opened: KafkaBroker[] = [];
let address = '';

/** Resolves with where a broker is that has agreed on an older version of transactions than it could. */
async function startOlder(): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'quantum-router-older-transactions-'));
  atEnd(() => rmSync(directory, { recursive: true, force: true }));
  const formatArguments = ['--feature', 'transaction.version=1'];
  const cluster = await startKafkaCluster({ directory, nodes: 1, formatArguments });
  atEnd(() => cluster.stop());
  return cluster.addresses[0]!;
}

const versions = [
  { version: 1, addressOf: startOlder },
  { version: 2, addressOf: async () => kafkaAddress() },
];

async function open(settings: Partial<KafkaSettings> = {}, clock: Clock = systemClock()) {
  const lines: string[] = [];
  const log = createLog({ level: 'info', destination: { write: (line) => void lines.push(line) } });
  const broker = await openKafkaBroker(
    { ...defaultKafkaSettings, brokers: [address], ...settings },
    { clock, log, metrics: createMetrics() },
  );
  opened.push(broker);
  return { broker, lines };
}

async function makeTopics(broker: KafkaBroker, count: number, partitions = 1): Promise<string[]> {
  const names = Array.from({ length: count }, () => fresh('topic'));
  await broker.ensureTopics(
    names.map((name) => ({ name, partitions, cleanup: 'delete', retentionMs: null, maxRecordBytes: 100_000 })),
  );
  return names;
}

/** Everything in a topic, once there are `count` records: what is committed is seen a moment later. */
async function readEnough(broker: KafkaBroker, topic: string, count: number): Promise<(string | null)[]> {
  let read = textOf(await readAll(broker, topic));
  while (read.length < count) read = textOf(await readAll(broker, topic));
  return read;
}

/** Of partition 0, whoever owns it. */
async function positionOf(groupId: string, topic: string): Promise<string> {
  const [of] = await withAdmin([address], (admin) => admin.fetchOffsets({ groupId, topics: [topic] }));
  return of!.partitions[0]!.offset;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((broker) => broker.close()));
});

describeWithServers('delivery exactly once on Kafka', () => {
  describe.each(versions)('with transaction.version $version', ({ version, addressOf }) => {
    beforeAll(async () => {
      address = await addressOf();
    });

    test('that is what the cluster has agreed on', async () => {
      const clock = systemClock();
      const log = createLog({ level: 'silent' });
      const settings = { ...defaultKafkaSettings, brokers: [address] };
      const cluster = createKafkaClient(settings, clock, log, new Outage(clock, log)).openCluster();
      await cluster.connect();
      await cluster.refreshMetadata();
      // The one node of either cluster.
      expect(await (await cluster.findBroker({ nodeId: 1 })).transactionVersion()).toBe(version);
      await cluster.disconnect();
    });

    test('a zombie that believes it is the owner still tries to write, and Kafka refuses it', async () => {
      const clock = freezableClock();
      // With a session as long as this no clock tells it that it has been replaced.
      const settings = { clientId: fresh('client'), instanceId: 'one', sessionTimeoutMs: 300_000 };
      const frozen = await open(settings, clock);
      const [input, output] = (await makeTopics(frozen.broker, 2)) as [string, string];
      const group = fresh('group');
      const record = (value: string) => ({ topic: output, key: 'k', value: text(value) });
      const before = await joinGroup(frozen.broker, { group, topics: [input], delivery });
      const [zombie] = await before.owning(1);
      await zombie!.write({ records: [record('first owner')], positions: new Map([[input, 1]]) });
      clock.freeze();

      const next = await open(settings);
      const after = await joinGroup(next.broker, { group, topics: [input], delivery });
      const [owner] = await after.owning(1);
      expect(await owner!.committed()).toEqual(new Map([[input, 1]]));

      expect(zombie!.isStale()).toBe(false);
      const tried = [
        zombie!.write({ records: [record('zombie')], positions: new Map([[input, 7]]) }),
        zombie!.write({ records: [record('zombie without positions')] }),
      ];
      // Begun before the zombie is told: then it joins again, and the partition may become its own.
      const second = owner!.write({ records: [record('second owner')], positions: new Map([[input, 2]]) });
      for (const written of tried) await expect(written).rejects.toBeInstanceOf(StaleEpochError);
      expect(zombie!.isStale()).toBe(true);
      expect(frozen.lines.filter((line) => line.includes('INVALID_PRODUCER_EPOCH'))).toHaveLength(1);

      await second;
      expect(await readEnough(next.broker, output, 2)).toEqual(['first owner', 'second owner']);
      // What is committed is seen a moment later here, too.
      let position = await positionOf(group, input);
      while (position === '1') position = await positionOf(group, input);
      expect(position).toBe('2');
      clock.thaw();
    });

    test.each([0, 1])(
      'a process that is killed in the middle of a transaction, under id %i of its partition: its records are never seen, and the next owner ends it at once',
      async (turn) => {
        const { broker } = await open();
        const [input, output] = (await makeTopics(broker, 2)) as [string, string];
        const group = fresh('group');
        const program = `
      const { Kafka } = require('kafkajs');
      (async () => {
        const producer = new Kafka({ brokers: [process.argv[1]], logLevel: 0 })
          .producer({ transactionalId: process.argv[5], maxInFlightRequests: 1, transactionTimeout: 600000 });
        await producer.connect();
        const transaction = await producer.transaction();
        await transaction.send({ topic: process.argv[4], messages: [{ partition: 0, key: 'k', value: 'killed' }] });
        const topics = [{ topic: process.argv[3], partitions: [{ partition: 0, offset: '5' }] }];
        await transaction.sendOffsets({ consumerGroupId: process.argv[2], topics });
        console.log('open');
        setInterval(() => {}, 1000);
      })();`;
        const victim = start(process.execPath, [
          '-e',
          program,
          address,
          group,
          input,
          output,
          transactionalIdsOf(group, 0)[turn]!,
        ]);
        await once(victim.child.stdout!, 'data');
        await broker.producer('other').send([{ topic: output, key: 'k', value: text('behind it') }]);
        await victim.kill();
        // It would stay open for ten minutes, and hide what comes after it.
        expect(await readAll(broker, output)).toEqual([]);

        const member = await joinGroup(broker, { group, topics: [input], delivery });
        const [owner] = await member.owning(1);
        expect(await owner!.committed()).toEqual(new Map([[input, null]]));
        expect(textOf(await readAll(broker, output))).toEqual(['behind it']);
        await owner!.write({
          records: [{ topic: output, key: 'k', value: text('owner') }],
          positions: new Map([[input, 5]]),
        });
        expect(await readEnough(broker, output, 2)).toEqual(['behind it', 'owner']);
      },
    );

    test('a topic that has gone is told by its word, and what is written to others is not held up', async () => {
      const record = (topic: string) => ({ topic, key: 'k', value: text('v') });
      // What is given up here is to be given up soon, and what is not has a multiple of what a write takes on this machine.
      const patient = await open();
      const [input, kept, gone] = (await makeTopics(patient.broker, 3)) as [string, string, string];
      const startMs = performance.now();
      await patient.broker.producer('measured').send([record(gone)]);
      const { broker, lines } = await open({
        deliveryTimeoutMs: Math.round(1_500 + 10 * (performance.now() - startMs)),
      });
      const member = await joinGroup(broker, { group: fresh('group'), topics: [input], delivery });
      const [owner] = await member.owning(1);
      await owner!.write({ records: [record(kept), record(gone)], positions: new Map([[input, 1]]) });
      const other = await open();
      await other.broker.deleteTopics([gone]);
      await untilGone(other.broker, gone);
      const written = owner!.write({ records: [record(kept), record(gone)], positions: new Map([[input, 2]]) });
      await expect(written).rejects.toThrow(/UNKNOWN_TOPIC_OR_PARTITION/);
      await owner!.write({ records: [record(kept)], positions: new Map([[input, 3]]) });
      expect(await readEnough(broker, kept, 2)).toEqual(['v', 'v']);
      expect(await owner!.committed()).toEqual(new Map([[input, 3]]));
      expect(member.failures).toEqual([]);
      // What was begun is aborted by this owner, which stays the owner.
      expect(lines.filter((line) => line.includes('asked for anew'))).toEqual([]);
    });

    test('a write that is under way when the group rebalances is finished before its partition goes to another', async () => {
      const { broker, lines } = await open();
      const [input] = (await makeTopics(broker, 1, 2)) as [string];
      const outputs = await makeTopics(broker, 2);
      const group = fresh('group');
      const one = await joinGroup(broker, { group, topics: [input], delivery });
      const written = [0, 0];
      let isOver = false;
      /** Resolves with the partition once it is given up; with null when the test is over and it was not. */
      const writeTo = async (consumer: PartitionConsumer): Promise<number | null> => {
        const { partition } = consumer;
        while (!isOver) {
          try {
            await consumer.write({
              records: [{ topic: outputs[partition]!, key: 'k', value: text(written[partition]!) }],
              positions: new Map([[input, written[partition]! + 1]]),
            });
          } catch (error) {
            if (error instanceof StaleEpochError) return partition;
            throw error;
          }
          written[partition]!++;
        }
        return null;
      };
      const writing = (await one.owning(2)).map(writeTo);
      await eventually(() => written.every((count) => count > 3));
      const two = await joinGroup((await open()).broker, { group, topics: [input], delivery });
      const [owner] = await two.owning(1);
      const moved = await Promise.race(writing);
      expect(moved).toBe(owner!.partition);
      // The other stays, and what is written to it goes on.
      const before = written[1 - moved!]!;
      await eventually(() => written[1 - moved!]! > before);
      isOver = true;
      expect((await Promise.all(writing)).filter((partition) => partition !== null)).toEqual([moved]);
      // Each was told what became of its write: nothing was cut off with its outcome unknown.
      expect(await owner!.committed()).toEqual(new Map([[input, written[moved!]]]));
      for (const [partition, output] of outputs.entries()) {
        const values = Array.from({ length: written[partition]! }, (_, n) => `${n}`);
        expect(await readEnough(broker, output, values.length)).toEqual(values);
      }
      expect(lines.filter((line) => line.includes('asked for anew'))).toEqual([]);
    });
  });
});
