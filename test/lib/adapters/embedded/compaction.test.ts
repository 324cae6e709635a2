/** Compaction in steps: whatever comes to a table, and wherever the process ends, the newest record of each key is left. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { type Compaction, createCompaction } from '../../../../lib/adapters/embedded/compaction';
import type { LogTables } from '../../../../lib/adapters/embedded/embedded-partition';
import { type EmbeddedStore, openEmbeddedStore } from '../../../../lib/adapters/embedded/embedded-store';
import { numberInKey, partitionKey } from '../../../../lib/adapters/embedded/layout';
import type { StoreTable } from '../../../../lib/adapters/embedded/store-table';
import { createStoredRecords, type StoredRecords } from '../../../../lib/adapters/embedded/stored-records';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import type { LogRecord } from '../../../../lib/ports/broker';
import { countedTable, inTransaction } from './store-parts';

const maxWrites = 12;
let directory: string;
let store: EmbeddedStore;
let writes = 0;
let partitions = 0;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'quantum-router-compaction-'));
  store = openEmbeddedStore({ directory, clock: createVirtualClock() });
});
afterAll(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

const counted = (name: keyof LogTables): StoreTable => countedTable(store.table(name), () => void writes++);

/** A partition of its own; `begin` is what a process does that starts on it. */
function create() {
  const prefix = partitionKey(1, partitions++);
  const tables = {
    log: counted('log'),
    latest: counted('latest'),
    tombstones: counted('tombstones'),
    cleaned: counted('cleaned'),
  };
  const begin = (): { records: StoredRecords; compaction: Compaction } => {
    const records = createStoredRecords(tables.log, { topic: 't', partition: 0, prefix, maxMergedSpanMs: 1_000 });
    return { records, compaction: createCompaction(tables, prefix, records) };
  };
  const own = (table: StoreTable) =>
    [...table.entries()].filter(({ key }) => key.subarray(0, prefix.length).equals(prefix));
  return {
    begin,
    latest: () => own(tables.latest).map(({ value }) => value.readDoubleBE(0)),
    tombstones: () => own(tables.tombstones).map(({ key }) => numberInKey(key)),
  };
}

const rowAt = (offset: number, key: number, bytes: number): LogRecord => ({
  topic: 't',
  partition: 0,
  offset,
  timestampMs: offset,
  key: `key ${key}`,
  value: bytes < 0 ? null : Buffer.alloc(bytes, `value ${offset} `),
  headers: {},
});

const row = fc.record({ key: fc.nat(12), bytes: fc.constantFrom(-1, 10, 900) });
const step = fc.oneof(
  { weight: 3, arbitrary: fc.array(row, { minLength: 1, maxLength: 30 }) },
  fc.constantFrom('step' as const, 'range' as const, 'end' as const),
);

test('law: of each key the newest is left, however often the process ends in between', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
      const { begin, latest, tombstones } = create();
      let { records, compaction } = begin();
      let next = 0;
      const newest = new Map<string, LogRecord>();
      const compact = async (): Promise<void> => {
        writes = 0;
        await inTransaction(store, () => compaction.step(next, maxWrites));
        expect(writes).toBeLessThanOrEqual(maxWrites);
      };
      for (const one of [...steps, 'range' as const]) {
        if (one === 'end') ({ records, compaction } = begin());
        else if (one === 'step' && compaction.doneTo < next) await compact();
        else if (one === 'range') while (compaction.doneTo < next) await compact();
        else if (Array.isArray(one)) {
          const rows = one.map(({ key, bytes }) => rowAt(next++, key, bytes));
          await inTransaction(store, () => records.putRows(rows));
          for (const added of rows) newest.set(added.key!, added);
        }
      }
      const left = [...newest.values()].sort((a, b) => a.offset - b.offset);
      expect(records.read(0, next, Number.MAX_SAFE_INTEGER)).toEqual(left);
      const offsets = left.map(({ offset }) => offset);
      expect(latest().sort((a, b) => a - b)).toEqual(offsets);
      expect(tombstones()).toEqual(left.filter(({ value }) => value === null).map(({ offset }) => offset));
      expect(begin().compaction.doneTo).toBe(next);
    }),
    { numRuns: 60 },
  );
});

test('a range of many rows is looked up in parts, and the next begins where it ended', async () => {
  const { begin } = create();
  const { records, compaction } = begin();
  const end = 1_500;
  const rows = Array.from({ length: end }, (_, offset) => rowAt(offset, offset % 700, 10));
  await inTransaction(store, () => records.putRows(rows));
  const ends = new Set<number>();
  while (compaction.doneTo < end) {
    await inTransaction(store, () => compaction.step(end, 96));
    ends.add(compaction.doneTo);
  }
  expect([...ends]).toEqual([0, 1_024, end]);
  expect(records.read(0, end, end)).toEqual(rows.slice(end - 700));
});
