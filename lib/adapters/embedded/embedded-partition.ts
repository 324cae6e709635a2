/** One partition of the embedded log: records by offset, a sparse index by time, and the newest records in memory. */
import type { LogRecord, TopicSettings } from '../../ports/broker';
import type { LocalPartition, PlacedRecord } from '../local-log';
import {
  decodeRecord,
  encodedBytesOf,
  encodeRecordInto,
  hashedKey,
  numberBytesOf,
  numberedKey,
  numberInKey,
  partitionKey,
  setNumber,
  timestampOf,
} from './layout';
import type { StoreTable } from './store-table';

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
const maxTailRecords = 256;
const maxTailBytes = 1_048_576;
// One read may return less than asked for rather than hold more than this in memory (weights come in large records).
const maxReadBytes = 8 * 1_048_576;
const recordOverheadBytes = 200;
// How many entries each of these writes or removes at most, a record.
/** The record, and an entry of the index by time. */
const writesToDrop = 2;
/** The older record and its tombstone; the latest offset of the key, and the tombstone. Besides, once, `cleanedTo`. */
const writesToCompact = 4;
/** The record, its tombstone, and the latest offset of the key. */
const writesToDropTombstone = 3;
const nothing = Buffer.alloc(0);

export class EmbeddedPartition implements LocalPartition {
  earliest = 0;
  end = 0;
  readonly listeners = new Set<() => void>();
  /** The offset the next record gets; ahead of `end` while a transaction is under way. */
  private nextOffset = 0;
  private highestTimestampMs = -1;
  private indexedTimestampMs = -1;
  private recordsSinceIndexed = indexEveryRecords;
  private cleanedTo = 0;
  /**
   * Time of the record that is the next to go by its age: of a compacted topic the oldest tombstone, else the oldest record. Null
   * where there is none, undefined where the store has to be asked: every partition is looked at every second, most for nothing.
   */
  private oldestMs: number | null | undefined;
  private readonly prefix: Buffer;
  private readonly appendKey: Buffer;
  private readonly tail = createTail();

  constructor(
    readonly settings: TopicSettings,
    readonly partition: number,
    topicId: number,
    private readonly tables: LogTables,
  ) {
    this.prefix = partitionKey(topicId, partition);
    this.appendKey = numberedKey(this.prefix, 0);
    this.restore();
  }

  /** Before anything is appended: no offset that a group has read past is given again, even where its record was lost. */
  startNoLowerThan(offset: number): void {
    this.nextOffset = Math.max(this.nextOffset, offset);
  }

