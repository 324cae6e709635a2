/** Whether a store's file is what was written: looked at before lmdb maps it, and in full by `quantum-router store check`. */
import { existsSync } from 'node:fs';
import { type LockOptions, lockDirectory } from './directory-lock';
import { dataFileOf, unusable } from './store-directory';
import { openStoreReader, type StoreProblem } from './store-reader';
import { cacheTables, type StoreFormat, type TableName } from './store-tables';

export interface StoreCheck {
  readonly format: StoreFormat | null;
  readonly fileBytes: number;
  /** What is wrong, at most `maxProblems` of it. */
  readonly problems: readonly StoreProblem[];
  /** How much is wrong. */
  readonly problemCount: number;
  /** Of the tables that were read in full. */
  readonly tables: readonly { readonly name: string; readonly entries: number; readonly bytes: number }[];
}

const maxProblems = 100;
/** Reading this much takes a fraction of a second; of a larger file large values are left out when it is opened. */
const readInFullBytes = 32 * 1_048_576;
// They grow with what is stored; the others are small.
const largeTables: readonly string[] = ['log', 'latest', 'tombstones', ...cacheTables] satisfies TableName[];

/** The store of a directory in full, while nobody uses it. Throws DirectoryLockedError, and when there is no store. */
export function checkStore(directory: string, options: LockOptions = {}): StoreCheck {
  const dataFile = dataFileOf(directory);
  if (!existsSync(dataFile)) throw new Error(`there is no store in ${directory}: data.mdb is missing`);
  const unlock = lockDirectory(directory, { ...options, readsOnly: true });
  try {
    return checkStoreFile(dataFile, 'full');
  } catch (error) {
    throw unusable(directory, error);
  } finally {
    unlock();
  }
}

/**
 * `whenOpened` reads a moderate file in full; of a larger one everything that lmdb follows: all pages but those that hold nothing but
 * large values, whose checksums are looked at when they are read; `asLeft`, of a file that was closed in order and that nobody has
 * touched since, the small tables of a large file. Never throws for what is in the file.
 */
export function checkStoreFile(
  path: string,
  depth: 'full' | 'whenOpened' | 'asLeft',
  moderateBytes: number = readInFullBytes,
): StoreCheck {
  const problems: StoreProblem[] = [];
  let problemCount = 0;
  const reader = openStoreReader(path, (problem) => {
    problemCount++;
    if (problems.length < maxProblems) problems.push(problem);
  });
  if (!reader) return { format: null, fileBytes: 0, problems, problemCount, tables: [] };
  const tables: { name: string; entries: number; bytes: number }[] = [];
  const isFull = depth === 'full' || reader.fileBytes <= moderateBytes;
  for (const tree of reader.tables) {
    if (!isFull && largeTables.includes(tree.name)) {
      if (depth !== 'asLeft') reader.look(tree);
      continue;
    }
    const table = { name: tree.name, entries: 0, bytes: 0 };
    for (const { key, value } of reader.entries(tree)) {
      table.entries++;
      table.bytes += key.length + value.length;
    }
    tables.push(table);
  }
  // They are compared with the pages of all trees.
  if (isFull || depth !== 'asLeft') reader.checkFreePages();
  reader.close();
  return { format: reader.format, fileBytes: reader.fileBytes, problems, problemCount, tables };
}
