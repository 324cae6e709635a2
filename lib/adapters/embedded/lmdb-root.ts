/** Opens a data file in lmdb, always with the same settings: they are what the layout of the store relies on. */
import { open, type RootDatabase } from 'lmdb';
import type { Durability } from './group-commit';
import { createStoreTable, type Damaged, pageBytes, type StoreTable } from './store-table';
import { type TableName, tables } from './store-tables';

export const maxTables = 16;

export function openRoot(path: string, durability: Durability): RootDatabase {
  return open({
    path,
    maxDbs: maxTables,
    pageSize: pageBytes,
    ...(durability === 'process' ? { noSync: true, overlappingSync: false } : { overlappingSync: true }),
  });
}

export function openTable(root: RootDatabase, name: TableName, damaged: Damaged): StoreTable {
  const database = root.openDB<Buffer, Buffer>({ name, keyEncoding: 'binary', encoding: 'binary' });
  return createStoreTable(database, damaged, tables[name] ?? undefined);
}

/** How far lmdb has come in the file, and what it takes there itself: the meta pages, the list of tables and the list of free pages. */
export function fileUseOf(root: RootDatabase): { usedBytes: number; ownBytes: number } {
  const { lastPageNumber, root: tables, free } = root.getStats() as RootStats;
  return {
    usedBytes: (lastPageNumber + 1) * pageBytes,
    ownBytes: (metaPages + pagesOf(tables) + pagesOf(free)) * pageBytes,
  };
}

const metaPages = 2;

interface TreeStats {
  readonly treeBranchPageCount: number;
  readonly treeLeafPageCount: number;
  readonly overflowPages: number;
}

interface RootStats {
  readonly lastPageNumber: number;
  readonly root: TreeStats;
  readonly free: TreeStats;
}

function pagesOf({ treeBranchPageCount, treeLeafPageCount, overflowPages }: TreeStats): number {
  return treeBranchPageCount + treeLeafPageCount + overflowPages;
}
