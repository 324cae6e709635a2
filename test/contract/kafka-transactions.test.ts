/** Delivery exactly once on a real broker: who comes too late is refused by Kafka itself, and who was killed holds nobody up. */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { type KafkaBroker, openKafkaBroker } from '../../lib/adapters/kafka/kafka-broker';
import { defaultKafkaSettings, type KafkaSettings } from '../../lib/adapters/kafka/kafka-settings';
import { systemClock } from '../../lib/adapters/system';
import { StaleEpochError } from '../../lib/ports/broker';
import type { Clock } from '../../lib/ports/clock';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import { untilGone } from '../kafka-admin';
import { describeWithServers, kafkaAddress } from '../servers';
import { start } from '../started';
import { eventually, joinGroup, readAll, textOf } from './broker-member';
import { freezableClock } from './freezable-clock';

const fresh = (kind: string): string => `transactions-${kind}-${randomUUID()}`;
const text = (value: string | number): Buffer => Buffer.from(String(value));
const delivery = 'exactly-once';
const opened: KafkaBroker[] = [];

async function open(settings: Partial<KafkaSettings> = {}, clock: Clock = systemClock()) {
  const lines: string[] = [];
  const log = createLog({ level: 'info', destination: { write: (line) => void lines.push(line) } });
  const broker = await openKafkaBroker(
    { ...defaultKafkaSettings, brokers: [kafkaAddress()], ...settings },
    { clock, log, metrics: createMetrics() },
  );
  opened.push(broker);
  return { broker, lines };
}

async function makeTopics(broker: KafkaBroker, count: number): Promise<string[]> {
  const names = Array.from({ length: count }, () => fresh('topic'));
  await broker.ensureTopics(
    names.map((name) => ({ name, partitions: 1, cleanup: 'delete', retentionMs: null, maxRecordBytes: 100_000 })),
  );
  return names;
}

/** Everything in a topic, once there are `count` records: what is committed is seen a moment later. */
async function readEnough(broker: KafkaBroker, topic: string, count: number): Promise<(string | null)[]> {
  let read = textOf(await readAll(broker, topic));
  while (read.length < count) read = textOf(await readAll(broker, topic));
  return read;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((broker) => broker.close()));
});

describeWithServers('delivery exactly once on Kafka', () => {
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
    for (const written of tried) await expect(written).rejects.toBeInstanceOf(StaleEpochError);
    expect(zombie!.isStale()).toBe(true);
    expect(frozen.lines.filter((line) => line.includes('INVALID_PRODUCER_EPOCH'))).toHaveLength(1);

    await owner!.write({ records: [record('second owner')], positions: new Map([[input, 2]]) });
    expect(await readEnough(next.broker, output, 2)).toEqual(['first owner', 'second owner']);
    expect(await owner!.committed()).toEqual(new Map([[input, 2]]));
    clock.thaw();
  });

  test('a process that is killed in the middle of a transaction: its records are never seen, and the next owner ends it at once', async () => {
    const { broker } = await open();
    const [input, output] = (await makeTopics(broker, 2)) as [string, string];
    const group = fresh('group');
    const program = `
      const { Kafka } = require('kafkajs');
      (async () => {
        const producer = new Kafka({ brokers: [process.argv[1]], logLevel: 0 })
          .producer({ transactionalId: process.argv[2] + '-0', maxInFlightRequests: 1, transactionTimeout: 600000 });
        await producer.connect();
        const transaction = await producer.transaction();
        await transaction.send({ topic: process.argv[4], messages: [{ partition: 0, key: 'k', value: 'killed' }] });
        const topics = [{ topic: process.argv[3], partitions: [{ partition: 0, offset: '5' }] }];
        await transaction.sendOffsets({ consumerGroupId: process.argv[2], topics });
        console.log('open');
        setInterval(() => {}, 1000);
      })();`;
    const victim = start(process.execPath, ['-e', program, kafkaAddress(), group, input, output]);
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
  });

  test('a topic that has gone is told by its word, and what is written to others is not held up', async () => {
    const { broker } = await open({ deliveryTimeoutMs: 1_500 });
    const [input, kept, gone] = (await makeTopics(broker, 3)) as [string, string, string];
    const member = await joinGroup(broker, { group: fresh('group'), topics: [input], delivery });
    const [owner] = await member.owning(1);
    const record = (topic: string) => ({ topic, key: 'k', value: text('v') });
    await owner!.write({ records: [record(kept), record(gone)] });
    const other = await open();
    await other.broker.deleteTopics([gone]);
    await untilGone(other.broker, gone);
    const written = owner!.write({ records: [record(kept), record(gone)] });
    await expect(written).rejects.toThrow(/UNKNOWN_TOPIC_OR_PARTITION/);
    await owner!.write({ records: [record(kept)] });
    expect(await readEnough(broker, kept, 2)).toEqual(['v', 'v']);
    expect(member.failures).toEqual([]);
  });

  test('a write that is under way when the group rebalances is finished before its partition goes to another', async () => {
    const { broker, lines } = await open();
    const [input, output] = (await makeTopics(broker, 2)) as [string, string];
    const group = fresh('group');
    const one = await joinGroup(broker, { group, topics: [input], delivery });
    const [consumer] = await one.owning(1);
    let written = 0;
    const writing = (async () => {
      for (;;) {
        await consumer!.write({
          records: [{ topic: output, key: 'k', value: text(written) }],
          positions: new Map([[input, written + 1]]),
        });
        written++;
      }
    })();
    writing.catch(() => {});
    await eventually(() => written > 3);
    const two = await joinGroup((await open()).broker, { group, topics: [input], delivery });
    await expect(writing).rejects.toBeInstanceOf(StaleEpochError);
    await eventually(() => [one, two].some((member) => member.consumers().some((owner) => !owner.isStale())));
    const owner = [one, two].flatMap((member) => member.consumers()).find((candidate) => !candidate.isStale());
    // Each was told what became of its write: nothing was cut off with its outcome unknown.
    expect(await owner!.committed()).toEqual(new Map([[input, written]]));
    expect(await readEnough(broker, output, written)).toEqual(Array.from({ length: written }, (_, n) => `${n}`));
    expect(lines.filter((line) => line.includes('asked for anew'))).toEqual([]);
  });
});
