/** The way in: gives records their partition, refuses what cannot be taken before it is queued, and hands the rest to the batcher. */
import { type OutgoingRecord, StaleEpochError, type TopicSettings } from '../../ports/broker';
import type { Clock } from '../../ports/clock';
import type { Metrics } from '../../telemetry/metrics';
import { partitionOf } from '../../topics/partition-of';
import { IdempotentDelivery } from './idempotent-delivery';
import type { KafkaSession } from './kafka-session';
import type { KafkaSettings } from './kafka-settings';
import { type PlacedRecord, RecordBatcher } from './record-batcher';
import { batchOverheadBytes, type TopicCatalog } from './topic-catalog';

/** What Kafka adds around a record; counted as the local brokers do. */
const overheadBytes = 64;
const maxBatchBytes = 4 * 1_048_576;
const maxQueuedRecords = 50_000;
const maxQueuedBytes = 128 * 1_048_576;
const closeTimeoutMs = 5_000;

export interface SentPlace {
  readonly partition: number;
  readonly offset: number;
}

export interface ProducerEnvironment {
  readonly settings: KafkaSettings;
  readonly session: KafkaSession;
  readonly catalog: TopicCatalog;
  readonly clock: Clock;
  readonly metrics: Metrics;
}

export class KafkaProducer {
  private readonly batcher: RecordBatcher;
  private readonly delivery: IdempotentDelivery;
  /** Sends that look up a topic for the first time; later ones queue behind them. */
  private lookingUp: Promise<unknown> | null = null;

  constructor(private readonly environment: ProducerEnvironment) {
    const { settings, session, clock, metrics } = environment;
    const delivery = new IdempotentDelivery(session, clock, settings);
    this.delivery = delivery;
    const observeRecords = metrics.histogram('quantum_router_kafka_send_records', {});
    const observeSeconds = metrics.histogram('quantum_router_kafka_send_seconds', {});
    this.batcher = new RecordBatcher(
      async (records) => {
        const startedMs = clock.monotonicMs();
        const offsets = await delivery.deliver(records);
        observeRecords(records.length);
        observeSeconds((clock.monotonicMs() - startedMs) / 1_000);
        return offsets;
      },
      {
        lingerMs: settings.lingerMs,
        maxBatchRecords: settings.maxBatchRecords,
        maxBatchBytes,
        maxQueuedRecords,
        maxQueuedBytes,
      },
      clock,
    );
  }

  /** Resolves when all records are durable. `refusal` is asked just before records go out: an error ends the send with it. */
  async send(records: readonly OutgoingRecord[], refusal?: () => Error | null): Promise<readonly SentPlace[]> {
    if (records.length === 0) return [];
    const { catalog } = this.environment;
    if (this.lookingUp || records.some(({ topic }) => !catalog.remembered(topic))) await this.lookUp(records);
    const placed = this.place(records);
    try {
      const offsets = await this.batcher.send(placed, refusal);
      return placed.map(({ partition }, i) => ({ partition, offset: offsets[i]! }));
    } catch (error) {
      // The topic may have changed, or gone: look again before the next record.
      if (!(error instanceof StaleEpochError)) for (const { topic } of placed) catalog.forget(topic);
      throw error;
    }
  }

  /** Resolves when nothing is on its way any more; what cannot be delivered soon is given up. */
  close(): Promise<void> {
    this.delivery.hurry(closeTimeoutMs);
    return this.batcher.idle();
  }

  /** In the order of the calls: what was sent later must not overtake. */
  private async lookUp(records: readonly OutgoingRecord[]): Promise<void> {
    const before = this.lookingUp;
    const lookUp = (async () => {
      await before;
      for (const topic of new Set(records.map((record) => record.topic)))
        await this.environment.catalog.settings(topic);
    })();
    const settled = lookUp.catch(() => {});
    this.lookingUp = settled;
    try {
      await lookUp;
    } finally {
      if (this.lookingUp === settled) this.lookingUp = null;
    }
  }

  private place(records: readonly OutgoingRecord[]): PlacedRecord[] {
    const { catalog, clock } = this.environment;
    const nowMs = clock.nowMs();
    return records.map((record) => placeRecord(record, catalog.remembered(record.topic)!, nowMs));
  }
}

/** Throws, naming the record, when its topic cannot take it. */
function placeRecord(record: OutgoingRecord, settings: TopicSettings, nowMs: number): PlacedRecord {
  const { topic, key, value, headers } = record;
  const partition = record.partition ?? (key === null ? 0 : partitionOf(key, settings.partitions));
  if (!Number.isInteger(partition) || partition < 0 || partition >= settings.partitions) {
    throw new Error(`topic ${topic} has partitions 0 to ${settings.partitions - 1}, not ${partition}`);
  }
  if (settings.cleanup === 'compact' && key === null) {
    throw new Error(`topic ${topic} is compacted: its records need a key`);
  }
  const plainBytes = (value?.length ?? 0) + (key === null ? 0 : Buffer.byteLength(key)) + overheadBytes;
  const bytes = plainBytes + (headers ? headerBytes(headers) : 0);
  const maxBatchBytesOfTopic = settings.maxRecordBytes + batchOverheadBytes - overheadBytes;
  if (plainBytes > settings.maxRecordBytes || bytes > maxBatchBytesOfTopic) {
    throw new Error(
      `record of ${bytes} bytes (key ${JSON.stringify(key)?.slice(0, 80)}) is too large for topic ${topic}, which takes ${settings.maxRecordBytes}`,
    );
  }
  const timestampMs = record.timestampMs ?? nowMs;
  if (!Number.isFinite(timestampMs) || timestampMs < 0) {
    throw new Error(`record for topic ${topic}: timestampMs ${timestampMs} is not a time since the epoch`);
  }
  return {
    topic,
    partition,
    key,
    value,
    timestampMs,
    bytes,
    maxBatchBytes: maxBatchBytesOfTopic,
    ...(headers && { headers }),
  };
}

function headerBytes(headers: Readonly<Record<string, string>>): number {
  let bytes = 0;
  for (const name in headers) bytes += Buffer.byteLength(name) + Buffer.byteLength(headers[name]!) + 10;
  return bytes;
}
