/**
 * One partition of the embedded log: records by offset, a sparse index by time, and the newest records in memory. What one
 * commit appends is stored together.
 */
import type { LogRecord, TopicSettings } from '../../ports/broker';
import type { LocalPartition, PartitionReader, PlacedRecord } from '../local-log';
import { type Compaction, createCompaction } from './compaction';
import { hashedKey, numberBytesOf, numberedKey, numberInKey, partitionKey } from './layout';
import type { PackedBatch } from './record-batch';
import type { SmallBatches } from './small-batches';
import type { StoreTable } from './store-table';
import { createStoredRecords, type StoredRecords, type StoredValue } from './stored-records';

/** What each holds is said in store-tables.ts. */
export interface LogTables {
  readonly log: StoreTable;
  readonly times: StoreTable;
  readonly latest: StoreTable;
  readonly tombstones: StoreTable;
  readonly cleaned: StoreTable;
}

/** The time index has at most one entry for so many records. */
export const indexEveryRecords = 256;
/** In memory at most, the newest records of a topic's partitions together, and of each of them at least. */
const tailsOfTopic = { records: 1_024, bytes: 4 * 1_048_576 };
const leastTail = { records: 256, bytes: 1_048_576 };
const recordOverheadBytes = 200;
// How many entries each of these writes or removes at most, a record.
/** What is stored under a key, and an entry of the index by time. */
const writesToDrop = 2;
/** What the record is stored with, removed and put anew, its tombstone, and the latest offset of the key. */
const writesToDropTombstone = 4;
/** Records further apart than this, or than this share of the time they are kept, are not merged: they go together. */
const maxMergedSpanMs = 600_000;
const maxMergedSpanShare = 0.01;

export interface Now {
  /** By which records are old; never after the wall clock (age-clock.ts). */
  readonly ageMs: number;
  readonly wallMs: number;
}

/** A record that is from so much later than now was written while the clock was wrong. */
const maxAheadMs = 3_600_000;
/** Of records that were written while the clock was wrong so many are looked past for one that says how old they are. */
const mostUndated = 4_096;

export class EmbeddedPartition implements LocalPartition {
  earliest = 0;
  end = 0;
  readonly readers = new Set<PartitionReader>();
  /** The offset the next record gets; ahead of `end` while a transaction is under way. */
  private nextOffset = 0;
  private highestTimestampMs = -1;
  private indexedTimestampMs = -1;
  private recordsSinceIndexed = indexEveryRecords;
  /**
   * Time of what is the next to go by its age: of a compacted topic the oldest tombstone, else the oldest records. Null where
   * there is none, undefined where the store has to be asked: every partition is looked at every second, most for nothing.
   */
  private oldestMs: number | null | undefined;
  /** Appended in the transaction that is under way, and not yet put into the store. */
  private appended: PlacedRecord[] = [];
  private readonly prefix: Buffer;
  private readonly records: StoredRecords;
  private readonly compaction: Compaction;
  private readonly tail: ReturnType<typeof createTail>;

  constructor(
    readonly settings: TopicSettings,
    readonly partition: number,
    topicId: number,
    private readonly tables: LogTables,
  ) {
    this.prefix = partitionKey(topicId, partition);
    this.tail = createTail(settings.partitions);
    const keptMs = settings.retentionMs ?? Number.POSITIVE_INFINITY;
    this.records = createStoredRecords(tables.log, {
      topic: settings.name,
      partition,
      prefix: this.prefix,
      maxMergedSpanMs: Math.min(maxMergedSpanMs, keptMs * maxMergedSpanShare),
    });
    this.compaction = createCompaction(tables, this.prefix, this.records);
    this.restore();
  }

  /** Before anything is appended: no offset that a group has read past is given again, even where its record was lost. */
  startNoLowerThan(offset: number): void {
    this.nextOffset = Math.max(this.nextOffset, offset);
  }

  /** When the newest record was written; below 0 where there is none. */
  get newestMs(): number {
    return this.highestTimestampMs;
  }

  read(from: number, maxRecords: number): LogRecord[] {
    const start = Math.max(from, this.earliest);
    if (start >= this.end) return [];
    // The tail may hold records that no reader may see yet, or that compaction has dropped since: the first are cut off
    // here, the second are allowed.
    const recent = this.tail.read(start, Math.min(this.end, start + maxRecords));
    return recent ?? this.records.read(start, this.end, maxRecords);
  }