  read(from: number, maxRecords: number): LogRecord[] {
    const start = Math.max(from, this.earliest);
    if (start >= this.end) return [];
    // The tail may hold records that no reader may see yet, or that compaction has dropped since: the first are cut off
    // here, the second are allowed.
    const recent = this.tail.read(start, Math.min(this.end, start + maxRecords));
    return recent ?? this.readStored(start, this.end, maxRecords);
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
      const records = this.readStored(from, this.end, indexEveryRecords);
      const found = records.find((record) => record.timestampMs >= timestampMs);
      if (found) return found.offset;
      from = (records.at(-1)?.offset ?? this.end) + 1;
    }
    return this.end;
  }

  /** Writes one record inside the transaction and gives it its offset. Not readable before `show`. */
  append(record: PlacedRecord): void {
    record.offset = this.nextOffset++;
    // The store copies the key while it is put, so one serves all records.
    setNumber(this.appendKey, record.offset);
    this.tables.log.write(this.appendKey, encodedBytesOf(record), (bytes) => encodeRecordInto(bytes, record));
    this.highestTimestampMs = Math.max(this.highestTimestampMs, record.timestampMs);
    this.recordsSinceIndexed++;
    if (this.recordsSinceIndexed >= indexEveryRecords && this.highestTimestampMs > this.indexedTimestampMs) {
      this.tables.times.put(numberedKey(this.prefix, this.highestTimestampMs), numberBytesOf(record.offset));
      this.indexedTimestampMs = this.highestTimestampMs;
      this.recordsSinceIndexed = 0;
    }
    this.tail.push(record);
  }

  /** After the commit: what was appended becomes readable. */
  show(): void {
    this.end = this.nextOffset;
  }

  /**
   * Inside a transaction: removes by age or by key, with at most `maxWrites` entries written or removed. Returns whether more
   * may be left. The newest record always stays: it is what tells the end of the log after a restart.
   */
  clean(nowMs: number, maxWrites: number, tombstoneRetentionMs: number): boolean {
    if (this.settings.cleanup === 'delete') return this.dropOld(nowMs, maxWrites);
    if (this.cleanedTo >= this.end) return this.dropTombstones(nowMs - tombstoneRetentionMs, maxWrites);
    this.compact(maxWrites);
    return this.needsCleaning(nowMs, tombstoneRetentionMs);
  }

  /** Whether `clean` would find anything, without a transaction. */
  needsCleaning(nowMs: number, tombstoneRetentionMs: number): boolean {
    if (this.settings.cleanup === 'compact') {
      // A tombstone only becomes one by compaction, which what is appended meanwhile waits for.
      return this.cleanedTo < this.end || this.isOlder(nowMs - tombstoneRetentionMs);
    }
    const { retentionMs } = this.settings;
    return retentionMs !== null && this.end - this.earliest >= 2 && this.isOlder(nowMs - retentionMs);
  }

  private isOlder(beforeMs: number): boolean {
    if (this.oldestMs === undefined)
      this.oldestMs = this.settings.cleanup === 'compact' ? this.oldestTombstoneMs() : this.earliestMs();
    return this.oldestMs !== null && this.oldestMs < beforeMs;
  }

  private oldestTombstoneMs(): number | null {
    const range = { start: this.prefix, end: numberedKey(this.prefix, this.end - 1), limit: 1 };
    const [key] = this.tables.tombstones.keys(range);
    const value = key && this.tables.log.get(key);
    return value ? timestampOf(value) : null;
  }

  private earliestMs(): number | null {
    // Behind records that were lost there may be none at `earliest` itself.
    const [first] = this.stored(this.earliest, this.end, 1);
    return first ? timestampOf(first.value) : null;
  }

  /**
   * Age of the oldest record as a share of the time it is kept; null where records are not dropped by age. The newest
   * record does not count, since it stays.
   */
  ageShare(nowMs: number): number | null {
    const { cleanup, retentionMs } = this.settings;
    if (cleanup !== 'delete' || retentionMs === null || this.end - this.earliest < 2) return null;
    const firstMs = this.earliestMs();
    return firstMs === null ? null : (nowMs - firstMs) / retentionMs;
  }

  /** Inside a transaction: drops records older than `share` of the time they are kept, with at most `maxWrites` entries removed, and at least the oldest. */
  dropOlderThanShare(nowMs: number, share: number, maxWrites: number): void {
    const { retentionMs } = this.settings;
    if (retentionMs !== null) this.dropBefore(nowMs - share * retentionMs, maxWrites, true);
  }

  private dropOld(nowMs: number, maxWrites: number): boolean {
    const { retentionMs } = this.settings;
    return retentionMs !== null && this.dropBefore(nowMs - retentionMs, maxWrites, false);
  }

  /** Returns whether more may be left. */
  private dropBefore(beforeMs: number, maxWrites: number, atLeastOne: boolean): boolean {
    const maxRecords = Math.floor(maxWrites / writesToDrop);
    let dropped = 0;
    this.oldestMs = undefined;
    for (const { key, value } of [...this.stored(this.earliest, this.end - 1, maxRecords)]) {
      if (timestampOf(value) >= beforeMs && !(atLeastOne && dropped === 0)) break;
      this.tables.log.remove(key);
      this.earliest = numberInKey(key) + 1;
      dropped++;
    }
    const range = { start: this.prefix, end: numberedKey(this.prefix, Number.POSITIVE_INFINITY), limit: maxRecords };
    for (const { key, value } of [...this.tables.times.entries(range)]) {
      if (value.readDoubleBE(0) >= this.earliest) break;
      this.tables.times.remove(key);
    }
    return dropped === maxRecords;
  }

  private compact(maxWrites: number): void {
    this.oldestMs = undefined;
    const records = this.readStored(this.cleanedTo, this.end, Math.floor((maxWrites - 1) / writesToCompact));
    for (const record of records) {
      const key = hashedKey(this.prefix, record.key ?? '');
      const previous = this.tables.latest.get(key);
      if (previous) {
        const older = numberedKey(this.prefix, previous.readDoubleBE(0));
        this.tables.log.remove(older);
        this.tables.tombstones.remove(older);
      }
      this.tables.latest.put(key, numberBytesOf(record.offset));
      if (record.value === null) this.tables.tombstones.put(numberedKey(this.prefix, record.offset), nothing);
    }
    this.cleanedTo = (records.at(-1)?.offset ?? this.end - 1) + 1;
    this.tables.cleaned.put(this.prefix, numberBytesOf(this.cleanedTo));
    this.earliest = this.firstStored() ?? this.end;
  }

  private dropTombstones(beforeMs: number, maxWrites: number): boolean {
    const maxRecords = Math.floor(maxWrites / writesToDropTombstone);
    const old = this.oldTombstones(beforeMs, maxRecords);
    for (const record of old) {
      const place = numberedKey(this.prefix, record.offset);
      this.tables.log.remove(place);
      this.tables.tombstones.remove(place);
      this.tables.latest.remove(hashedKey(this.prefix, record.key ?? ''));
    }
    this.oldestMs = undefined;
    if (old.length > 0) this.earliest = this.firstStored() ?? this.end;
    return old.length === maxRecords;
  }

  private oldTombstones(beforeMs: number, maxRecords: number): LogRecord[] {
    const old: LogRecord[] = [];
    const range = { start: this.prefix, end: numberedKey(this.prefix, this.end - 1), limit: maxRecords };
    for (const key of [...this.tables.tombstones.keys(range)]) {
      const value = this.tables.log.get(key);
      if (!value || timestampOf(value) >= beforeMs) break;
      old.push(decodeRecord(this.settings.name, this.partition, numberInKey(key), value));
    }
    return old;
  }

  private restore(): void {
    const after = numberedKey(this.prefix, Number.POSITIVE_INFINITY);
    const [last] = this.tables.log.entries({ start: after, end: this.prefix, reverse: true, limit: 1 });
    const [entry] = this.tables.times.entries({ start: after, end: this.prefix, reverse: true, limit: 1 });
    this.earliest = this.firstStored() ?? 0;
    this.end = last ? numberInKey(last.key) + 1 : 0;
    this.nextOffset = this.end;
    this.cleanedTo = this.tables.cleaned.get(this.prefix)?.readDoubleBE(0) ?? 0;
    if (entry) {
      this.indexedTimestampMs = numberInKey(entry.key);
      this.highestTimestampMs = this.indexedTimestampMs;
    }
    const indexedAt = entry?.value.readDoubleBE(0) ?? this.earliest;
    this.recordsSinceIndexed = entry ? this.end - indexedAt : indexEveryRecords;
    for (const { value } of this.stored(indexedAt, this.end, Number.POSITIVE_INFINITY)) {
      this.highestTimestampMs = Math.max(this.highestTimestampMs, timestampOf(value));
    }
  }

  private firstStored(): number | undefined {
    const range = { start: this.prefix, end: numberedKey(this.prefix, Number.POSITIVE_INFINITY), limit: 1 };
    const [key] = this.tables.log.keys(range);
    return key && numberInKey(key);
  }

  private stored(from: number, to: number, limit: number) {
    return this.tables.log.entries({
      start: numberedKey(this.prefix, Math.max(0, from)),
      end: numberedKey(this.prefix, Math.max(0, to)),
      ...(Number.isFinite(limit) && { limit }),
    });
  }

  private readStored(from: number, to: number, maxRecords: number): LogRecord[] {
    const records: LogRecord[] = [];
    let bytes = 0;
    for (const { key, value } of this.stored(from, to, maxRecords)) {
      records.push(decodeRecord(this.settings.name, this.partition, numberInKey(key), value));
      bytes += value.length;
      if (bytes >= maxReadBytes) break;
    }
    return records;
  }
}

/** The newest records, so that a hop from one service to the next neither reads nor copies. Offsets in it have no gaps. */
function createTail() {
  let records: LogRecord[] = [];
  let head = 0;
  let bytes = 0;
  const sizeOf = (record: LogRecord): number => (record.value?.length ?? 0) + recordOverheadBytes;
  return {
    push(record: LogRecord): void {
      records.push(record);
      bytes += sizeOf(record);
      while (records.length - head > maxTailRecords || bytes > maxTailBytes) bytes -= sizeOf(records[head++]!);
      if (head <= maxTailRecords && head * 2 <= records.length) return;
      records = records.slice(head);
      head = 0;
    },
    /** Records of [from, to), or null when the first of them is not here any more. */
    read(from: number, to: number): LogRecord[] | null {
      const first = records[head];
      if (!first || from < first.offset) return null;
      const shift = head - first.offset;
      return records.slice(from + shift, to + shift);
    },
  };
}
