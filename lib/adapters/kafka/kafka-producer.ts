/**
 * The way in: gives records their partition, refuses what cannot be taken before it is queued, and hands the rest to the lane
 * of the node that leads the partition. Each lane has one batch out and a producer id of its own, so a node that does not
 * answer holds up its own partitions and no others.
 */
import { type OutgoingRecord, RecordTooLargeError, StaleEpochError, type TopicSettings } from '../../ports/broker';
import type { Clock } from '../../ports/clock';
import type { Log } from '../../telemetry/log';
import type { Metrics } from '../../telemetry/metrics';
import { partitionOf } from '../../topics/partition-of';
import { IdempotentDelivery } from './idempotent-delivery';
import type { KafkaConnections } from './kafka-connections';
import type { KafkaSettings } from './kafka-settings';
import { type BatcherLimits, type PlacedRecord, RecordBatcher } from './record-batcher';
import { batchOverheadBytes, type TopicCatalog } from './topic-catalog';
import { RecordTimes } from './wire/record-times';

/** What Kafka adds around a record; counted as the local brokers do. */
const overheadBytes = 64;
export const maxBatchBytes = 4 * 1_048_576;
const maxQueuedRecords = 50_000;
const maxQueuedBytes = 128 * 1_048_576;
const closeTimeoutMs = 5_000;

export interface SentPlace {
  readonly partition: number;
  readonly offset: number;
}

export interface ProducerEnvironment {
  readonly settings: KafkaSettings;
  readonly connections: KafkaConnections;
  readonly catalog: TopicCatalog;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** The lane of partitions whose leader is not known. */
const nobody = -1;

/** What goes to the partitions of one leading node. */
interface Lane {
  readonly batcher: RecordBatcher;
  readonly delivery: IdempotentDelivery;
}

/** Where the records of a partition go at the moment. */
interface Course {
  readonly lane: Lane;
  /** Sends that are not settled: until there are none, nothing may overtake them in another lane. */
  outstanding: number;
}

export class KafkaProducer {
  private readonly lanes = new Map<number, Lane>();
  /** By topic and partition, while something is on its way there. */
  private readonly courses = new Map<string, Course>();
  readonly times: RecordTimes;
  /** Topics whose leaders were asked for. */
  private readonly located = new Set<string>();
  /** Sends that look up a topic for the first time; later ones queue behind them. */
  private lookingUp: Promise<unknown> | null = null;
  private readonly limits: BatcherLimits;
  private readonly observeRecords: (value: number) => void;
  private readonly observeSeconds: (value: number) => void;

  constructor(private readonly environment: ProducerEnvironment) {
    const { settings, clock, log, metrics } = environment;
    this.times = new RecordTimes(clock, log);
    this.limits = {
      lingerMs: settings.lingerMs,
      maxBatchRecords: settings.maxBatchRecords,
      maxBatchBytes,
      maxQueuedRecords,
      maxQueuedBytes,
    };
    this.observeRecords = metrics.histogram('quantum_router_kafka_send_records', {});
    this.observeSeconds = metrics.histogram('quantum_router_kafka_send_seconds', {});
  }

  /** Resolves when all records are durable. `refusal` is asked just before records go out: an error ends the send with it. */
  async send(records: readonly OutgoingRecord[], refusal?: () => Error | null): Promise<readonly SentPlace[]> {
    if (records.length === 0) return [];
    const placed = await this.placed(records);
    try {
      const offsets = await this.sendInLanes(placed, refusal);
      return placed.map(({ partition }, i) => ({ partition, offset: offsets[i]! }));
    } catch (error) {
      if (!(error instanceof StaleEpochError)) this.forget(placed);
      throw error;
    }
  }

  /** The records with their partitions. Throws, naming the record, when a topic cannot take one. */
  async placed(records: readonly OutgoingRecord[]): Promise<readonly PlacedRecord[]> {
    const { catalog } = this.environment;
    const isNew = ({ topic }: OutgoingRecord): boolean => !catalog.remembered(topic) || !this.located.has(topic);
    if (this.lookingUp || records.some(isNew)) await this.lookUp(records);
    return this.place(records);
  }

  /** The topics of records that could not be sent may have changed, or gone: they are looked up before the next record. */
  forget(records: readonly PlacedRecord[]): void {
    for (const { topic } of records) this.environment.catalog.forget(topic);
  }