  offsetAt(timestampMs: number): number {
    if (timestampMs > this.highestTimestampMs) return this.end;
    // The last index entry whose highest time is earlier: nothing before its offset is late enough.
    const entries = this.tables.times.entries({
      start: numberedKey(this.prefix, Math.max(0, timestampMs)),
      end: this.prefix,
      reverse: true,
      limit: 2,
    });
    const entry = [...entries].find(({ key }) => numberInKey(key) < timestampMs);
    let from = entry ? entry.value.readDoubleBE(0) : this.earliest;
    for (from = Math.max(from, this.earliest); from < this.end; ) {
      const records = this.records.read(from, this.end, indexEveryRecords);
      const found = records.find((record) => record.timestampMs >= timestampMs);
      if (found) return found.offset;
      from = (records.at(-1)?.offset ?? this.end) + 1;
    }
    return this.end;
  }

  /** Takes one record inside the transaction and gives it its offset. Not readable before `show`. */
  append(record: PlacedRecord): void {
    record.offset = this.nextOffset++;
    this.appended.push(record);
    this.highestTimestampMs = Math.max(this.highestTimestampMs, record.timestampMs);
    this.recordsSinceIndexed++;
    if (this.recordsSinceIndexed >= indexEveryRecords && this.highestTimestampMs > this.indexedTimestampMs) {
      this.tables.times.put(numberedKey(this.prefix, this.highestTimestampMs), numberBytesOf(record.offset));
      this.indexedTimestampMs = this.highestTimestampMs;
      this.recordsSinceIndexed = 0;
    }
    this.tail.push(record);
  }

  /** At the end of the transaction: puts what was appended into the store. */
  store(): void {
    const { appended } = this;
    this.appended = [];
    if (this.settings.cleanup === 'delete') {
      this.records.putAppended(appended);
      return;
    }
    // What the same transaction replaces need not be stored, only to be removed.
    const newest = new Map(appended.map((row) => [row.key ?? '', row]));
    this.records.putRows(appended.filter((row) => newest.get(row.key ?? '') === row));
  }

  /** Small batches that can be merged now, to be given to `merge` once. */
  takeSmallBatches(): readonly SmallBatches[] {
    return this.records.takeSmallBatches();
  }

  /** Inside a transaction. */
  merge(small: SmallBatches, packed: PackedBatch): void {
    this.oldestMs = undefined;
    this.records.merge(small, packed);
  }

  /** After the commit: what was appended becomes readable. */
  show(): void {
    this.end = this.nextOffset;
  }

  /** Tells the readers that there is more, and forgets what all of them have read before. */
  announce(): void {
    let next = this.end;
    for (const reader of this.readers) next = Math.min(next, reader.next);
    this.tail.forgetBefore(next);
    for (const reader of this.readers) reader.onReadable();
  }

  /**
   * Inside a transaction: removes by age or by key, with at most `maxWrites` entries written or removed. A table is compacted up
   * to `upTo`. Returns whether more may be left. The newest record always stays: it is what tells the end of the log after a restart.
   */
  clean(now: Now, maxWrites: number, tombstoneRetentionMs: number, upTo = this.end): boolean {
    if (this.settings.cleanup === 'delete') return this.dropOld(now, maxWrites);
    if (this.compaction.doneTo >= upTo) return this.dropTombstones(now, tombstoneRetentionMs, maxWrites);
    this.oldestMs = undefined;
    this.compaction.step(upTo, maxWrites);
    this.earliest = this.records.firstOffset() ?? this.end;
    return this.compaction.doneTo < upTo || this.isOlder(now.ageMs - tombstoneRetentionMs, now);
  }

  /** How many offsets of a table have come that no compaction has looked at. */
  get uncompacted(): number {
    return this.settings.cleanup === 'compact' ? Math.max(0, this.end - this.compaction.doneTo) : 0;
  }

  /** Whether `clean` would find anything, without a transaction. */
  needsCleaning(now: Now, tombstoneRetentionMs: number): boolean {
    // A tombstone becomes one by compaction alone, which what is appended meanwhile waits for.
    if (this.settings.cleanup === 'compact')
      return this.uncompacted > 0 || this.isOlder(now.ageMs - tombstoneRetentionMs, now);
    const { retentionMs } = this.settings;
    return retentionMs !== null && this.end - this.earliest >= 2 && this.isOlder(now.ageMs - retentionMs, now);
  }

