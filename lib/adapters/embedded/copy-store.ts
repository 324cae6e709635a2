/**
 * Copies what can be read of a store into a new file: to take over a file of an earlier format, and to repair one that is
 * damaged or that lmdb can no longer write to. The old file is never written to.
 */
import { closeSync, existsSync, fsyncSync, linkSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { lockDirectory } from './directory-lock';

import { placeOfKey, positionKey, positionValue } from './layout';
import { openRoot, openTable } from './lmdb-root';
import { StoreDamagedError, StoreUnusableError } from './store-damage';
import { dataFileOf, readMarker, refuseUnsafe, unusable, wasCutOff, writeMarker } from './store-directory';
import { openStoreReader, type StoreProblem, type StoreReader } from './store-reader';
import { freeBytesOf } from './store-space';
import type { StoreTable, TableEntry } from './store-table';
import { cacheTables, firstFormat, type TableName, tables } from './store-tables';

export interface StoreCopy {
  /** How many entries were copied. */
  readonly entries: number;
  /** Records of the log among them. */
  readonly records: number;
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
    throw new StoreUnusableError(directory, `copying it may take ${wanted} MB and the disk has ${there} MB left`);
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

function writeCopy(reader: StoreReader, copy: string, problems: StoreProblem[]): { entries: number; records: number } {
  const root = openRoot(copy, 'process');
  const topicIds = new Set<number>();
  let [entries, records, orphans] = [0, 0, 0];
  for (const tree of reader.tables) {
    const { name } = tree;
    // A cache of the first format has other keys.
    const leftOut = reader.format === firstFormat ? [...derivedTables, ...cacheTables] : derivedTables;
    if (!isTable(name) || leftOut.includes(name)) continue;
    const table = openTable(root, name, () => new Error(`the copy of table ${name} is damaged`));
    const wanted = function* (): Generator<TableEntry> {
      for (const entry of reader.entries(tree)) {
        if (name === 'topics') topicIds.add(entry.key.readUInt32BE(0));
        if (name === 'log' || name === 'times') {
          // A new topic would get the number of a lost one, and with it these records.
          if (!topicIds.has(placeOfKey(entry.key)?.topicId ?? -1)) {
            orphans++;
            continue;
          }
        }
        entries++;
        if (name === 'log') records++;
        yield reader.format === firstFormat ? ofFirstFormat(name, entry) : entry;
      }
    };
    for (const batch of batchesOf(wanted())) root.transactionSync(() => putAll(table, batch));
  }
  if (orphans > 0) problems.push({ part: 'table topics', reason: `${orphans} records belong to topics that are lost` });
  void root.close();
  syncFile(copy);
  return { entries, records };
}

/** Entries whose layout has changed since. */
function ofFirstFormat(name: TableName, entry: TableEntry): TableEntry {
  if (name !== 'positions') return entry;
  const text = entry.key.toString();
  return { key: positionKey(text), value: positionValue(text, entry.value.readDoubleBE(0)) };
}

function putAll(table: StoreTable, batch: readonly TableEntry[]): void {
  for (const { key, value } of batch) table.put(key, value);
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
