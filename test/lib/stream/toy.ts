/** A toy world for tests of the runtime: JSON topics, and the real runtime on the memory broker and a virtual clock. */

import { createMemoryBroker, type MemoryBroker, type Unkindness } from '../../../lib/adapters/memory/memory-broker';
import { createMemoryKeyValue } from '../../../lib/adapters/memory/memory-key-value';
import { createVirtualClock, type VirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import { UndecodableError } from '../../../lib/avro/codec';
import type { Headers, LogRecord } from '../../../lib/ports/broker';
import { seededRandom } from '../../../lib/random/seeded';
import type { ServiceDefinition } from '../../../lib/stream/define-service';
import { defaultRuntimeLimits, type Host, type RuntimeLimits } from '../../../lib/stream/host';
import { ensureServiceTopics } from '../../../lib/stream/run-engine';
import { type RunningService, runService } from '../../../lib/stream/run-service';
import { createLog } from '../../../lib/telemetry/log';
import { createMetrics } from '../../../lib/telemetry/metrics';
import type { Topic } from '../../../lib/topics/define-topic';

export interface Order {
  id: string;
  key: string;
  amount: number;
}

export interface Tally {
  key: string;
  count: number;
  sum: number;
  dueAtMs: number | null;
}

/** A topic whose records are JSON, so that tests need no schema. `schemaId` is never used. */
export function jsonTopic<T>(
  name: string,
  keyOf: (value: T) => string,
  options: Partial<Pick<Topic<T>, 'kind' | 'partitions' | 'maxRecordBytes'>> = {},
): Topic<T> {
  return {
    name,
    kind: 'stream',
    partitions: 'requestPath',
    retentionMs: null,
    maxRecordBytes: 100_000,
    keyOf,
    doc: name,
    ...options,
    codec: {
      schemaName: name,
      schemaId: 1,
      encode: (value) => Buffer.from(JSON.stringify(value)),
      decode: fromJson<T>,
      decodeFields: fromJson<T>,
      partDecoder: (part) => (bytes) =>
        Object.fromEntries(Object.entries(fromJson<object>(bytes)).filter(([name]) => name in part)) as Partial<T>,
    },
  };
}

function fromJson<T>(bytes: Buffer): T {
  try {
    return JSON.parse(bytes.toString()) as T;
  } catch (error) {
    throw new UndecodableError('not JSON', { cause: error });
  }
}

export const orders = jsonTopic<Order>('toy.orders', (order) => order.key);
export const refunds = jsonTopic<Order>('toy.refunds', (order) => order.key);
export const receipts = jsonTopic<Order>('toy.receipts', (order) => order.key);
export const tallies = jsonTopic<Tally>('toy.tallies', (tally) => tally.key, { kind: 'table' });
export const prices = jsonTopic<Order>('toy.prices', (order) => order.key, { kind: 'table', partitions: 'one' });
export const ledger = jsonTopic<Order>('toy.ledger', (order) => order.id, { partitions: 'one' });

export interface World {
  readonly clock: VirtualClock;
  readonly broker: MemoryBroker;
  readonly host: Host;
  readonly fatal: { group: string; error: Error }[];
  /** Makes the service's topics and starts it; waits until it has settled, ready or not. */
  start(definition: ServiceDefinition, host?: Partial<Host>): Promise<RunningService>;
  put<T>(topic: Topic<T>, values: readonly T[], headers?: Headers): Promise<void>;
  putRaw(
    topic: string,
    records: readonly { key: string | null; value: Buffer | null; partition?: number; headers?: Headers }[],
  ): Promise<void>;
  /** Decoded records of a topic: by partition, then offset. Tombstones are null. */
  read<T>(topic: Topic<T>): (T | null)[];
  raw(topic: string): readonly LogRecord[];
}

export function createWorld(
  options: {
    limits?: Partial<RuntimeLimits>;
    partitions?: number;
    unkindness?: Unkindness;
    seed?: number;
    topicPrefix?: string;
  } = {},
): World {
  const { seed = 1, topicPrefix = '', unkindness } = options;
  const clock = createVirtualClock();
  const broker = createMemoryBroker({
    clock,
    random: seededRandom(seed, 'broker'),
    ...(unkindness && { unkindness }),
  });
  const fatal: World['fatal'] = [];
  const host: Host = {
    broker,
    keyValue: createMemoryKeyValue({ clock }),
    clock,
    elapsedMs: () => clock.monotonicMs(),
    createRandom: (...labels) => seededRandom(seed, ...labels),
    metrics: createMetrics(),
    log: createLog({ level: 'silent' }),
    limits: {
      ...{ ...defaultRuntimeLimits, commitIntervalMs: 100, fewRecords: 0, fewGatheredRecords: 0 },
      ...options.limits,
    },
    requestPathPartitions: options.partitions ?? 1,
    topicPrefix,
    onFatal: (group, error) => fatal.push({ group, error }),
  };
  const producer = broker.producer('test');
  return {
    clock,
    broker,
    host,
    fatal,
    async start(definition, changes = {}) {
      await ensureServiceTopics([definition], host);
      const service = runService(definition, { ...host, ...changes });
      await clock.settle();
      return service;
    },
    async put(topic, values, headers) {
      await producer.send(
        values.map((value) => ({
          topic: topicPrefix + topic.name,
          key: topic.keyOf(value),
          value: topic.codec.encode(value),
          ...(headers && { headers }),
        })),
      );
      await clock.settle();
    },
    async putRaw(topic, records) {
      await producer.send(records.map((record) => ({ topic, ...record })));
      await clock.settle();
    },
    read: (topic) =>
      broker.records(topicPrefix + topic.name).map(({ value }) => (value === null ? null : topic.codec.decode(value))),
    raw: (topic) => broker.records(topic),
  };
}

/** Orders with ids `first..last`, all of one key. */
export function ordersOf(key: string, first: number, last: number): Order[] {
  return Array.from({ length: last - first + 1 }, (_, i) => ({ id: `${key}${first + i}`, key, amount: first + i }));
}