  private isOlder(beforeMs: number, now: Now): boolean {
    const latestMs = now.wallMs + maxAheadMs;
    // Asked while the clock was wrong, or while nothing said how old they are.
    const isUndated = this.highestTimestampMs > latestMs && (this.oldestMs ?? Number.POSITIVE_INFINITY) > latestMs;
    if (this.oldestMs === undefined || isUndated)
      this.oldestMs =
        this.settings.cleanup === 'compact'
          ? (this.oldTombstones(1, now)[0]?.writtenMs ?? null)
          : this.oldestValueMs(now);
    return this.oldestMs !== null && this.oldestMs < beforeMs;
  }

  /**
   * Age of the oldest records, which go together, as a share of the time they are kept; null where records are not dropped by
   * age. The newest record does not count, since it stays.
   */
  ageShare(now: Now): number | null {
    const { cleanup, retentionMs } = this.settings;
    if (cleanup !== 'delete' || retentionMs === null || this.end - this.earliest < 2) return null;
    const oldestMs = this.oldestValueMs(now);
    if (oldestMs !== null) return Math.max(0, now.ageMs - oldestMs) / retentionMs;
    return this.records.values(this.earliest, this.end, 1).length === 0 ? null : 0;
  }

  /** When the last of the oldest records was written that go together. */
  private oldestValueMs(now: Now): number | null {
    const [oldest] = this.dated(this.end, 1, now);
    return oldest?.newestMs ?? null;
  }

  /**
   * The oldest values, with when they were written at the latest: those of a time when the clock was wrong are no newer than the next
   * one of which it is known. Without that nothing behind them would ever become old.
   */
  private dated(to: number, limit: number, { wallMs }: Now): StoredValue[] {
    // Behind records that were lost there may be none at `earliest` itself.
    const values = this.records.values(this.earliest, to, limit);
    const isDated = ({ newestMs }: StoredValue): boolean => newestMs <= wallMs + maxAheadMs;
    if (values.every(isDated)) return [...values];
    const more = this.records.values(this.earliest, to, limit + mostUndated);
    const dated: StoredValue[] = [];
    let next: number | null = null;
    for (const value of [...more].reverse()) {
      if (isDated(value)) next = value.newestMs;
      if (next !== null) dated.push({ ...value, newestMs: next });
    }
    return dated.reverse().slice(0, limit);
  }

  /** Inside a transaction: drops records older than `share` of the time they are kept, with at most `maxWrites` entries removed, and at least the oldest. */
  dropOlderThanShare(now: Now, share: number, maxWrites: number): void {
    const { retentionMs } = this.settings;
    if (retentionMs !== null) this.dropBefore(now.ageMs - share * retentionMs, maxWrites, true, now);
  }

  private dropOld(now: Now, maxWrites: number): boolean {
    const { retentionMs } = this.settings;
    return retentionMs !== null && this.dropBefore(now.ageMs - retentionMs, maxWrites, false, now);
  }

  /** Returns whether more may be left. */
  private dropBefore(beforeMs: number, maxWrites: number, atLeastOne: boolean, now: Now): boolean {
    const maxValues = Math.floor(maxWrites / writesToDrop);
    const newest = this.end - 1;
    let dropped = 0;
    this.oldestMs = undefined;
    const dated = this.dated(newest, maxValues, now);
    const values = dated.length === 0 && atLeastOne ? this.records.values(this.earliest, newest, 1) : dated;
    for (const value of values) {
      if (value.newestMs >= beforeMs && !(atLeastOne && dropped === 0)) break;
      if (value.last < newest) this.records.removeValue(value);
      else this.records.remove(Array.from({ length: newest - value.first }, (_, i) => value.first + i));
      this.earliest = Math.min(value.last + 1, newest);
      dropped++;
    }
    const range = { start: this.prefix, end: numberedKey(this.prefix, Number.POSITIVE_INFINITY), limit: maxValues };
    for (const { key, value } of [...this.tables.times.entries(range)]) {
      if (value.readDoubleBE(0) >= this.earliest) break;
      this.tables.times.remove(key);
    }
    return dropped === maxValues;
  }

