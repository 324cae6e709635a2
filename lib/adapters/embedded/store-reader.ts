/** Reads a store's file without lmdb (lmdb-file.ts): for checking it before it is opened, and for copying what can be read. */
import { closeSync, openSync } from 'node:fs';
import { placeOfKey } from './layout';
import { type LmdbProblem, LmdbReader, type LmdbTree, readMeta, type WalkOptions } from './lmdb-file';
import { type TableEntry, unseal } from './store-table';
import { currentFormat, firstFormat, firstFormatPageBytes, type StoreFormat } from './store-tables';

export interface StoreProblem {
  readonly part: string;
  readonly reason: string;
}

export interface StoreReader {
  readonly format: StoreFormat;
  readonly fileBytes: number;
  /** Whether the file holds every page up to the last one used. */
  readonly isWholeLength: boolean;
  readonly tables: readonly LmdbTree[];
  /** Entries of one table in order, what cannot be read left out and reported. Each table can be read once. */
  entries(tree: LmdbTree): Generator<TableEntry>;
  /** Whether an entry of this key may have been there and could not be read; known once the table has been read. */
  isLost(table: string, key: Buffer): boolean;
  /** Entries of a file of the present format wherever they are in it (LmdbReader.looseEntries), with a right checksum. */
  looseEntries(): Generator<TableEntry>;
  /** Looks at a table without its values. */
  look(tree: LmdbTree, options: WalkOptions): void;
  close(): void;
}

/** Null when the file has no beginning that can be read; the reasons have been reported. */
export function openStoreReader(path: string, report: (problem: StoreProblem) => void): StoreReader | null {
  const file = openSync(path, 'r');
  const topicNames = new Map<number, string>();
  const lost: NonNullable<LmdbProblem['range']>[] = [];
  let mayHaveLostAnything = false;
  const named = ({ part, reason, range }: LmdbProblem): void => {
    if (range) lost.push(range);
    else mayHaveLostAnything = true;
    const between =
      range && [range.low, range.high].map((key) => (key ? nameOfKey(range.table, key, topicNames) : '…'));
    report({ part: between ? `${part} (${between.join(' to ')})` : part, reason });
  };
  const meta = readMeta(file, named);
  if (!meta) {
    closeSync(file);
    return null;
  }
  const format = meta.pageBytes === firstFormatPageBytes ? firstFormat : currentFormat;
  const lmdb = new LmdbReader(file, meta, named);
  lmdb.checkFreePages();
  // Topics first: they give the other tables' keys their names.
  const tables = lmdb.tables().sort((a, b) => Number(b.name === 'topics') - Number(a.name === 'topics'));

  function* entries(tree: LmdbTree): Generator<TableEntry> {
    for (const { key, value } of lmdb.entries(tree)) {
      const plain = format === firstFormat ? value! : unseal(key, value!);
      if (plain === null) {
        report({ part: nameOfKey(tree.name, key, topicNames), reason: 'it does not match its checksum' });
        lost.push({ table: tree.name, low: key, high: Buffer.concat([key, Buffer.alloc(1)]) });
        continue;
      }
      if (tree.name === 'topics') topicNames.set(key.readUInt32BE(0), nameInSettings(plain));
      yield { key, value: plain };
    }
  }
  return {
    format,
    fileBytes: (meta.lastPage + 1) * meta.pageBytes,
    isWholeLength: lmdb.isWholeLength,
    tables,
    entries,
    isLost(table, key) {
      const isWithin = ({ low, high }: { low: Buffer | null; high: Buffer | null }): boolean =>
        (!low || Buffer.compare(key, low) >= 0) && (!high || Buffer.compare(key, high) < 0);
      return mayHaveLostAnything || lost.some((range) => range.table === table && isWithin(range));
    },
    *looseEntries() {
      for (const { key, value } of lmdb.looseEntries()) {
        const plain = unseal(key, value);
        if (plain !== null) yield { key, value: plain };
      }
    },
    look(tree, options) {
      for (const _ of lmdb.entries(tree, options)) {
        // Walking is the check.
      }
    },
    close: () => closeSync(file),
  };
}

/** For people: "record 7 of route.decided/2" where the table is the log, else the table and the key. */
export function nameOfKey(table: string, key: Buffer, topicNames: ReadonlyMap<number, string>): string {
  const place = placeOfKey(key);
  if (!place) return `entry ${key.toString('hex', 0, 40)} of table ${table}`;
  const topic = topicNames.get(place.topicId) ?? `topic ${place.topicId}`;
  const partition = `${topic}/${place.partition}`;
  if (place.number === null) return `entry ${partition} of table ${table}`;
  return table === 'log'
    ? `record ${place.number} of ${partition}`
    : `entry ${place.number} of ${partition} in table ${table}`;
}

function nameInSettings(settings: Buffer): string {
  try {
    return String(JSON.parse(settings.toString()).name);
  } catch {
    return 'a topic without a name';
  }
}
