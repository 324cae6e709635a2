/**
 * What a log inside this process offers to `createLocalBroker`: partitions that can be read at once, and one way to
 * write. The memory and the embedded store differ here and nowhere else; groups, polls and followers are shared.
 */
import {
  type Headers,
  type LogRecord,
  type OutgoingRecord,
  RecordTooLargeError,
  type TopicSettings,
} from '../ports/broker';
import { partitionOf } from '../topics/partition-of';

/** Who reads a partition while it grows. */
export interface PartitionReader {
  /** The offset it reads next. */
  readonly next: number;
  /** Called after records have become readable. */
  onReadable(): void;
}

/** One partition. Readers see only what is durable; reads are synchronous. */
export interface LocalPartition {
  readonly settings: TopicSettings;
  readonly partition: number;
  /** Offset of the first record kept; equals `end` when there is none. */
  readonly earliest: number;
  readonly end: number;
  /** Up to `maxRecords` records from offset `from` on, in order. Empty only when there is none up to `end`. */
  read(from: number, maxRecords: number): LogRecord[];
  /** First offset whose record has `timestampMs` or later; `end` when there is none. */
  offsetAt(timestampMs: number): number;
  readonly readers: Set<PartitionReader>;
}

export interface LocalTopic {
  readonly settings: TopicSettings;
  readonly partitions: readonly LocalPartition[];
}

/** A record on its way in; the log sets the offset when it applies the batch. */
export interface PlacedRecord extends LogRecord {
  offset: number;
}

/** Applied as a whole or not at all. */
export interface AppendBatch {
  readonly records: readonly PlacedRecord[];
  readonly positions?: {
    readonly group: string;
    readonly partition: number;
    readonly offsets: ReadonlyMap<string, number>;
  };
  /** Asked when the batch is about to be applied: an error refuses it, and the append rejects with it. */
  readonly refusal?: () => Error | null;
  /** Batches of one source are applied in the order they came. */
  readonly source: object;
}

export interface LocalLog {
  topic(name: string): LocalTopic | undefined;
  topics(): readonly LocalTopic[];
  createTopics(settings: readonly TopicSettings[]): Promise<void>;
  /** Resolves when the batch is durable and readable. */
  append(batch: AppendBatch): Promise<void>;
  committed(group: string, topic: string, partition: number): number | null;
  /** Lets other work of the process run; long reads wait for it between chunks. */
  yieldTurn(): Promise<void>;
  close(): Promise<void>;
}

const noHeaders: Headers = Object.freeze({});
// What Kafka adds around a record; counting it keeps "too large" the same in every home, near enough.
const overheadBytes = 64;

/** Gives records their partition and time. Throws, naming the record, when one cannot be taken: then none is. */
export function placeRecords(log: LocalLog, records: readonly OutgoingRecord[], nowMs: number): PlacedRecord[] {
  return records.map((record) => {
    const topic = log.topic(record.topic);
    if (!topic) throw new Error(`topic ${record.topic} does not exist: create it with ensureTopics first`);
    const { settings } = topic;
    const partition = record.partition ?? (record.key === null ? 0 : partitionOf(record.key, settings.partitions));
    if (!Number.isInteger(partition) || partition < 0 || partition >= settings.partitions) {
      throw new Error(`topic ${record.topic} has partitions 0 to ${settings.partitions - 1}, not ${partition}`);
    }
    if (settings.cleanup === 'compact' && record.key === null) {
      throw new Error(`topic ${record.topic} is compacted: its records need a key`);
    }
    const bytes =
      (record.value?.length ?? 0) + (record.key === null ? 0 : Buffer.byteLength(record.key)) + overheadBytes;
    if (bytes > settings.maxRecordBytes)
      throw new RecordTooLargeError(record.topic, record.key, bytes, settings.maxRecordBytes);
    const timestampMs = record.timestampMs ?? nowMs;
    if (!Number.isFinite(timestampMs) || timestampMs < 0) {
      throw new Error(`record for topic ${record.topic}: timestampMs ${timestampMs} is not a time since the epoch`);
    }
    return {
      topic: record.topic,
      partition,
      offset: -1,
      timestampMs,
      key: record.key,
      value: record.value,
      headers: record.headers ?? noHeaders,
      decoded: record.decoded,
    };
  });
}

/** Refuses changed partitions with a readable difference; returns the topics that are still to be made. */
export function missingTopics(log: LocalLog, wanted: readonly TopicSettings[]): TopicSettings[] {
  const differences: string[] = [];
  const missing = wanted.filter((settings) => {
    if (!Number.isInteger(settings.partitions) || settings.partitions < 1) {
      differences.push(`${settings.name}: partitions must be a positive integer, not ${settings.partitions}`);
    }
    const existing = log.topic(settings.name)?.settings;
    if (existing && existing.partitions !== settings.partitions) {
      differences.push(`${settings.name}: has ${existing.partitions} partitions, wanted ${settings.partitions}`);
    }
    return !existing;
  });
  if (differences.length > 0) {
    throw new Error(
      `topics cannot be made as wanted, since keys would move to other partitions; use the existing number or a new topic:\n  ${differences.join('\n  ')}`,
    );
  }
  return missing;
}

/** Index of the first record with `offset` or a later one in an array ordered by offset. */
export function indexOfOffset(records: readonly LogRecord[], offset: number, from = 0): number {
  let low = from;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (records[middle]!.offset < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
