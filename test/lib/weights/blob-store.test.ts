import { createMemoryBroker } from '../../../lib/adapters/memory/memory-broker';
import { createMemoryKeyValue } from '../../../lib/adapters/memory/memory-key-value';
import { createVirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import { sha256Of } from '../../../lib/learning/fold/blob';
import type { KeyValue } from '../../../lib/ports/key-value';
import type { Emit } from '../../../lib/stream/define-service';
import { createLog } from '../../../lib/telemetry/log';
import { settingsOf } from '../../../lib/topics/define-topic';
import type { WeightsChunk } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { type BlobStoreOptions, createBlobStore } from '../../../lib/weights/blob-store';

const chunkBytes = 100;
const bytesOf = (length: number, fill: number): Buffer => Buffer.alloc(length, `blob ${fill} `);

async function createPlace() {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  const keyValue = createMemoryKeyValue({ clock });
  await broker.ensureTopics([settingsOf(topics.weightsBlobs as never, 1)]);
  const producer = broker.producer('test');
  const write = async (emits: readonly Emit[]): Promise<void> => {
    const { name, codec, keyOf } = topics.weightsBlobs;
    await producer.send(
      emits.map(({ value, key }) => ({
        topic: name,
        key: key ?? keyOf(value as WeightsChunk),
        value: value === null ? null : codec.encode(value as WeightsChunk),
      })),
    );
  };
  const store = (change: Partial<BlobStoreOptions> = {}) =>
    createBlobStore({ broker, keyValue, clock, log: createLog({ level: 'silent' }), chunkBytes, ...change });
  return { clock, broker, keyValue, write, store };
}

/** A store that is down. */
const brokenKeyValue = new Proxy({} as KeyValue, { get: () => () => Promise.reject(new Error('connection refused')) });

describe('blob store', () => {
  test.each([0, 1, 99, 100, 101, 1000])('%i bytes survive in the log, in chunks', async (length) => {
    const { write, store } = await createPlace();
    const bytes = bytesOf(length, 1);
    const sha256 = sha256Of(bytes);
    const records = store().putToRecords(sha256, bytes);
    expect(records).toHaveLength(Math.max(1, Math.ceil(length / chunkBytes)));
    expect(records.every(({ value }) => (value as WeightsChunk).bytes.length <= chunkBytes)).toBe(true);
    await write(records);
    expect(await store().load(sha256)).toEqual(bytes);
  });

  test('what was shared is read from the key-value store alone', async () => {
    const { store } = await createPlace();
    const bytes = bytesOf(250, 1);
    await store().share(sha256Of(bytes), bytes);
    expect(await store().load(sha256Of(bytes))).toEqual(bytes);
  });

  test('a lost or damaged copy is repaired from the log', async () => {
    const { keyValue, write, store } = await createPlace();
    const bytes = bytesOf(250, 1);
    const sha256 = sha256Of(bytes);
    await write(store().putToRecords(sha256, bytes));
    await keyValue.putMany([{ key: `weights/${sha256}`, value: Buffer.from('damaged'), ttlMs: null }]);
    expect(await store().load(sha256)).toEqual(bytes);
    expect(await keyValue.getMany([`weights/${sha256}`])).toEqual([bytes]);
  });

  test('without a key-value store the log is enough, and nothing rejects', async () => {
    const { write, store } = await createPlace();
    const cut = store({ keyValue: brokenKeyValue });
    const bytes = bytesOf(250, 1);
    const sha256 = sha256Of(bytes);
    await cut.share(sha256, bytes);
    await cut.shareOnly(new Set());
    await write(cut.putToRecords(sha256, bytes));
    expect(await store({ keyValue: brokenKeyValue }).load(sha256)).toEqual(bytes);
  });

  test('found wherever it is in the log: among others, twice, its chunks far apart', async () => {
    const { write, store } = await createPlace();
    const writer = store();
    const bytes = bytesOf(250, 1);
    const sha256 = sha256Of(bytes);
    const [first, ...rest] = writer.putToRecords(sha256, bytes);
    await write([first!]);
    for (let i = 10; i < 110; i++) await write(writer.putToRecords(sha256Of(bytesOf(120, i)), bytesOf(120, i)));
    await write(rest);
    await write(rest);
    for (let i = 200; i < 300; i++) await write(writer.putToRecords(sha256Of(bytesOf(120, i)), bytesOf(120, i)));
    expect(await store().load(sha256)).toEqual(bytes);
  });

  test('an incomplete blob, or one whose chunks are of other bytes, is not there', async () => {
    const { write, store } = await createPlace();
    const bytes = bytesOf(250, 1);
    const sha256 = sha256Of(bytes);
    await write(store().putToRecords(sha256, bytes).slice(1));
    expect(await store().load(sha256)).toBeNull();
    await write(store().putToRecords(sha256, bytesOf(250, 2)));
    expect(await store().load(sha256)).toBeNull();
  });

  test('missing is remembered for a second only', async () => {
    const { clock, write, store } = await createPlace();
    const bytes = bytesOf(50, 1);
    const sha256 = sha256Of(bytes);
    const reader = store();
    expect(await reader.load(sha256)).toBeNull();
    await write(store().putToRecords(sha256, bytes));
    expect(await reader.load(sha256)).toBeNull();
    await clock.advanceBy(1_000);
    expect(await reader.load(sha256)).toEqual(bytes);
  });

  test('loads of one blob at the same time are one load, and later ones none', async () => {
    const { keyValue, store } = await createPlace();
    const bytes = bytesOf(50, 1);
    const sha256 = sha256Of(bytes);
    await store().share(sha256, bytes);
    let gets = 0;
    const counting: KeyValue = {
      ...keyValue,
      getMany(keys) {
        gets++;
        return keyValue.getMany(keys);
      },
    };
    const reader = store({ keyValue: counting });
    await Promise.all([reader.load(sha256), reader.load(sha256)]);
    await reader.load(sha256);
    expect(gets).toBe(1);
  });

  test('removed: gone from the log after compaction, and clean-up leaves only what is asked for', async () => {
    const { broker, keyValue, write, store } = await createPlace();
    const writer = store();
    const [gone, kept] = [bytesOf(250, 1), bytesOf(250, 2)].map((bytes) => ({ bytes, sha256: sha256Of(bytes) }));
    for (const { bytes, sha256 } of [gone!, kept!]) {
      await write(writer.putToRecords(sha256, bytes));
      await writer.share(sha256, bytes);
    }
    await write(writer.removeToRecords(gone!.sha256, gone!.bytes.length));
    broker.clean();
    await writer.shareOnly(new Set([kept!.sha256]));
    expect(await keyValue.keys('weights/', 10)).toEqual([`weights/${kept!.sha256}`]);
    expect(await writer.load(gone!.sha256)).toBeNull();
    expect(await store().load(kept!.sha256)).toEqual(kept!.bytes);
  });

  test('keeps only so many in memory', async () => {
    const { keyValue, store } = await createPlace();
    const reader = store({ maxCached: 2 });
    const blobs = [1, 2, 3].map((fill) => bytesOf(10, fill));
    for (const bytes of blobs) reader.putToRecords(sha256Of(bytes), bytes);
    expect(await reader.load(sha256Of(blobs[0]!))).toBeNull();
    expect(await reader.load(sha256Of(blobs[2]!))).toEqual(blobs[2]);
    expect(await keyValue.keys('weights/', 10)).toEqual([]);
  });
});
