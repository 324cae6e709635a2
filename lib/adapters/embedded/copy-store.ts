/**
 * Copies what can be read of a store into a new file: to take over a file of an earlier format, and to repair one that is
 * damaged or that lmdb can no longer write to. The old file is never written to.
 */
import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import type { RootDatabase } from 'lmdb';
import { lockDirectory } from './directory-lock';
import { decodePosition, leastRecordBytes, placeOfKey, positionKey, positionValue } from './layout';
import type { LmdbTree } from './lmdb-file';
import { openRoot, openTable } from './lmdb-root';
import { recordsIn, spanOf } from './record-batch';
import { StoreDamagedError, StoreUnusableError } from './store-damage';
import { dataFileOf, readMarker, refuseUnsafe, unusable, wasCutOff, writeMarker } from './store-directory';
import { openStoreReader, type StoreProblem, type StoreReader } from './store-reader';
import { freeBytesOf } from './store-space';
import type { TableEntry } from './store-table';
import { cacheTables, currentFormat, firstFormat, type TableName, tables } from './store-tables';

export interface StoreCopy {
  /** How many entries were copied. */
  readonly entries: number;
  /** Records of the log, of which one entry holds many. */
  readonly records: number;
  /** How many of the entries are not of the log. */
  readonly others: number;
  /** Entries among them that no page led to any more, found by looking at every page of the file. */
  readonly salvaged: number;
  /** What could not be read, and so is not in the copy. */
  readonly problems: readonly StoreProblem[];
}

export interface StoreRepair extends StoreCopy {
  /** The file as it was. */
  readonly keptAs: string;
}

/** Derived from the log; made again by compaction. */
const derivedTables: readonly TableName[] = ['latest', 'tombstones', 'cleaned'];
const entriesPerTransaction = 1_000;
const bytesPerTransaction = 8 * 1_048_576;
/** The copy may be larger than its source, whose pages may have been fuller. */
const growth = 2;
const spareBytes = 32 * 1_048_576;

/**
 * Puts a copy in the present format in the place of a file of the first one, which is removed then. The caller has the
 * lock. Throws StoreDamagedError, and leaves the file alone, when not all of it can be read.
 */
export function migrateStore(directory: string): StoreCopy {
  const { copy, copied } = copyToNewFile(directory);
  const [first] = copied.problems;
  if (first) {
    removeFile(copy);
    throw new StoreDamagedError(directory, first.part, first.reason);
  }
  putInPlace(copy, dataFileOf(directory));
  return copied;
}

/**
 * Copies what can be read into a new file, puts it in the place of the old one and keeps that beside it. Throws
 * DirectoryLockedError while the store is in use, and an error that says so when there is nothing to be read.
 */
export function repairStore(directory: string, options: { onNote?: (note: string) => void } = {}): StoreRepair {
  const dataFile = dataFileOf(directory);
  if (!existsSync(dataFile)) throw new Error(`there is no store in ${directory}: data.mdb is missing`);
  const unlock = lockDirectory(directory, options);
  try {
    const marker = readMarker(directory);
    if (marker && !wasCutOff(marker)) refuseUnsafe(directory, marker);
    const { copy, copied } = copyToNewFile(directory);
    const keptAs = freeName(`${dataFile}.before-repair`);
    linkSync(dataFile, keptAs);
    putInPlace(copy, dataFile);
    writeMarker(directory, { durability: marker?.durability ?? 'process', clean: true, hasData: true });
    return { ...copied, keptAs };
  } catch (error) {
    throw unusable(directory, error);
  } finally {
    unlock();
  }
}

function copyToNewFile(directory: string): { copy: string; copied: StoreCopy } {
  const dataFile = dataFileOf(directory);
  const copy = `${dataFile}.copy`;
  removeFile(copy);
  const needed = statSync(dataFile).size * growth + spareBytes;
  const free = freeBytesOf(directory);
  if (free < needed) {
    const [wanted, there] = [needed, free].map((bytes) => Math.ceil(bytes / 1_048_576));
    const reason = `copying it may take ${wanted} MB and the disk has ${there} MB left`;
    const wayOut = 'free that much, or repair a copy of the directory on a larger disk';
    throw new StoreUnusableError(directory, reason, { wayOut });
  }
  const problems: StoreProblem[] = [];
  const reader = openStoreReader(dataFile, (problem) => problems.push(problem));
  if (!reader) {
    throw new Error(
      `nothing in ${dataFile} can be read: ${problems.map(({ part, reason }) => `${part}: ${reason}`).join('; ')}. Restore it from a copy, or remove ${directory} to begin anew`,
    );
  }
  try {
    return { copy, copied: { ...writeCopy(reader, copy, problems), problems } };
  } catch (error) {
    removeFile(copy);
    throw error;
  } finally {
    reader.close();
  }
}

/** What was copied so far. */
interface Copying {
  readonly reader: StoreReader;
  readonly root: RootDatabase;
  readonly topicIds: Set<number>;
  entries: number;
  others: number;
  orphans: number;
}

