/**
 * One task's rows in memory, written behind to a changelog: a flush writes what changed since the last one together
 * with the input positions it reflects, so a restart resumes exactly there and applies nothing twice. Rows that rest are in
 * the changelog alone where a single record of it can be read at once, and memory keeps where.
 */

import type { Part } from '../../avro/bounded-types';
import { codecOf, UndecodableError } from '../../avro/codec';
import { dictionaryOf } from '../../dictionary';
import type { LogRecord, OutgoingRecord, PartitionConsumer } from '../../ports/broker';
import type { TablePosition } from '../../topics/generated/messages';
import type { TableDefinition } from '../define-service';
import { OversizedRecordError, sizeOf } from '../record-size';
import { createDueQueue, type DueQueue } from './due-queue';

/** Header of changelog records where only the reader can tell an owner from a zombie: see `PartitionConsumer.ownerEpoch`. */
const ownerEpochHeader = 'owner-epoch';

const defaultMostAwake = 250;

/** Rows that may be above this share of what a record may have are weighed when they are set; the others only when written. */
const lightShare = 1 / 16;

/** Key of the record that says which input positions a changelog reflects. No row key may start with its first character. */
export const positionKey = '\u0000position';
const positionCodec = codecOf<TablePosition>('TablePosition');

type OnForeign = (record: LogRecord, error: unknown) => void;

export interface TaskTable<S> {
  readonly size: number;
  readonly due: DueQueue;
  get(key: string): S | undefined;
  /**
   * Sets a row, or deletes it with null. `addedBytes`: how much the row may have grown, about. Throws, and changes nothing,
   * for a row that will not fit a record, or with a due time that is none.
   */
  set(key: string, row: S | null, addedBytes?: number): void;
  /** True when a flush would write rows. */
  changed(): boolean;
  /**
   * Appends what changed since the last flush to `records`, and the positions it reflects, and takes it for written. A row
   * that does not fit its schema or a record is deleted, and `onUnfit` told; its bytes are null where there are none.
   */
  flushInto(
    records: OutgoingRecord[],
    positions: ReadonlyMap<string, number>,
    onUnfit: (key: string, bytes: Buffer | null, error: unknown) => void,
  ): void;
  /** What was flushed is durable: `rows` of all tables of the task, and their offsets where these can be read from. */
  written(rows: readonly OutgoingRecord[], offsets: readonly number[] | null): void;
  /**
   * Takes changelog records in order. Rows count once the positions they belong to have come too. What this service
   * cannot have written is passed over, and `onForeign` told.
   */
  restore(records: readonly LogRecord[], onForeign: OnForeign): void;
  /**
   * Ends the restore; returns the positions by topic, null for an empty changelog. `ownerEpoch`: of who writes the table from now on, where
   * that was not known when it was made.
   */
  restored(ownerEpoch?: number): ReadonlyMap<string, number> | null;
}

