/**
 * The Kafka adapter on three nodes: what one dead node stops, and what it must not. Who waits for all copies waits for a dead
 * one too, until Kafka has given up on it (9 s): so the partitions that must go on here have no copy on it.
 */
import { randomUUID } from 'node:crypto';
import type { LocalServer } from '../../infra/local-servers';
import { identify } from '../../infra/server-process';
import { type KafkaBroker, openKafkaBroker } from '../../lib/adapters/kafka/kafka-broker';
import { defaultKafkaSettings } from '../../lib/adapters/kafka/kafka-settings';
import { systemClock } from '../../lib/adapters/system';
import { StaleEpochError } from '../../lib/ports/broker';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import { describeWithCluster } from '../cluster';
import { eventually, onAdded, readAll, textOf } from '../contract/broker-member';
import { makeTopics, untilDone, withAdmin } from '../kafka-admin';

const clock = systemClock();
const victim = 3;
/** Nodes that keep each partition; the first leads it. */
const copies = [
  [1, 2],
  [2, 1],
  [3, 1],
  [1, 2],
  [3, 2],
  [2, 1],
];
const partitions = copies.length;
const living = copies.flatMap((nodes, partition) => (nodes.includes(victim) ? [] : [partition]));

interface Stand {
  readonly broker: KafkaBroker;
  readonly topic: string;
  readonly lines: string[];
  readonly failures: Error[];
  /** Values acknowledged, handled and followed, by partition. */
  readonly sent: string[][];
  readonly handled: string[][];
  readonly followed: string[][];
  /** When something of the partition was last acknowledged, and handled; monotonic. */
  readonly gaps: { readonly sent: Gap[]; readonly handled: Gap[] };
  /** Ends the writers and resolves when all that they sent is acknowledged. */
  finish(): Promise<void>;
}

/** The longest time between two events. */
class Gap {
  longestMs = 0;
  private lastMs = clock.monotonicMs();

  note(): void {
    const nowMs = clock.monotonicMs();
    this.longestMs = Math.max(this.longestMs, nowMs - this.lastMs);
    this.lastMs = nowMs;
  }

  restart(): void {
    this.longestMs = 0;
    this.lastMs = clock.monotonicMs();
  }
}

const perPartition = <T>(make: () => T): T[] => Array.from({ length: partitions }, () => make());