  /** Resolves when nothing is on its way any more; what cannot be delivered soon is given up. */
  async close(): Promise<void> {
    const lanes = [...this.lanes.values()];
    for (const { delivery } of lanes) delivery.hurry(closeTimeoutMs);
    await Promise.all(lanes.map(({ batcher }) => batcher.idle()));
  }

  /** Offsets in the order of the records. */
  private async sendInLanes(
    records: readonly PlacedRecord[],
    refusal: (() => Error | null) | undefined,
  ): Promise<readonly number[]> {
    const byLane = new Map<Lane, { records: PlacedRecord[]; at: number[] }>();
    const courses = new Set<string>();
    for (const [i, record] of records.entries()) {
      const place = `${record.partition}/${record.topic}`;
      const course = this.courseOf(record.topic, record.partition, place);
      if (!courses.has(place)) course.outstanding++;
      courses.add(place);
      let part = byLane.get(course.lane);
      if (!part) {
        part = { records: [], at: [] };
        byLane.set(course.lane, part);
      }
      part.records.push(record);
      part.at.push(i);
    }
    const offsets = new Array<number>(records.length);
    const parts = [...byLane].map(async ([{ batcher }, { records: ofLane, at }]) => {
      const places = await batcher.send(ofLane, refusal);
      for (const [k, i] of at.entries()) offsets[i] = places[k]!;
    });
    try {
      // All of them, also when one fails: what follows must not overtake what is still on its way.
      for (const sent of await Promise.allSettled(parts)) if (sent.status === 'rejected') throw sent.reason;
      return offsets;
    } finally {
      for (const place of courses) this.settle(place);
    }
  }

  private courseOf(topic: string, partition: number, place: string): Course {
    let course = this.courses.get(place);
    if (!course) {
      course = {
        lane: this.laneOf(this.environment.connections.knownLeader(topic, partition) ?? nobody),
        outstanding: 0,
      };
      this.courses.set(place, course);
    }
    return course;
  }

  private settle(place: string): void {
    const course = this.courses.get(place)!;
    course.outstanding--;
    if (course.outstanding === 0) this.courses.delete(place);
  }

  private laneOf(nodeId: number): Lane {
    const present = this.lanes.get(nodeId);
    if (present) return present;
    const { connections, clock, settings } = this.environment;
    const delivery = new IdempotentDelivery(connections, clock, this.times, settings);
    const deliver = async (records: readonly PlacedRecord[]): Promise<readonly number[]> => {
      const startedMs = clock.monotonicMs();
      const offsets = await delivery.deliver(records);
      this.observeRecords(records.length);
      this.observeSeconds((clock.monotonicMs() - startedMs) / 1_000);
      return offsets;
    };
    const lane = { batcher: new RecordBatcher(deliver, this.limits, clock), delivery };
    this.lanes.set(nodeId, lane);
    return lane;
  }

  /** In the order of the calls: what was sent later must not overtake. */
  private async lookUp(records: readonly OutgoingRecord[]): Promise<void> {
    const before = this.lookingUp;
    const lookUp = (async () => {
      await before;
      const { catalog, connections } = this.environment;
      for (const topic of new Set(records.map((record) => record.topic))) {
        await catalog.settings(topic);
        // So that its leaders are known. Without an answer the records wait where those without a leader do.
        if (!this.located.has(topic)) await connections.cluster([topic]).catch(() => {});
        this.located.add(topic);
      }
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
    const { catalog } = this.environment;
    const nowMs = this.times.nowMs();
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
  if (plainBytes > settings.maxRecordBytes || bytes > maxBatchBytesOfTopic)
    throw new RecordTooLargeError(topic, key, bytes, settings.maxRecordBytes);
  // A record from outside may carry any time, or none (-1), and is passed on all the same.
  const timestampMs = isTime(record.timestampMs) ? Math.trunc(record.timestampMs) : nowMs;
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

function isTime(timestampMs: number | undefined): timestampMs is number {
  return timestampMs !== undefined && timestampMs >= 0 && timestampMs <= Number.MAX_SAFE_INTEGER;
}

function headerBytes(headers: Readonly<Record<string, string>>): number {
  let bytes = 0;
  for (const name in headers) bytes += Buffer.byteLength(name) + Buffer.byteLength(headers[name]!) + 10;
  return bytes;
}