function writeCopy(reader: StoreReader, copy: string, problems: StoreProblem[]): Omit<StoreCopy, 'problems'> {
  const root = openRoot(copy, 'process');
  const copying: Copying = { reader, root, topicIds: new Set(), entries: 0, others: 0, orphans: 0 };
  const mayBeSalvaged = reader.format === currentFormat;
  // A cache of the first format has other keys.
  const leftOut = reader.format === firstFormat ? [...derivedTables, ...cacheTables] : derivedTables;
  // Topics come first: what belongs to none of them is not copied.
  const [topics, rest] = [reader.tables.slice(0, 1), reader.tables.slice(1)];
  const copyTables = (trees: readonly LmdbTree[]): void => {
    for (const tree of trees) {
      if (isTable(tree.name) && !leftOut.includes(tree.name)) copyAll(copying, tree.name, reader.entries(tree));
    }
  };
  const salvaged = { entries: 0 };
  const salvage = (names: readonly TableName[]): void => {
    if (problems.length === 0 || !mayBeSalvaged) return;
    for (const name of names) {
      salvaged.entries += copyAll(copying, name, lostEntries(reader, name));
    }
  };
  if (topics[0]?.name === 'topics') copyTables(topics);
  salvage(['topics']);
  copyTables(topics[0]?.name === 'topics' ? rest : reader.tables);
  salvage(['log', 'positions']);
  const { entries, others, orphans } = copying;
  const records = removeMerged(root);
  if (orphans > 0) problems.push({ part: 'table topics', reason: `${orphans} records belong to topics that are lost` });
  void root.close();
  syncFile(copy);
  return { entries, records, others, salvaged: salvaged.entries };
}

/** Returns how many entries were new to the copy. */
function copyAll(copying: Copying, name: TableName, entries: Iterable<TableEntry>): number {
  const { reader, root, topicIds } = copying;
  const table = openTable(root, name, () => new Error(`the copy of table ${name} is damaged`));
  const wanted = function* (): Generator<TableEntry> {
    for (const entry of entries) {
      if (name === 'topics') topicIds.add(entry.key.readUInt32BE(0));
      // A new topic would get the number of a lost one, and with it these records.
      if ((name === 'log' || name === 'times') && !topicIds.has(placeOfKey(entry.key)?.topicId ?? -1)) {
        copying.orphans++;
        continue;
      }
      yield reader.format === firstFormat ? ofFirstFormat(name, entry) : entry;
    }
  };
  let added = 0;
  for (const batch of batchesOf(wanted())) {
    root.transactionSync(() => {
      for (const { key, value } of batch) {
        const there = table.get(key);
        if (there && !isBetter(name, value, there)) continue;
        table.put(key, value);
        if (!there) added++;
      }
    });
  }
  copying.entries += added;
  if (name !== 'log') copying.others += added;
  return added;
}

/** Whether of two values of one key this one is to be kept. */
function isBetter(name: TableName, value: Buffer, there: Buffer): boolean {
  if (name === 'positions') return isLater(value, there);
  // A batch was merged from smaller ones, or a row has gone from it.
  return name === 'log' && spanOf(value) > spanOf(there);
}

/** Takes out of the log what lies within a batch before it: what that was merged from, found in pages that are free. Returns how many records are left. */
function removeMerged(root: RootDatabase): number {
  const table = openTable(root, 'log', () => new Error('the copy of table log is damaged'));
  const merged: Buffer[] = [];
  let records = 0;
  let [partition, coveredTo] = ['', 0];
  for (const { key, value } of table.entries()) {
    const { topicId, partition: number, number: offset } = placeOfKey(key)!;
    if (partition !== `${topicId}/${number}`) [partition, coveredTo] = [`${topicId}/${number}`, 0];
    if (offset! < coveredTo) merged.push(key);
    else {
      records += recordsIn(value);
      coveredTo = offset! + spanOf(value);
    }
  }
  for (let at = 0; at < merged.length; at += entriesPerTransaction) {
    root.transactionSync(() => {
      for (const key of merged.slice(at, at + entriesPerTransaction)) table.remove(key);
    });
  }
  return records;
}

function isLater(position: Buffer, other: Buffer): boolean {
  return decodePosition(position).offset > decodePosition(other).offset;
}

/**
 * Entries that the trees do not lead to any more, told apart by their content. Records never change, so an earlier version
 * of a page is as good as the last one; of a group's position the highest counts. Records that retention or compaction had
 * removed may come back, to be removed again; a row of a table whose tombstone is gone already would stay.
 */
function* lostEntries(reader: StoreReader, name: TableName): Generator<TableEntry> {
  for (const { key, value } of reader.looseEntries()) {
    if (isOf(name, key, value) && reader.isLost(name, key)) yield { key, value };
  }
}

function isOf(name: TableName, key: Buffer, value: Buffer): boolean {
  if (key.length !== tables[name]) return false;
  if (name === 'log') return value.length >= leastRecordBytes;
  if (name === 'positions') return value.length > 8 && positionKey(decodePosition(value).text).equals(key);
  return name === 'topics' && value[0] === '{'.charCodeAt(0);
}

/** Entries whose layout has changed since. */
function ofFirstFormat(name: TableName, entry: TableEntry): TableEntry {
  if (name !== 'positions') return entry;
  const text = entry.key.toString();
  return { key: positionKey(text), value: positionValue(text, entry.value.readDoubleBE(0)) };
}

function* batchesOf(entries: Iterable<TableEntry>): Generator<readonly TableEntry[]> {
  let batch: TableEntry[] = [];
  let bytes = 0;
  for (const entry of entries) {
    batch.push(entry);
    bytes += entry.value.length;
    if (batch.length < entriesPerTransaction && bytes < bytesPerTransaction) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}

function isTable(name: string): name is TableName {
  return Object.hasOwn(tables, name);
}

function freeName(path: string): string {
  for (let number = 1; ; number++) if (!existsSync(`${path}-${number}`)) return `${path}-${number}`;
}

/** Replaces the file in one step, so that there is a whole one at every moment. */
function putInPlace(copy: string, dataFile: string): void {
  renameSync(copy, dataFile);
  rmSync(`${copy}-lock`, { force: true });
  rmSync(`${dataFile}-lock`, { force: true });
}

function removeFile(path: string): void {
  rmSync(path, { force: true });
  rmSync(`${path}-lock`, { force: true });
}

function syncFile(path: string): void {
  const file = openSync(path, 'r+');
  fsyncSync(file);
  closeSync(file);
}
