/** Transactions on three nodes: one that dies, or stands still, in the middle of them. A file each: Kafka takes its time to miss it. */
import { randomUUID } from 'node:crypto';
import type { LocalServer } from '../../infra/local-servers';
import { identify } from '../../infra/server-process';
import { type KafkaBroker, openKafkaBroker } from '../../lib/adapters/kafka/kafka-broker';
import { defaultKafkaSettings } from '../../lib/adapters/kafka/kafka-settings';
import { systemClock } from '../../lib/adapters/system';
import { type PartitionConsumer, StaleEpochError, type TopicSettings, TransientError } from '../../lib/ports/broker';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import { describeWithCluster } from '../cluster';
import { eventually, onAdded, readAll, textOf } from '../contract/broker-member';

const clock = systemClock();
const victim = 3;

export function testNodeLost(how: 'SIGKILL' | 'SIGSTOP'): void {
  describeWithCluster('delivery exactly once on three nodes', (cluster) => {
    const opened: KafkaBroker[] = [];
    const writing: (() => Promise<void>)[] = [];
    const nodeOf = (id: number): LocalServer => cluster().nodes[id - 1]!;
    afterEach(async () => {
      const node = nodeOf(victim);
      await node.kill('SIGCONT');
      if (identify(node.pid) === null) await node.restart();
      await Promise.all(writing.splice(0).map((finish) => finish()));
      await Promise.all(opened.splice(0).map((broker) => broker.close()));
    });

    async function open(): Promise<KafkaBroker> {
      const log = createLog({ level: 'silent' });
      const settings = { ...defaultKafkaSettings, brokers: cluster().addresses };
      const broker = await openKafkaBroker(settings, { clock, log, metrics: createMetrics() });
      opened.push(broker);
      return broker;
    }

    test(`a node that is gone (${how}) in the middle of transactions loses nothing and doubles nothing`, async () => {
      const broker = await open();
      const names = ['input', 'output'].map((name) => `cluster-${name}-${randomUUID()}`) as [string, string];
      const [input, output] = names;
      const count = 3;
      const wanted: readonly TopicSettings[] = names.map((name) => {
        return { name, partitions: count, cleanup: 'delete', retentionMs: null, maxRecordBytes: 1_000 };
      });
      await broker.ensureTopics(wanted);
      const failures: Error[] = [];
      const copied = Array.from({ length: count }, () => 0);
      const copy = async (consumer: PartitionConsumer): Promise<void> => {
        for (;;) {
          const records = await consumer.poll({ maxRecords: 20, maxWaitMs: 500 });
          const last = records.at(-1);
          if (!last) continue;
          await consumer.write({
            records: records.map(({ key, value, partition }) => ({ topic: output, partition, key, value })),
            positions: new Map([[input, last.offset + 1]]),
          });
          copied[consumer.partition]! += records.length;
        }
      };
      for (const member of [await open(), await open()]) {
        // As every service does: the node that this one asks may be the last to hear of them.
        await member.ensureTopics(wanted);
        await member.join({
          group: input,
          topics: [input],
          startAt: 'earliest',
          delivery: 'exactly-once',
          onFailed: (error) => failures.push(error),
          onAssigned: onAdded((consumer) => void again(consumer)),
        });
      }
      /** As the runtime does: a failure that may pass is tried again from the committed positions. */
      async function again(consumer: PartitionConsumer): Promise<void> {
        for (;;) {
          try {
            return await copy(consumer);
          } catch (error) {
            if (error instanceof StaleEpochError) return;
            if (!(error instanceof TransientError)) return void failures.push(error as Error);
            const position = (await consumer.committed()).get(input) ?? 0;
            consumer.seek(input, position);
          }
        }
      }
      const sent = Array.from({ length: count }, (): string[] => []);
      const producer = broker.producer('cluster');
      let going = true;
      const writers = sent.map(async (values, partition) => {
        for (let n = 0; going; n++) {
          await producer.send([{ topic: input, partition, key: 'k', value: Buffer.from(`${n}`) }]);
          values.push(`${n}`);
          await new Promise((resolve) => setTimeout(resolve, 10));
        }
      });
      writing.push(async () => {
        going = false;
        await Promise.all(writers);
      });
      const everywhere = (least: number) => sent.every((_values, partition) => copied[partition]! > least);
      await eventually(() => everywhere(10));
      await nodeOf(victim).kill(how);
      const before = Math.max(...copied);
      await eventually(() => everywhere(before + 50));
      if (how === 'SIGSTOP') await nodeOf(victim).kill('SIGCONT');
      else await nodeOf(victim).restart();
      const back = Math.max(...copied);
      await eventually(() => everywhere(back + 50));
      going = false;
      await Promise.all(writers);
      for (const [partition, values] of sent.entries()) {
        let read = textOf(await readAll(broker, output, partition));
        while (read.length < values.length) read = textOf(await readAll(broker, output, partition));
        expect(read).toEqual(values);
      }
      expect(failures).toEqual([]);
    });
  });
}
