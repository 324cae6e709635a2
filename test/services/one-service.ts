/** One service alone on the memory broker and a virtual clock: records in, records out, crash and restart. */

import { createMemoryBroker, type MemoryBroker, type Unkindness } from '../../lib/adapters/memory/memory-broker';
import { createMemoryKeyValue } from '../../lib/adapters/memory/memory-key-value';
import { createVirtualClock, type VirtualClock } from '../../lib/adapters/memory/virtual-clock';
import { codecOf } from '../../lib/avro/codec';
import type { OutgoingRecord } from '../../lib/ports/broker';
import type { KeyValue } from '../../lib/ports/key-value';
import { seededRandom } from '../../lib/random/seeded';
import type { ServiceDefinition } from '../../lib/stream/define-service';
import { defaultRuntimeLimits, type Host, type RuntimeLimits } from '../../lib/stream/host';
import { type RunningService, runService } from '../../lib/stream/run-service';
import { createLog, type Log } from '../../lib/telemetry/log';
import { createMetrics, type Metrics } from '../../lib/telemetry/metrics';
import type { AnyTopic } from '../../lib/topics/define-topic';
import { settingsOf, type Topic } from '../../lib/topics/define-topic';
import type { DeadLetter } from '../../lib/topics/generated/messages';
import { partitionOf } from '../../lib/topics/partition-of';
import { deadLetterTopicName, topics } from '../../lib/topics/topics';

const deadLetters = codecOf<DeadLetter>('DeadLetter');

export interface World {
  readonly clock: VirtualClock;
  readonly broker: MemoryBroker;
  readonly keyValue: KeyValue;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly host: Host;
  readonly fatal: Error[];
  /** Writes records to a topic (to the partition of their key unless told) and lets everything run that needs no time. */
  send<T>(topic: Topic<T>, values: readonly T[], options?: { partition?: number }): Promise<void>;
  /** Every record of a topic, decoded, in order of partition and offset; tombstones left out. */
  out<T>(topic: Topic<T>): T[];
  deadLetters(topic: AnyTopic): DeadLetter[];
  /** `gathers`: its records gather as they do in an engine, and it commits as late; time has to be advanced for it. */
  start(definition: ServiceDefinition, options?: { readonly gathers?: boolean }): Promise<RunningService>;
  /** The service loses its partitions, and with them all it had not committed, and gets them again: as after a crash. */
  crash(group: string): Promise<void>;
}

export interface WorldOptions {
  readonly partitions?: number;
  readonly seed?: number;
  readonly unkindness?: Unkindness;
  readonly limits?: Partial<RuntimeLimits>;
}

export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const { partitions = 2, seed = 1 } = options;
  const clock = createVirtualClock();
  const random = seededRandom(seed, 'broker');
  const broker = createMemoryBroker({ clock, random, ...(options.unkindness && { unkindness: options.unkindness }) });
  const keyValue = createMemoryKeyValue({ clock, maxEntries: 10_000 });
  const metrics = createMetrics();
  const log = createLog({ level: 'silent' });
  const fatal: Error[] = [];
  const all = Object.values(topics);
  await broker.ensureTopics(
    all.flatMap((topic) => {
      const settings = settingsOf(topic, partitions);
      return [settings, { ...settings, name: deadLetterTopicName(topic.name), cleanup: 'delete' as const }];
    }),
  );
  const host: Host = {
    broker,
    keyValue,
    clock,
    elapsedMs: () => clock.monotonicMs(),
    createRandom: (...labels) => seededRandom(seed, ...labels),
    metrics,
    log,
    limits: { ...defaultRuntimeLimits, ...options.limits },
    requestPathPartitions: partitions,
    topicPrefix: '',
    onFatal: (_group, error) => fatal.push(error),
  };
  const producer = broker.producer('test');
  return {
    clock,
    broker,
    keyValue,
    metrics,
    log,
    host,
    fatal,
    async send(topic, values, { partition } = {}) {
      const records = values.map((value): OutgoingRecord => {
        const key = topic.keyOf(value);
        const of = topic.partitions === 'one' ? 0 : (partition ?? partitionOf(key, partitions));
        return { topic: topic.name, partition: of, key, value: topic.codec.encode(value) };
      });
      const sent = producer.send(records);
      await clock.settle();
      await sent;
    },
    out: (topic) =>
      broker.records(topic.name).flatMap(({ value }) => (value === null ? [] : [topic.codec.decode(value)])),
    deadLetters: (topic) =>
      broker.records(deadLetterTopicName(topic.name)).map(({ value }) => deadLetters.decode(value!)),
    async start(definition, { gathers = false } = {}) {
      // What a service does is mostly the same without gathering records first.
      const service = runService(gathers ? definition : { ...definition, lingerMs: 0 }, host);
      await clock.settle();
      await service.ready;
      return service;
    },
    async crash(group) {
      broker.rebalance(group);
      await clock.settle();
    },
  };
}
