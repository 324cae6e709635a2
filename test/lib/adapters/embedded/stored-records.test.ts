/** Records that are stored together are read, dropped and replaced as if each were by itself. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { type EmbeddedStore, openEmbeddedStore } from '../../../../lib/adapters/embedded/embedded-store';
import { partitionKey } from '../../../../lib/adapters/embedded/layout';
import { packBatch } from '../../../../lib/adapters/embedded/record-batch';
import type { SmallBatches } from '../../../../lib/adapters/embedded/small-batches';
import type { StoreTable } from '../../../../lib/adapters/embedded/store-table';
import { createStoredRecords, type StoredRecords } from '../../../../lib/adapters/embedded/stored-records';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import type { LogRecord } from '../../../../lib/ports/broker';
import { inTransaction } from './store-parts';

let directory: string;
let store: EmbeddedStore;
let log: StoreTable;
let partitions = 0;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'quantum-router-records-'));
  store = openEmbeddedStore({ directory, clock: createVirtualClock() });
  log = store.table('log');
});
afterAll(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

/** A partition of its own, between others. */
function create(): { records: StoredRecords; keys: () => number } {
  const prefix = partitionKey(1, partitions++);
  const records = createStoredRecords(log, { topic: 't', partition: 0, prefix, maxMergedSpanMs: 1_000 });
  const keys = () => [...log.keys()].filter((key) => key.subarray(0, prefix.length).equals(prefix)).length;
  return { records, keys };
}

const recordAt = (offset: number, bytes: number, timestampMs = offset): LogRecord => ({
  topic: 't',
  partition: 0,
  offset,
  timestampMs,
  key: `key ${offset}`,
  value: bytes < 0 ? null : Buffer.alloc(bytes, `value ${offset} `),
  headers: offset % 5 === 0 ? { name: `header ${offset}` } : {},
});

/** Some appends, each with gaps before it, of records of these sizes. */
const appends = fc.array(
  fc.record({
    gap: fc.integer({ min: 0, max: 3 }),
    sizes: fc.array(fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 3_000 }), fc.constant(70_000)), {
      minLength: 1,
      maxLength: 40,
    }),
  }),
  { minLength: 1, maxLength: 8 },
);

test.each(['putAppended', 'putRows'] as const)(
  '%s: what is put is read from any offset, in any number',
  async (put) => {
    await fc.assert(
      fc.asyncProperty(appends, async (steps) => {
        const { records } = create();
        const all: LogRecord[] = [];
        let next = 0;
        for (const { gap, sizes } of steps) {
          next += gap;
          const batch = sizes.map((bytes) => recordAt(next++, bytes));
          await inTransaction(store, () => records[put](batch));
          all.push(...batch);
        }
        expect(records.firstOffset()).toBe(all[0]!.offset);
        expect(records.lastOffset()).toBe(next - 1);
        expect(records.read(0, next, Number.MAX_SAFE_INTEGER)).toEqual(all);
        for (let from = 0; from < next; from += 7) {
          expect(records.read(from, next - 1, 5)).toEqual(
            all.filter(({ offset }) => offset >= from && offset < next - 1).slice(0, 5),
          );
        }
      }),
      { numRuns: 20 },
    );
  },
);

test('records go one by one, wherever they are stored, and the others stay', async () => {
  await fc.assert(
    fc.asyncProperty(
      appends,
      fc.array(fc.array(fc.nat(300), { maxLength: 30 }), { maxLength: 4 }),
      async (steps, removals) => {
        const { records, keys } = create();
        let next = 0;
        for (const { gap, sizes } of steps) {
          next += gap;
          await inTransaction(store, () => records.putRows(sizes.map((bytes) => recordAt(next++, bytes))));
        }
        let left = records.read(0, next, Number.MAX_SAFE_INTEGER);
        for (const removed of removals) {
          await inTransaction(store, () => records.remove(removed));
          left = left.filter(({ offset }) => !removed.includes(offset));
          expect(records.read(0, next, Number.MAX_SAFE_INTEGER)).toEqual(left);
          expect(records.firstOffset()).toBe(left[0]?.offset ?? null);
          expect(records.lastOffset()).toBe(left.at(-1)?.offset ?? null);
        }
        await inTransaction(store, () => records.remove(left.map(({ offset }) => offset)));
        expect(keys()).toBe(0);
      },
    ),
    { numRuns: 20 },
  );
});

describe('what comes one by one', () => {
  const merge = async (records: StoredRecords, batches: readonly SmallBatches[]): Promise<void> => {
    for (const small of batches) {
      const packed = await packBatch(small.batch);
      await inTransaction(store, () => records.merge(small, packed));
    }
  };
  const putOneByOne = async (records: StoredRecords, count: number, stepMs: number): Promise<LogRecord[]> => {
    const all = Array.from({ length: count }, (_, i) => recordAt(i, 3_000, i * stepMs));
    for (const record of all) await inTransaction(store, () => records.putAppended([record]));
    return all;
  };

  test('is stored together once there is enough of it', async () => {
    const { records, keys } = create();
    const all = await putOneByOne(records, 100, 1);
    const small = records.takeSmallBatches();
    expect(small.length).toBeGreaterThan(2);
    await merge(records, small);
    expect(keys()).toBeLessThan(30);
    expect(records.read(0, 100, 1_000)).toEqual(all);
    expect(records.takeSmallBatches()).toEqual([]);
    const [first] = records.values(0, 100, 1);
    expect(first).toEqual({ first: 0, last: small[0]!.to - 1, newestMs: small[0]!.to - 1 });
  });

  test('is read the same before and after, however much comes at a time', async () => {
    const sizes = fc.array(fc.integer({ min: -1, max: 3_000 }), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(fc.array(sizes, { minLength: 8, maxLength: 80 }), async (steps) => {
        const { records } = create();
        let next = 0;
        for (const step of steps)
          await inTransaction(store, () => records.putAppended(step.map((bytes) => recordAt(next++, bytes))));
        const before = records.read(0, next, next);
        expect(before.length).toBe(next);
        await merge(records, records.takeSmallBatches());
        expect(records.read(0, next, next)).toEqual(before);
      }),
      { numRuns: 20 },
    );
  });

  test('is left as it is where a part has gone meanwhile', async () => {
    const { records } = create();
    const all = await putOneByOne(records, 100, 1);
    await inTransaction(store, () => records.removeValue(records.values(0, 1, 1)[0]!));
    await merge(records, records.takeSmallBatches());
    expect(records.read(0, 100, 1_000)).toEqual(all.slice(1));
  });

  test('stays apart where it is far apart in time: a batch goes when its newest record may', async () => {
    const { records, keys } = create();
    await putOneByOne(records, 100, 500);
    expect(records.takeSmallBatches()).toEqual([]);
    expect(keys()).toBe(100);
  });
});
