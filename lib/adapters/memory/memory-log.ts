/** The log of the memory broker: arrays, and on demand the gaps, delays and failures a real log has. */
import { type LogRecord, type TopicSettings, TransientError } from '../../ports/broker';
import { type Clock, sleep } from '../../ports/clock';
import {
  type AppendBatch,
  indexOfOffset,
  type LocalLog,
  type LocalPartition,
  type LocalTopic,
  type PartitionReader,
} from '../local-log';

/** What goes wrong while writing; all absent in kind use. */
export interface LogUnkindness {
  /** How many offsets to skip before the next record. */
  readonly gap?: () => number;
  /** How long a write takes. */
  readonly delayMs?: () => number;
  /** `lost`: refused, nothing written. `unacknowledged`: written, and still reported as failed. */
  readonly fate?: () => 'written' | 'lost' | 'unacknowledged';
}

export interface MemoryLog extends LocalLog {
  /** Drops what a compacted topic need not keep and what is older than the retention. */
  clean(): void;
}

// Tables are compacted whenever they have doubled, so that a long simulation does not keep every version of every row.
const firstCleanAtRecords = 1_000;

class MemoryPartition implements LocalPartition {
  records: LogRecord[] = [];
  earliest = 0;
  end = 0;
  highestTimestampMs = Number.NEGATIVE_INFINITY;
  /** A compacted topic is cleaned when it has grown past this. */
  cleanAtRecords = firstCleanAtRecords;
  readonly readers = new Set<PartitionReader>();

  constructor(
    readonly settings: TopicSettings,
    readonly partition: number,
  ) {}

  read(from: number, maxRecords: number): LogRecord[] {
    const start = indexOfOffset(this.records, from);
    return this.records.slice(start, start + maxRecords);
  }

  offsetAt(timestampMs: number): number {
    if (timestampMs > this.highestTimestampMs) return this.end;
    return this.records.find((record) => record.timestampMs >= timestampMs)?.offset ?? this.end;
  }

  clean(nowMs: number): void {
    const { cleanup, retentionMs } = this.settings;
    if (cleanup === 'compact') {
      const latest = new Map<string | null, number>();
      for (const record of this.records) latest.set(record.key, record.offset);
      this.records = this.records.filter((record) => latest.get(record.key) === record.offset);
      this.cleanAtRecords = Math.max(firstCleanAtRecords, 2 * this.records.length);
    } else if (retentionMs !== null) {
      const kept = this.records.findIndex((record) => record.timestampMs >= nowMs - retentionMs);
      this.records = kept < 0 ? [] : this.records.slice(kept);
    }
    this.earliest = this.records[0]?.offset ?? this.end;
  }
}

export function createMemoryLog(clock: Clock, unkindness: LogUnkindness = {}): MemoryLog {
  const topics = new Map<string, LocalTopic & { readonly partitions: readonly MemoryPartition[] }>();
  const positions = new Map<string, number>();
  // A delayed batch waits for the one before it of the same source: it may not overtake it.
  const lastOfSource = new WeakMap<object, Promise<void>>();
  let closed = false;

  const apply = (batch: AppendBatch): void => {
    if (closed) throw new Error('the broker is closed');
    const refusal = batch.refusal?.();
    if (refusal) throw refusal;
    const fate = unkindness.fate?.() ?? 'written';
    if (fate === 'lost') throw new TransientError('the broker did not take the batch');
    const touched = new Set<MemoryPartition>();
    for (const record of batch.records) {
      const target = topics.get(record.topic)!.partitions[record.partition]!;
      record.offset = target.end + (unkindness.gap?.() ?? 0);
      target.end = record.offset + 1;
      target.highestTimestampMs = Math.max(target.highestTimestampMs, record.timestampMs);
      // Tests read through bytes, as every reader in another process does.
      target.records.push({ ...record, decoded: undefined });
      if (target.records.length > target.cleanAtRecords && target.settings.cleanup === 'compact') target.clean(0);
      touched.add(target);
    }
    if (batch.positions && fate === 'written') {
      const { group, partition, offsets } = batch.positions;
      for (const [topic, offset] of offsets) positions.set(positionKey(group, topic, partition), offset);
    }
    for (const target of touched) for (const reader of target.readers) reader.onReadable();
    if (fate === 'unacknowledged') throw new TransientError('the broker did not answer in time');
  };

  return {
    topic: (name) => topics.get(name),
    topics: () => [...topics.values()],
    async createTopics(wanted) {
      for (const settings of wanted) {
        const partitions = Array.from({ length: settings.partitions }, (_, i) => new MemoryPartition(settings, i));
        topics.set(settings.name, { settings, partitions });
      }
    },
    async append(batch) {
      const delayMs = unkindness.delayMs?.() ?? 0;
      const earlier = lastOfSource.get(batch.source);
      if (delayMs === 0 && !earlier) return apply(batch);
      const later = Promise.all([sleep(clock, delayMs), earlier?.catch(() => {})]).then(() => {
        if (lastOfSource.get(batch.source) === later) lastOfSource.delete(batch.source);
        apply(batch);
      });
      lastOfSource.set(batch.source, later);
      return later;
    },
    committed: (group, topic, partition) => positions.get(positionKey(group, topic, partition)) ?? null,
    // Everything is there already: no other work has to come first.
    yieldTurn: () => Promise.resolve(),
    clean() {
      for (const { partitions } of topics.values()) for (const partition of partitions) partition.clean(clock.nowMs());
    },
    async close() {
      closed = true;
    },
  };
}

function positionKey(group: string, topic: string, partition: number): string {
  return `${group}\u0000${topic}\u0000${partition}`;
}
