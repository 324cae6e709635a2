/** The Kafka adapter while its broker is killed, frozen and started again: nothing acknowledged is lost, and everything goes on by itself. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type LocalServer, startKafka } from '../../infra/local-servers';
import { type KafkaBroker, openKafkaBroker } from '../../lib/adapters/kafka/kafka-broker';
import { defaultKafkaSettings } from '../../lib/adapters/kafka/kafka-settings';
import { systemClock } from '../../lib/adapters/system';
import { StaleEpochError, TransientError } from '../../lib/ports/broker';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import { eventually, onAdded, readAll, textOf } from '../contract/broker-member';
import { patienceMs } from '../patience';
import { describeWithServers } from '../servers';
import { atEnd } from '../started';

const clock = systemClock();
const topic = 'outage';
const partitions = 2;

interface Stand {
  readonly server: LocalServer;
  readonly broker: KafkaBroker;
  readonly lines: string[];
  readonly failures: Error[];
  /** Values handled by the group, by partition; again after a rebalance. */
  readonly handled: string[][];
  readonly followed: string[];
}

/** Tries again, as whoever writes does, what is given up because it took too long. */
async function untilTaken<T>(write: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await write();
    } catch (error) {
      if (error instanceof StaleEpochError || !(error instanceof TransientError)) throw error;
    }
  }
}

/** `commit` writes what the group has handled. */
async function stand(
  directory: string,
  deliveryTimeoutMs: number,
  commit: (write: () => Promise<unknown>) => Promise<unknown>,
): Promise<Stand> {
  const server = await startKafka({ directory });
  atEnd(() => server.stop());
  const lines: string[] = [];
  const log = createLog({ level: 'info', destination: { write: (line) => void lines.push(line) } });
  const broker = await openKafkaBroker(
    { ...defaultKafkaSettings, brokers: [server.address], requestTimeoutMs: 3_000, deliveryTimeoutMs },
    { clock, log, metrics: createMetrics() },
  );
  await broker.ensureTopics([{ name: topic, partitions, cleanup: 'delete', retentionMs: null, maxRecordBytes: 1_000 }]);
  const failures: Error[] = [];
  const onFailed = (error: Error): void => void failures.push(error);
  const followed: string[] = [];
  const onRecords = (records: Parameters<typeof textOf>[0]): void =>
    void followed.push(...(textOf(records) as string[]));
  await broker.follow({ topic, startAt: 'earliest', onRecords, onFailed });
  const handled: string[][] = Array.from({ length: partitions }, () => []);
  await broker.join({
    group: 'outage',
    topics: [topic],
    startAt: 'earliest',
    onFailed,
    onAssigned: onAdded((consumer) => {
      void (async () => {
        for (;;) {
          const records = await consumer.poll({ maxRecords: 100, maxWaitMs: 500 });
          handled[consumer.partition]!.push(...(textOf(records) as string[]));
          const last = records.at(-1);
          if (last) await commit(() => consumer.write({ records: [], positions: new Map([[topic, last.offset + 1]]) }));
        }
      })().catch((error) => error instanceof StaleEpochError || onFailed(error as Error));
    }),
  });
  return { server, broker, lines, failures, handled, followed };
}

describeWithServers('the Kafka adapter and a broker that goes and comes', () => {
  let directory: string;
  let standing: Stand | undefined;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'quantum-router-outage-'));
  });
  afterEach(async () => {
    await standing?.broker.close();
    await standing?.server.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  test('killed and started again: sends in progress arrive, groups and followers go on', async () => {
    // Nothing may be given up here, so nothing is tried again.
    standing = await stand(directory, patienceMs, (write) => write());
    const { server, broker, handled, followed, failures, lines } = standing;
    const producer = broker.producer('outage');
    let sent = 0;
    const sendOne = async (): Promise<void> => {
      const n = sent++;
      await producer.send([{ topic, partition: n % partitions, key: 'k', value: Buffer.from(`${n}`) }]);
    };
    for (let i = 0; i < 50; i++) await sendOne();
    await eventually(() => followed.length === 50);

    await server.kill('SIGKILL');
    const during = Array.from({ length: 100 }, () => sendOne());
    await eventually(() => lines.some((line) => line.includes('Kafka does not answer')));
    await server.restart();
    await Promise.all(during);
    for (let i = 0; i < 50; i++) await sendOne();

    const all = Array.from({ length: sent }, (_, n) => `${n}`);
    const byPartition = Array.from({ length: partitions }, (_, p) => all.filter((_value, n) => n % partitions === p));
    // Each exactly once and in order: a try again of the same producer is recognised by the broker.
    for (const [p, expected] of byPartition.entries())
      expect(textOf(await readAll(broker, topic, p))).toEqual(expected);
    await eventually(() => followed.length === sent);
    expect([...followed].sort()).toEqual([...all].sort());
    await eventually(() => byPartition.every((expected, p) => new Set(handled[p]).size === expected.length));
    expect(failures).toEqual([]);
    expect(lines.some((line) => line.includes('Kafka answers again'))).toBe(true);
  });

  test('frozen for longer than a write may take: the write is given up as transient, and later ones arrive', async () => {
    standing = await stand(directory, 1_500, untilTaken);
    const { server, broker, handled, failures } = standing;
    const producer = broker.producer('outage');
    const send = (value: string) => producer.send([{ topic, partition: 0, key: 'k', value: Buffer.from(value) }]);
    await untilTaken(() => send('before'));
    await server.kill('SIGSTOP');
    await expect(send('lost or not')).rejects.toBeInstanceOf(TransientError);
    await server.kill('SIGCONT');
    // Whether or not the given-up one was appended, the next must not be taken for it.
    let tries = 0;
    await untilTaken(() => send(`after ${tries++}`));
    const values = textOf(await readAll(broker, topic, 0));
    expect(values[0]).toBe('before');
    expect(values.at(-1)).toMatch(/^after/);
    await eventually(() => handled[0]!.at(-1) === values.at(-1));
    expect(failures.filter((error) => !(error instanceof TransientError))).toEqual([]);
  });
});
