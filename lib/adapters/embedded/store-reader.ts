/** Reads a store's file without lmdb (lmdb-file.ts): for checking it before it is opened, and for copying what can be read. */
import { closeSync, openSync } from 'node:fs';
import { placeOfKey } from './layout';
import { type LmdbProblem, LmdbReader, type LmdbTree, readMeta } from './lmdb-file';
import { type TableEntry, unseal } from './store-table';
import { currentFormat, firstFormat, firstFormatPageBytes, type StoreFormat } from './store-tables';

export interface StoreProblem {
  readonly part: string;
  readonly reason: string;
}

export interface StoreReader {
  readonly format: StoreFormat;
  readonly fileBytes: number;
  readonly tables: readonly LmdbTree[];
  /** Entries of one table in order, what cannot be read left out and reported. Each table can be read once. */
  entries(tree: LmdbTree): Generator<TableEntry>;
  /** Whether an entry of this key may have been there and could not be read; known once the table has been read. */
  isLost(table: string, key: Buffer): boolean;
  /** Entries of a file of the present format wherever they are in it (LmdbReader.looseEntries), with a right checksum. */
  looseEntries(): Generator<TableEntry>;
  /** Looks at a table without the values that have pages of their own. */
  look(tree: LmdbTree): void;
  /** Looks at the lists of free pages, once every table has been looked at or read. */
  checkFreePages(): void;
  close(): void;
}

/** Null when the file has no beginning that can be read; the reasons have been reported. */
export function openStoreReader(path: string, report: (problem: StoreProblem) => void): StoreReader | null {
  const file = openSync(path, 'r');
  const topicNames = new Map<number, string>();
  const lost = new LostRanges();
  let mayHaveLostAnything = false;
  const named = ({ part, reason, range }: LmdbProblem): void => {
    if (range) lost.add(range);
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
  // Topics first: they give the other tables' keys their names.
  const tables = lmdb.tables().sort((a, b) => Number(b.name === 'topics') - Number(a.name === 'topics'));

  function* entries(tree: LmdbTree): Generator<TableEntry> {
    for (const { key, value } of lmdb.entries(tree)) {
      const plain = format === firstFormat ? value! : unseal(key, value!);
      if (plain === null) {
        report({ part: nameOfKey(tree.name, key, topicNames), reason: 'it does not match its checksum' });
        lost.add({ table: tree.name, low: key, high: Buffer.concat([key, Buffer.alloc(1)]) });
        continue;
      }
      if (tree.name === 'topics') topicNames.set(key.readUInt32BE(0), nameInSettings(plain));
      yield { key, value: plain };
    }
  }
  return {
    format,
    fileBytes: (meta.lastPage + 1) * meta.pageBytes,
    tables,
    entries,
    isLost: (table, key) => mayHaveLostAnything || lost.has(table, key),
    *looseEntries() {
      for (const { key, value } of lmdb.looseEntries()) {
        const plain = unseal(key, value);
        if (plain !== null) yield { key, value: plain };
      }
    },
    look(tree) {
      for (const _ of lmdb.entries(tree, { largeValues: false })) {
        // Walking is the check.
      }
    },
    checkFreePages: () => lmdb.checkFreePages(),
    close: () => closeSync(file),
  };
}

type LostRange = NonNullable<LmdbProblem['range']>;

/** Keys that may have been lost. A damaged store may have a range for every page, and asks for every entry it holds. */
class LostRanges {
  private readonly added = new Map<string, LostRange[]>();
  /** By table, in order and without overlaps; made when asked for. */
  private readonly merged = new Map<string, readonly LostRange[]>();

  add(range: LostRange): void {
    const ranges = this.added.get(range.table);
    if (ranges) ranges.push(range);
    else this.added.set(range.table, [range]);
    this.merged.delete(range.table);
  }

  has(table: string, key: Buffer): boolean {
    const ranges = this.of(table);
    let [from, to] = [0, ranges.length];
    // The last range that begins at or before the key.
    while (from < to) {
      const middle = (from + to) >> 1;
      const { low } = ranges[middle]!;
      if (!low || Buffer.compare(low, key) <= 0) from = middle + 1;
      else to = middle;
    }
    const last = ranges[from - 1];
    return last !== undefined && (!last.high || Buffer.compare(key, last.high) < 0);
  }

  private of(table: string): readonly LostRange[] {
    const present = this.merged.get(table);
    if (present) return present;
    const sorted = [...(this.added.get(table) ?? [])].sort((a, b) => compareBounds(a.low, b.low, -1));
    const ranges: LostRange[] = [];
    for (const range of sorted) {
      const last = ranges.at(-1);
      const isApart = !last || (last.high && range.low && Buffer.compare(last.high, range.low) < 0);
      if (isApart) ranges.push(range);
      else if (compareBounds(range.high, last.high, 1) > 0) ranges[ranges.length - 1] = { ...last, high: range.high };
    }
    this.merged.set(table, ranges);
    return ranges;
  }
}

/** `open`: where a bound that is not there lies, before all keys (-1) or behind them (1). */
function compareBounds(a: Buffer | null, b: Buffer | null, open: -1 | 1): number {
  if (a && b) return Buffer.compare(a, b);
  if (!a && !b) return 0;
  return a ? -open : open;
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