  private dropTombstones(now: Now, tombstoneRetentionMs: number, maxWrites: number): boolean {
    const maxRecords = Math.floor(maxWrites / writesToDropTombstone);
    const beforeMs = now.ageMs - tombstoneRetentionMs;
    const oldest = this.oldTombstones(maxRecords, now);
    const newer = oldest.findIndex(({ writtenMs }) => writtenMs >= beforeMs);
    const old = newer < 0 ? oldest : oldest.slice(0, newer);
    this.oldestMs = undefined;
    for (const { record } of old) {
      this.tables.tombstones.remove(numberedKey(this.prefix, record.offset));
      this.tables.latest.remove(hashedKey(this.prefix, record.key ?? ''));
    }
    this.records.remove(old.map(({ record }) => record.offset));
    if (old.length > 0) this.earliest = this.records.firstOffset() ?? this.end;
    return old.length === maxRecords;
  }

  /** The oldest tombstones, with when they were written at the latest, as `dated` has it of values. */
  private oldTombstones(limit: number, { wallMs }: Now): { readonly record: LogRecord; readonly writtenMs: number }[] {
    const old: { record: LogRecord; writtenMs: number }[] = [];
    let undated: LogRecord[] = [];
    const range = { start: this.prefix, end: numberedKey(this.prefix, this.end - 1), limit: limit + mostUndated };
    for (const key of this.tables.tombstones.keys(range)) {
      const offset = numberInKey(key);
      const [record] = this.records.read(offset, offset + 1, 1);
      if (!record) break;
      undated.push(record);
      if (record.timestampMs > wallMs + maxAheadMs) continue;
      const { timestampMs: writtenMs } = record;
      old.push(...undated.map((one) => ({ record: one, writtenMs })));
      undated = [];
      if (old.length >= limit) break;
    }
    return old.slice(0, limit);
  }

  private restore(): void {
    const after = numberedKey(this.prefix, Number.POSITIVE_INFINITY);
    const [entry] = this.tables.times.entries({ start: after, end: this.prefix, reverse: true, limit: 1 });
    this.earliest = this.records.firstOffset() ?? 0;
    this.end = (this.records.lastOffset() ?? -1) + 1;
    this.nextOffset = this.end;
    if (entry) {
      this.indexedTimestampMs = numberInKey(entry.key);
      this.highestTimestampMs = this.indexedTimestampMs;
    }
    const indexedAt = entry?.value.readDoubleBE(0) ?? this.earliest;
    this.recordsSinceIndexed = entry ? this.end - indexedAt : indexEveryRecords;
    for (const { newestMs } of this.records.values(indexedAt, this.end, Number.POSITIVE_INFINITY)) {
      this.highestTimestampMs = Math.max(this.highestTimestampMs, newestMs);
    }
  }
}

/**
 * The newest records, so that a hop from one service to the next neither reads nor copies. Offsets in it have no gaps. The one
 * partition of a topic, which everything comes to, has as much as several have together. What its readers have read goes soon:
 * what lives long enough to leave the young generation costs the collector many times as much.
 */
function createTail(partitions: number) {
  const maxTailRecords = Math.max(leastTail.records, Math.floor(tailsOfTopic.records / partitions));
  const maxTailBytes = Math.max(leastTail.bytes, tailsOfTopic.bytes / partitions);
  /** A record lies at its offset, modulo the size: whatever is not in [first, end) is null, so that it can be collected. */
  const ring: (LogRecord | null)[] = new Array(maxTailRecords).fill(null);
  const placeOf = (offset: number): number => offset % maxTailRecords;
  let first = 0;
  let end = 0;
  let bytes = 0;
  const sizeOf = (record: LogRecord): number => (record.value?.length ?? 0) + recordOverheadBytes;
  const forgetFirst = (): void => {
    bytes -= sizeOf(ring[placeOf(first)]!);
    ring[placeOf(first++)] = null;
  };
  return {
    push(record: LogRecord): void {
      if (record.offset !== end) {
        ring.fill(null);
        first = record.offset;
        end = record.offset;
        bytes = 0;
      }
      bytes += sizeOf(record);
      while (first < end && (record.offset - first >= maxTailRecords || bytes > maxTailBytes)) forgetFirst();
      ring[placeOf(record.offset)] = record;
      end = record.offset + 1;
    },
    forgetBefore(offset: number): void {
      while (first < Math.min(end, offset)) forgetFirst();
    },
    /** Records of [from, to), or null when the first of them is not here any more. */
    read(from: number, to: number): LogRecord[] | null {
      if (first === end || from < first) return null;
      const records: LogRecord[] = [];
      for (let offset = from; offset < Math.min(to, end); offset++) records.push(ring[placeOf(offset)]!);
      return records;
    },
  };
}