describeWithCluster('the Kafka adapter on three nodes', (cluster) => {
  const opened: KafkaBroker[] = [];
  const writing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    const node = nodeOf(victim);
    await node.kill('SIGCONT');
    if (identify(node.pid) === null) await node.restart();
    await Promise.all(writing.splice(0).map((finish) => finish()));
    await Promise.all(opened.splice(0).map((broker) => broker.close()));
  });

  async function open(addresses = cluster().addresses) {
    const lines: string[] = [];
    const log = createLog({ level: 'info', destination: { write: (line) => void lines.push(line) } });
    const broker = await openKafkaBroker(
      { ...defaultKafkaSettings, brokers: addresses },
      { clock, log, metrics: createMetrics() },
    );
    opened.push(broker);
    return { broker, lines };
  }

  /** Writers, a group and a follower on every partition, each of which goes on for itself. */
  async function stand(): Promise<Stand> {
    const { broker, lines } = await open();
    const topic = `cluster-${randomUUID()}`;
    await withAdmin(cluster().plainAddresses, (admin) =>
      makeTopics(admin, [
        {
          topic,
          replicaAssignment: copies.map((replicas, partition) => ({ partition, replicas })),
          configEntries: [{ name: 'min.insync.replicas', value: '1' }],
        },
      ]),
    );
    // As every service does: the node that this one asks may be the last to hear of the topic.
    const settings = {
      partitions: copies.length,
      cleanup: 'delete',
      retentionMs: null,
      maxRecordBytes: 1_000,
    } as const;
    await broker.ensureTopics([{ name: topic, ...settings }]);
    const failures: Error[] = [];
    const onFailed = (error: Error): void => void failures.push(error);
    const [sent, handled, followed] = [
      perPartition<string[]>(() => []),
      perPartition<string[]>(() => []),
      perPartition<string[]>(() => []),
    ];
    const gaps = { sent: perPartition(() => new Gap()), handled: perPartition(() => new Gap()) };
    await broker.follow({
      topic,
      startAt: 'earliest',
      onRecords: (records) => {
        for (const { partition, value } of records) followed[partition]!.push(value!.toString());
      },
      onFailed,
    });
    await broker.join({
      group: topic,
      topics: [topic],
      startAt: 'earliest',
      onFailed,
      onAssigned: onAdded((consumer) => {
        void (async () => {
          for (;;) {
            const records = await consumer.poll({ maxRecords: 100, maxWaitMs: 500 });
            handled[consumer.partition]!.push(...(textOf(records) as string[]));
            const last = records.at(-1);
            if (!last) continue;
            gaps.handled[consumer.partition]!.note();
            await consumer.write({ records: [], positions: new Map([[topic, last.offset + 1]]) });
          }
        })().catch((error) => error instanceof StaleEpochError || onFailed(error as Error));
      }),
    });
    const producer = broker.producer('cluster');
    let going = true;
    const writers = perPartition(() => null).map(async (_nothing, partition) => {
      for (let n = 0; going; n++) {
        await producer.send([{ topic, partition, key: 'k', value: Buffer.from(`${n}`) }]);
        sent[partition]!.push(`${n}`);
        gaps.sent[partition]!.note();
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    });
    const finish = async (): Promise<void> => {
      going = false;
      await Promise.all(writers);
    };
    writing.push(finish);
    await eventually(() => handled.every(({ length }) => length > 5) && followed.every(({ length }) => length > 5));
    return { broker, topic, lines, failures, sent, handled, followed, gaps, finish };
  }

  const nodeOf = (id: number): LocalServer => cluster().nodes[id - 1]!;

  test.each(['SIGKILL', 'SIGSTOP'] as const)(
    'a node that is gone (%s) stops its own partitions for a while, and no others',
    async (how) => {
      const { broker, topic, lines, failures, sent, handled, followed, gaps, finish } = await stand();
      for (const gap of [...gaps.sent, ...gaps.handled]) gap.restart();
      const before = sent.map(({ length }) => length);
      await nodeOf(victim).kill(how);
      // Until the others lead what it has led.
      await eventually(() => sent.every(({ length }, partition) => length > before[partition]! + 20));
      await eventually(() => handled.every((values, partition) => new Set(values).size > before[partition]! + 20));
      for (const way of [gaps.sent, gaps.handled]) {
        // On a busy machine everything takes longer, but what the dead node led stands still longer, too.
        const limitMs = Math.max(4_000, ...way.map(({ longestMs }) => longestMs * 0.75));
        for (const partition of living) expect(way[partition]!.longestMs).toBeLessThan(limitMs);
      }
      if (how === 'SIGSTOP') await nodeOf(victim).kill('SIGCONT');
      else await nodeOf(victim).restart();
      await finish();
      for (const [partition, values] of sent.entries()) {
        let read = textOf(await readAll(broker, topic, partition));
        // A node that was away believes for a moment that it leads still, and tells how long its log was then.
        while (read.length < values.length) read = textOf(await readAll(broker, topic, partition));
        expect(read).toEqual(values);
      }
      await eventually(() => sent.every((values, p) => new Set(handled[p]).size === values.length));
      await eventually(() => sent.every((values, p) => followed[p]!.length === values.length));
      expect(failures).toEqual([]);
      const node = nodeOf(victim).address;
      const told = lines.map((line) => JSON.parse(line) as { msg: string; node?: string });
      const gone = told.filter(({ msg }) => msg.includes('Kafka does not answer'));
      expect(gone).toEqual([expect.objectContaining({ node })]);
      // Nobody need ask it anything before it leads again.
      expect(told.filter(({ msg }) => msg.includes('Kafka answers again')).length).toBeLessThanOrEqual(1);
    },
  );

  test('topics are kept three times, and written when two have them, unless somebody says otherwise', async () => {
    const { broker } = await open();
    const name = `cluster-${randomUUID()}`;
    await broker.ensureTopics([{ name, partitions: 2, cleanup: 'delete', retentionMs: null, maxRecordBytes: 1_000 }]);
    await withAdmin(cluster().plainAddresses, async (admin) => {
      // The node that is asked may hear of the topic later than the one that was waited for.
      const { topics } = await untilDone(() => admin.fetchTopicMetadata({ topics: [name] }));
      expect(topics[0]!.partitions.map(({ replicas }) => replicas.length)).toEqual([3, 3]);
      const resource = { type: 2, name, configNames: ['min.insync.replicas'] };
      const { resources } = await untilDone(() =>
        admin.describeConfigs({ includeSynonyms: false, resources: [resource] }),
      );
      expect(resources[0]!.configEntries[0]!.configValue).toBe('2');
    });
  });
});
