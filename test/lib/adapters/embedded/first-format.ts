/** Stores as earlier versions made them: pages of 16 kB, no checksums, positions by their text. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import {
  encodeRecord,
  hashedKey,
  numberBytesOf,
  numberedKey,
  partitionKey,
} from '../../../../lib/adapters/embedded/layout';
import type { TopicSettings } from '../../../../lib/ports/broker';

export interface FirstFormatRecord {
  readonly partition: number;
  readonly value: Buffer;
}

/** Writes one topic (number 1); every append is a transaction of its own, as acknowledged. Returns how many were taken. */
export async function writeFirstFormat(
  directory: string,
  topic: TopicSettings,
  records: readonly FirstFormatRecord[],
): Promise<number> {
  mkdirSync(directory, { recursive: true });
  const root = open({
    path: join(directory, 'data.mdb'),
    maxDbs: 16,
    pageSize: 16_384,
    noSync: true,
    overlappingSync: false,
  });
  const table = (name: string) => root.openDB<Buffer, Buffer>({ name, keyEncoding: 'binary', encoding: 'binary' });
  const names = ['topics', 'log', 'times', 'latest', 'tombstones', 'cleaned', 'positions'];
  const [topics, log, times, latest, , , positions] = names.map(table);
  const [values] = ['key-value', 'key-value-expiries'].map(table);
  const id = Buffer.alloc(4);
  id.writeUInt32BE(1);
  root.transactionSync(() => {
    topics!.put(id, Buffer.from(JSON.stringify(topic)));
    positions!.put(Buffer.from(`g\u0000${topic.name}\u00000`), numberBytesOf(1));
    values!.put(Buffer.from('cached'), Buffer.concat([numberBytesOf(Number.POSITIVE_INFINITY), Buffer.from('v')]));
  });
  const ends = new Map<number, number>();
  let taken = 0;
  try {
    for (const { partition, value } of records) {
      const offset = ends.get(partition) ?? 0;
      const prefix = partitionKey(1, partition);
      const record = {
        topic: topic.name,
        partition,
        offset,
        timestampMs: 1_000 + taken,
        key: `k${offset}`,
        value,
        headers: {},
      };
      root.transactionSync(() => {
        log!.put(numberedKey(prefix, offset), encodeRecord(record));
        if (offset === 0) times!.put(numberedKey(prefix, record.timestampMs), numberBytesOf(0));
        if (offset === 0) latest!.put(hashedKey(prefix, record.key), numberBytesOf(0));
      });
      ends.set(partition, offset + 1);
      taken++;
    }
  } catch {
    // What was taken until then is in the file.
  }
  await root.close();
  const marker = { format: 1, durability: 'process', clean: false, bootId: null };
  writeFileSync(join(directory, 'store.json'), JSON.stringify(marker));
  return taken;
}

/** Small records in one partition, large ones behind them in the next, then a large one between: more than lmdb can split. */
export function recordsThatBreakIt(): FirstFormatRecord[] {
  const records = (count: number, partition: number, bytes: number): FirstFormatRecord[] =>
    Array.from({ length: count }, (_, i) => ({ partition, value: Buffer.alloc(bytes, i) }));
  return [...records(17, 0, 4), ...records(16, 1, 920), ...records(1, 0, 920)];
}