export function createTaskTable<S>(
  definition: TableDefinition<S>,
  changelog: {
    topic: string;
    partition: number;
    ownerEpoch?: number | undefined;
    /** Largest row with its key; by default what the topic declares. */
    maxRecordBytes?: number;
    /** Where rows rest: so many of those changed last, up to twice as many, do not; default 250. */
    mostAwake?: number;
    /** Of the consumer whose partition this is. */
    recordAt?: PartitionConsumer['recordAt'];
  },
): TaskTable<S> {
  const {
    ownerEpoch,
    maxRecordBytes = definition.topic.maxRecordBytes,
    mostAwake = defaultMostAwake,
    recordAt,
    ...place
  } = changelog;
  /** Where records go, and who wrote them. */
  let toRecord = ownedBy(place, ownerEpoch);
  const rows = new Map<string, S | Resting>();
  /** The rows that do not rest, those changed last at the end, with what was written of each; null: not yet what it is now. */
  const awake = new Map<string, Resting | null>();
  const changedKeys = new Set<string>();
  /** Keys that have a row in the changelog, beside those of the rows that rest, which all have one: only these need a tombstone. */
  const persisted = new Set<string>();
  const due = createDueQueue();
  const { codec } = definition.topic;
  /** Enough of a row that a restore reads to know whether it is one, and when it is due. */
  const decodeRestored: (bytes: Buffer) => S =
    definition.rowsRest && definition.duePart
      ? (codec.partDecoder(definition.duePart as Part) as (bytes: Buffer) => S)
      : codec.decode;
  /** Rows of a flush whose position record has not come yet. */
  let unconfirmed: RowEntry<S>[] = [];
  let positions: ReadonlyMap<string, number> | null = null;
  /** While restoring: the newest owner that wrote so far. Nothing an older one wrote later counts. */
  let newestOwner = 0;
  let tellForeign: OnForeign = () => {};
  /** Keys whose last record in the changelog is not what counts. */
  const toOverwrite = new Set<string>();
  const overwrite = (key: string): void => {
    wake(key);
    toOverwrite.add(key);
  };
  const lightBytes = maxRecordBytes * lightShare;
  /** Bytes of the rows that are not light, and how much others may have grown by since the last flush. */
  const heavy = new Map<string, number>();

  const dueAtMsOf = (row: S): number | null => {
    const dueAtMs = definition.dueAtMs?.(row) ?? null;
    if (Number.isNaN(dueAtMs)) throw new Error('a row is due at a time that is none');
    return dueAtMs;
  };
  /** The row of this key is about to be another one, or none. */
  const leave = (key: string): void => {
    if (isResting(rows.get(key))) persisted.add(key);
  };
  const remove = (key: string): void => {
    leave(key);
    rows.delete(key);
    awake.delete(key);
    due.set(key, null);
    heavy.delete(key);
  };
  const put = (key: string, row: S): void => {
    const dueAtMs = dueAtMsOf(row);
    leave(key);
    rows.set(key, row);
    if (definition.dueAtMs) due.set(key, dueAtMs);
    if (!definition.rowsRest) return;
    awake.delete(key);
    awake.set(key, null);
  };
  const layOne = (key: string, written: Resting): void => {
    rows.set(key, typeof written === 'number' ? written : byItself(written));
    persisted.delete(key);
  };
  const layDown = (): void => {
    if (awake.size <= 2 * mostAwake) return;
    for (const [key, written] of awake) {
      // Those that changed since the last flush are at the end; nothing else holds them.
      if (awake.size === mostAwake || written === null) return;
      awake.delete(key);
      layOne(key, written);
    }
  };
  /** The row of this key that rests at `offset`; null where another record has taken its place. */
  const readBack = (key: string, offset: number): S | null => {
    const record = recordAt!(place.topic, offset);
    return record?.key === key && record.value !== null ? codec.decode(record.value) : null;
  };
  /** Takes a row into memory whose record in the changelog may go. */
  const wake = (key: string): void => {
    const row = rows.get(key);
    if (typeof row !== 'number') return;
    let read: S | null = null;
    try {
      read = readBack(key, row);
    } catch (error) {
      // Only a part of it was looked at when it was restored.
      const record = recordAt!(place.topic, row);
      if (!(error instanceof UndecodableError) || !record) throw error;
      tellForeign(record, error);
    }
    // It has gone, as it would have before a start a moment later.
    if (read === null) remove(key);
    else put(key, read);
  };
  /** Remembers what a row weighs. Throws for one that is too heavy. */
  const weigh = (key: string, value: Buffer): void => {
    const bytes = sizeOf({ ...toRecord, key, value });
    if (bytes > maxRecordBytes) throw new OversizedRecordError(definition.topic.name, bytes, maxRecordBytes);
    if (bytes > lightBytes) heavy.set(key, bytes);
    else heavy.delete(key);
  };
  /** What a changelog record says; throws for one that is none of ours. */
  const read = (record: LogRecord): { owner: number; entry: Entry<S> } => {
    const { key, value } = record;
    const header = record.headers[ownerEpochHeader];
    const owner = header === undefined ? newestOwner : Number(header);
    if (!Number.isSafeInteger(owner) || owner < 0) throw new Error('its owner is no number');
    if (key === null) throw new Error('it has no key');
    if (key !== positionKey) {
      const row = value === null ? null : decodeRestored(value);
      if (row !== null) dueAtMsOf(row);
      return { owner, entry: { kind: 'row', key, row, value, offset: record.offset } };
    }
    if (value === null) throw new Error('it deletes the positions');
    const read = Object.entries(positionCodec.decode(value).positions);
    if (read.some(([, position]) => position < 0)) throw new Error('a position is below 0');
    return { owner, entry: { kind: 'positions', positions: new Map(read) } };
  };

  return {
    get size() {
      return rows.size;
    },
    due,
    get(key) {
      const row = rows.get(key);
      if (typeof row !== 'number') return row instanceof Uint8Array ? codec.decode(row) : row;
      const read = readBack(key, row);
      if (read === null) throw new Error(`row ${key} is not at offset ${row} of ${place.topic}, where it was written`);
      return read;
    },
    set(key, row, addedBytes = 0) {
      if (row === null) {
        if (!rows.has(key)) return;
        remove(key);
      } else {
        const bytes = (heavy.get(key) ?? 0) + addedBytes;
        if (bytes > lightBytes) weigh(key, codec.encode(row));
        put(key, row);
        // Many small additions between two flushes are a large one.
        if (addedBytes > 0 && bytes <= lightBytes) heavy.set(key, bytes);
      }
      changedKeys.add(key);
    },
    changed: () => changedKeys.size > 0,
    flushInto(records, inputPositions, onUnfit) {
      for (const key of changedKeys) {
        const row = rows.get(key);
        // What rests in the changelog is written.
        if (typeof row === 'number') continue;
        if (row !== undefined) {
          let value: Buffer | null = null;
          try {
            value = row instanceof Uint8Array ? row : codec.encode(row);
            weigh(key, value);
            records.push({ ...toRecord, key, value });
            persisted.add(key);
            if (awake.has(key)) awake.set(key, value);
            continue;
          } catch (error) {
            remove(key);
            onUnfit(key, value, error);
          }
        }
        if (persisted.delete(key)) records.push({ ...toRecord, key, value: null });
      }
      changedKeys.clear();
      records.push(positionRecord(toRecord, inputPositions));
    },
    written(flushed, offsets) {
      if (!definition.rowsRest) return;
      for (const [at, offset] of recordAt && offsets ? offsets.entries() : []) {
        const { topic, key, value } = flushed[at]!;
        if (topic === place.topic && key !== null && value !== null && awake.get(key) === value) awake.set(key, offset);
      }
      layDown();
    },
    restore(records, onForeign) {
      tellForeign = onForeign;
      for (const record of records) {
        let owner: number;
        let entry: Entry<S>;
        try {
          ({ owner, entry } = read(record));
        } catch (error) {
          onForeign(record, error);
          // The next flush must put back what counts, where this lies on top of it in a compacted log.
          if (record.key !== null && record.key !== positionKey) overwrite(record.key);
          continue;
        }
        if (owner < newestOwner) {
          if (entry.kind === 'row') overwrite(entry.key);
          continue;
        }
        newestOwner = owner;
        if (entry.kind === 'row') {
          unconfirmed.push(entry);
          continue;
        }
        positions = entry.positions;
        for (const { key, row, value, offset } of unconfirmed) {
          if (row === null || value === null) {
            remove(key);
            persisted.delete(key);
          } else {
            put(key, row);
            persisted.add(key);
            if (awake.delete(key)) layOne(key, recordAt ? offset : value);
            const bytes = value.length;
            if (bytes > lightBytes) heavy.set(key, bytes);
            else heavy.delete(key);
          }
        }
        unconfirmed = [];
      }
    },
    restored(ownEpoch = ownerEpoch) {
      // A flush torn before its position: its rows belong to inputs that will be read again. They are in the changelog
      // all the same, so the next flush must overwrite them.
      for (const { key } of unconfirmed) overwrite(key);
      for (const key of toOverwrite) {
        changedKeys.add(key);
        persisted.add(key);
      }
      unconfirmed = [];
      toOverwrite.clear();
      // Epochs of different machines go by different clocks: ours must be above all that wrote here before us.
      // Of a number that nobody can go beyond, as somebody else may have written it, there can be two owners.
      const owner = Math.min(Number.MAX_SAFE_INTEGER, Math.max(ownEpoch ?? 0, newestOwner + 1));
      if (ownEpoch !== undefined) toRecord = ownedBy(place, owner);
      return positions;
    },
  };
}

