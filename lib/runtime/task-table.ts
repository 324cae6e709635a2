/**
 * One task's rows in memory, written behind to a changelog: a flush writes what changed since the last one together
 * with the input positions it reflects, so a restart resumes exactly there and applies nothing twice.
 */
import { codecOf } from '../avro/codec';
import type { LogRecord, OutgoingRecord } from '../ports/broker';
import type { TablePosition } from '../topics/generated/messages';
import type { TableDefinition } from './define-service';
import { createDueQueue, type DueQueue } from './due-queue';

/** Header of changelog records where only the reader can tell an owner from a zombie: see `PartitionConsumer.ownerEpoch`. */
const ownerEpochHeader = 'owner-epoch';

/** Key of the record that says which input positions a changelog reflects. No row key may start with its first character. */
export const positionKey = '\u0000position';
const positionCodec = codecOf<TablePosition>('TablePosition');

export interface TaskTable<S> {
  readonly size: number;
  readonly due: DueQueue;
  get(key: string): S | undefined;
  /** Sets a row, or deletes it with null. */
  set(key: string, row: S | null): void;
  /** True when a flush would write rows. */
  changed(): boolean;
  /** Appends what changed since the last flush to `records`, and the positions it reflects, and takes it for written. */
  flushInto(records: OutgoingRecord[], positions: ReadonlyMap<string, number>): void;
  /** Takes changelog records in order. Rows count once the positions they belong to have come too. */
  restore(records: readonly LogRecord[]): void;
  /** Ends the restore; returns the positions by topic, null for an empty changelog. */
  restored(): ReadonlyMap<string, number> | null;
}

export function createTaskTable<S>(
  definition: TableDefinition<S>,
  changelog: { topic: string; partition: number; ownerEpoch?: number | undefined },
): TaskTable<S> {
  const { ownerEpoch, ...place } = changelog;
  /** Where records go, and who wrote them. */
  let toRecord = ownedBy(place, ownerEpoch);
  const rows = new Map<string, S>();
  const changedKeys = new Set<string>();
  /** Keys that have a row in the changelog: only these need a tombstone. */
  const persisted = new Set<string>();
  const due = createDueQueue();
  const { codec } = definition.topic;
  /** Rows of a flush whose position record has not come yet. */
  let unconfirmed: LogRecord[] = [];
  let positions: ReadonlyMap<string, number> | null = null;
  /** While restoring: the newest owner that wrote so far. Nothing an older one wrote later counts. */
  let newestOwner = 0;
  /** Keys whose last record in the changelog is not what counts. */
  const toOverwrite = new Set<string>();

  const put = (key: string, row: S | null): void => {
    if (row === null) {
      rows.delete(key);
      due.set(key, null);
    } else {
      rows.set(key, row);
      if (definition.dueAtMs) due.set(key, definition.dueAtMs(row));
    }
  };

  return {
    get size() {
      return rows.size;
    },
    due,
    get: (key) => rows.get(key),
    set(key, row) {
      if (row === null && !rows.has(key)) return;
      put(key, row);
      changedKeys.add(key);
    },
    changed: () => changedKeys.size > 0,
    flushInto(records, inputPositions) {
      for (const key of changedKeys) {
        const row = rows.get(key);
        if (row !== undefined) {
          records.push({ ...toRecord, key, value: codec.encode(row) });
          persisted.add(key);
        } else if (persisted.delete(key)) {
          records.push({ ...toRecord, key, value: null });
        }
      }
      changedKeys.clear();
      records.push(positionRecord(toRecord, inputPositions));
    },
    restore(records) {
      for (const record of records) {
        if (record.key === null) continue;
        const owner = Number(record.headers[ownerEpochHeader] ?? newestOwner);
        if (owner < newestOwner) {
          if (record.key !== positionKey) toOverwrite.add(record.key);
          continue;
        }
        newestOwner = owner;
        if (record.key !== positionKey) {
          unconfirmed.push(record);
          continue;
        }
        if (record.value === null) continue;
        positions = new Map(Object.entries(positionCodec.decode(record.value).positions));
        for (const row of unconfirmed) {
          put(row.key!, row.value === null ? null : codec.decode(row.value));
          if (row.value === null) persisted.delete(row.key!);
          else persisted.add(row.key!);
        }
        unconfirmed = [];
      }
    },
    restored() {
      // A flush torn before its position: its rows belong to inputs that will be read again. They are in the changelog
      // all the same, so the next flush must overwrite them.
      for (const row of unconfirmed) toOverwrite.add(row.key!);
      for (const key of toOverwrite) {
        changedKeys.add(key);
        persisted.add(key);
      }
      unconfirmed = [];
      toOverwrite.clear();
      // Epochs of different machines go by different clocks: ours must be above all that wrote here before us.
      if (ownerEpoch !== undefined) toRecord = ownedBy(place, Math.max(ownerEpoch, newestOwner + 1));
      return positions;
    },
  };
}

/** The record that makes the rows before it count, with the positions that they reflect. */
export function positionRecord<P extends { readonly topic: string; readonly partition: number }>(
  place: P,
  positions: ReadonlyMap<string, number>,
) {
  return { ...place, key: positionKey, value: positionCodec.encode({ positions: Object.fromEntries(positions) }) };
}

function ownedBy(place: { topic: string; partition: number }, ownerEpoch: number | undefined) {
  return ownerEpoch === undefined ? place : { ...place, headers: { [ownerEpochHeader]: String(ownerEpoch) } };
}
