/** A transaction needs room for what it writes at most, so cleaning may not write more than it is allowed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddedPartition, type LogTables } from '../../../../lib/adapters/embedded/embedded-partition';
import { type EmbeddedStore, openEmbeddedStore } from '../../../../lib/adapters/embedded/embedded-store';
import { createVirtualClock } from '../../../../lib/adapters/memory/virtual-clock';
import type { TopicSettings } from '../../../../lib/ports/broker';

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

function countedTable(name: keyof LogTables): LogTables[keyof LogTables] {
  const table = store.table(name);
  return {
    ...table,
    put(key, value) {
      writes++;
      table.put(key, value);
    },
    write(key, valueBytes, fill) {
      writes++;
      table.write(key, valueBytes, fill);
    },
    remove(key) {
      writes++;
      table.remove(key);
    },
  };
}

const inTransaction = (apply: () => void): Promise<void> =>
  store.write({
    size: { entries: 10_000, bytes: 1_000_000 },
    apply() {
      apply();
      return null;
    },
  });

test.each([
  ['compact', 'tombstones of keys that had one before', (): Buffer | null => null],
  ['compact', 'values', (): Buffer | null => Buffer.from('v')],
  ['compact', 'rows that are stored together', (): Buffer | null => Buffer.alloc(800, 'v')],
  ['delete', 'old records', (): Buffer | null => Buffer.from('v')],
] as const)('%s: %s', async (cleanup, _what, valueFor) => {
  const tables: LogTables = {
    log: countedTable('log'),
    times: countedTable('times'),
    latest: countedTable('latest'),
    tombstones: countedTable('tombstones'),
    cleaned: countedTable('cleaned'),
  };
  const settings: TopicSettings = { name: 't', partitions: 1, cleanup, retentionMs: 10, maxRecordBytes: 1_000 };
  const partition = new EmbeddedPartition(settings, 0, 1, tables);
  // Each key comes again in a later transaction, beside other keys than before.
  for (let i = 0; i < 1_000; ) {
    const end = Math.min(1_000, i + 1 + (i % 7));
    await inTransaction(() => {
      for (; i < end; i++) {
        const place = { topic: 't', partition: 0, offset: -1 };
        partition.append({ ...place, timestampMs: i, key: `${i % 300}`, value: valueFor(), headers: {} });
      }
      partition.store();
    });
  }
  partition.show();
  const counts: number[] = [];
  for (let more = true; more; ) {
    await inTransaction(() => {
      writes = 0;
      more = partition.clean(1_000_000, maxWrites, 1_000);
      counts.push(writes);
    });
  }
  expect(Math.max(...counts)).toBeLessThanOrEqual(maxWrites);
  // It uses what it may, and ends with nothing left to do.
  expect(Math.max(...counts)).toBeGreaterThan(maxWrites / 3);
  expect(partition.needsCleaning(1_000_000, 1_000)).toBe(false);
});