interface RowEntry<S> {
  readonly kind: 'row';
  readonly key: string;
  readonly row: S | null;
  /** What it was read from; null where the row is. */
  readonly value: Buffer | null;
  readonly offset: number;
}

/** A row that rests: its offset in the changelog, or what was written of it where the changelog cannot be read at once. */
type Resting = number | Buffer;

function isResting(row: unknown): row is Resting {
  return typeof row === 'number' || row instanceof Uint8Array;
}

type Entry<S> = RowEntry<S> | { readonly kind: 'positions'; readonly positions: ReadonlyMap<string, number> };

/** The record that makes the rows before it count, with the positions that they reflect. */
export function positionRecord<P extends { readonly topic: string; readonly partition: number }>(
  place: P,
  positions: ReadonlyMap<string, number>,
) {
  return { ...place, key: positionKey, value: positionCodec.encode({ positions: dictionaryOf(positions) }) };
}

/** Records that are read or written share memory with others of the time; what rests must not keep those. */
function byItself(record: Buffer): Buffer {
  const own = Buffer.allocUnsafeSlow(record.length);
  record.copy(own);
  return own;
}

function ownedBy(place: { topic: string; partition: number }, ownerEpoch: number | undefined) {
  return ownerEpoch === undefined ? place : { ...place, headers: { [ownerEpochHeader]: String(ownerEpoch) } };
}
