/** A transaction needs room for what it writes at most, so cleaning may not write more than it is allowed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedPartition, type LogTables } from '../../../../lib/adapters/embedded/embedded-partition';
import { type EmbeddedStore, openEmbeddedStore } from '../../../../lib/adapters/embedded/embedded-store';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import type { TopicSettings } from '../../../../lib/ports/broker';
import { countedTable, inTransaction } from './store-parts';

const maxWrites = 96;
let directory: string;
let store: EmbeddedStore;
let writes: number;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'quantum-router-cleaning-'));
  store = openEmbeddedStore({ directory, clock: createVirtualClock() });
  writes = 0;
});
afterEach(async () => {
  await store.close();
  rmSync(directory, { recursive: true });
});

const counted = (name: keyof LogTables): LogTables[keyof LogTables] =>
  countedTable(store.table(name), () => void writes++);

test.each([
  ['compact', 'tombstones of keys that had one before', (): Buffer | null => null],
  ['compact', 'values', (): Buffer | null => Buffer.from('v')],
  ['compact', 'rows that are stored together', (): Buffer | null => Buffer.alloc(800, 'v')],
  ['delete', 'old records', (): Buffer | null => Buffer.from('v')],
] as const)('%s: %s', async (cleanup, _what, valueFor) => {
  const tables: LogTables = {
    log: counted('log'),
    times: counted('times'),
    latest: counted('latest'),
    tombstones: counted('tombstones'),
    cleaned: counted('cleaned'),
  };
  const settings: TopicSettings = { name: 't', partitions: 1, cleanup, retentionMs: 10, maxRecordBytes: 1_000 };
  const partition = new EmbeddedPartition(settings, 0, 1, tables);
  // Each key comes again in a later transaction, beside other keys than before.
  for (let i = 0; i < 1_000; ) {
    const end = Math.min(1_000, i + 1 + (i % 7));
    await inTransaction(store, () => {
      for (; i < end; i++) {
        const place = { topic: 't', partition: 0, offset: -1 };
        partition.append({ ...place, timestampMs: i, key: `${i % 300}`, value: valueFor(), headers: {} });
      }
      partition.store();
    });
  }
  partition.show();
  const counts: number[] = [];
  const now = { ageMs: 1_000_000, wallMs: 1_000_000 };
  for (let more = true; more; ) {
    await inTransaction(store, () => {
      writes = 0;
      more = partition.clean(now, maxWrites, 1_000);
      counts.push(writes);
    });
  }
  expect(Math.max(...counts)).toBeLessThanOrEqual(maxWrites);
  // It uses what it may, and ends with nothing left to do.
  expect(Math.max(...counts)).toBeGreaterThan(maxWrites / 3);
  expect(partition.needsCleaning(now, 1_000)).toBe(false);
});
