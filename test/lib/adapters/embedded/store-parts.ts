/** What tests of the store's inside need of it. */
import type { EmbeddedStore } from '../../../../lib/adapters/embedded/embedded-store';
import type { StoreTable } from '../../../../lib/adapters/embedded/store-table';

/** Resolves when what `apply` has written is committed. */
export function inTransaction(store: EmbeddedStore, apply: () => void): Promise<void> {
  return store.write({
    size: { entries: 10_000, bytes: 10_000_000 },
    apply() {
      apply();
      return null;
    },
  });
}

/** The table, with `onWrite` called before each entry that is written or removed. */
export function countedTable(table: StoreTable, onWrite: () => void): StoreTable {
  const counting =
    <Given extends readonly unknown[]>(act: (...given: Given) => void) =>
    (...given: Given): void => {
      onWrite();
      act(...given);
    };
  return { ...table, put: counting(table.put), write: counting(table.write), remove: counting(table.remove) };
}
