/**
 * Large immutable things (basis, policy, checkpoint) by the SHA-256 of their bytes. The log topic is the truth, in chunks
 * that fit a record; the key-value store is a fast copy that may be lost, and is repaired from the log when it is.
 */
import { sha256Of } from '../learning/fold/blob';
import type { Broker } from '../ports/broker';
import type { Clock } from '../ports/clock';
import type { KeyValue } from '../ports/key-value';
import { type Emit, emit, tombstone } from '../stream/define-service';
import type { Log } from '../telemetry/log';
import { readRow } from '../topics/read-row';
import { topics } from '../topics/topics';
import { createLru } from './lru';

export interface BlobStoreOptions {
  readonly broker: Broker;
  readonly keyValue: KeyValue;
  readonly clock: Clock;
  readonly log: Log;
  /** In front of the topic's name, as the runtime does it. */
  readonly topicPrefix?: string;
  /** Bytes of one chunk; default 512 KB, half of what a record may have. */
  readonly chunkBytes?: number;
  /** Blobs kept in this process; default 8. */
  readonly maxCached?: number;
}

export interface BlobStore {
  /** The records that make a blob durable. Writing them again changes nothing. */
  putToRecords(sha256: string, bytes: Buffer): Emit[];
  /** Copies a blob to the key-value store. Never rejects: a failure is logged, and readers go to the log. */
  share(sha256: string, bytes: Buffer): Promise<void>;
  /** The tombstones of a blob of `byteLength` that nobody needs any more. */
  removeToRecords(sha256: string, byteLength: number): Emit[];
  /** Deletes all copies in the key-value store but these. Never rejects. */
  shareOnly(sha256s: ReadonlySet<string>): Promise<void>;
  /**
   * The bytes, verified against their hash; null when they are nowhere (which is remembered for a second: they may be on
   * their way). Rejects only when the log cannot be read.
   */
  load(sha256: string): Promise<Buffer | null>;
}

const keyPrefix = 'weights/';
const defaultChunkBytes = 512 * 1024;
const defaultMaxCached = 8;
const missingForMs = 1_000;
/** Offsets read first, from the end of the log backwards: what is asked for was mostly written last. Then twice as many, and so on. */
const scanOffsets = 64;
const maxSharedKeys = 10_000;

export function createBlobStore(options: BlobStoreOptions): BlobStore {
  const { keyValue, clock, log } = options;
  const chunkBytes = options.chunkBytes ?? defaultChunkBytes;
  const maxCached = options.maxCached ?? defaultMaxCached;
  const cached = createLru<Buffer>(maxCached);
  const missingUntilMs = createLru<number>(100);
  const loading = new Map<string, Promise<Buffer | null>>();

  let failing = false;
  /** An outage is one line, not one for every blob. */
  const complain = (message: string, error: unknown): void => {
    if (!failing) log.warn(message, { error: error as Error });
    failing = true;
  };

  const share = async (sha256: string, bytes: Buffer): Promise<void> => {
    try {
      await keyValue.putMany([{ key: keyPrefix + sha256, value: bytes, ttlMs: null }]);
      failing = false;
    } catch (error) {
      complain('weights cannot be copied to the key-value store; readers take them from the log', error);
    }
  };

  const fromKeyValue = async (sha256: string): Promise<Buffer | null> => {
    try {
      const [bytes] = await keyValue.getMany([keyPrefix + sha256]);
      failing = false;
      if (!bytes) return null;
      if (sha256Of(bytes) === sha256) return bytes;
      log.warn('weights in the key-value store are damaged; repairing them from the log', { sha256 });
    } catch (error) {
      complain('the key-value store does not answer; taking weights from the log', error);
    }
    return null;
  };

  const find = async (sha256: string): Promise<Buffer | null> => {
    const shared = await fromKeyValue(sha256);
    if (shared) return shared;
    const logged = await readFromLog(options, sha256);
    if (logged) await share(sha256, logged);
    return logged;
  };

  return {
    putToRecords(sha256, bytes) {
      cached.set(sha256, bytes);
      missingUntilMs.delete(sha256);
      return chunksOf(sha256, bytes, chunkBytes);
    },
    share,
    removeToRecords(sha256, byteLength) {
      cached.delete(sha256);
      return Array.from({ length: chunkCount(byteLength, chunkBytes) }, (_, index) =>
        tombstone(topics.weightsBlobs, `${sha256}/${index}`),
      );
    },
    async shareOnly(sha256s) {
      try {
        const keys = await keyValue.keys(keyPrefix, maxSharedKeys);
        const stale = keys.filter((key) => !sha256s.has(key.slice(keyPrefix.length)));
        if (stale.length > 0) await keyValue.deleteMany(stale);
      } catch (error) {
        complain('old weights cannot be removed from the key-value store', error);
      }
    },
    async load(sha256) {
      const known = cached.get(sha256);
      if (known) return known;
      const under = loading.get(sha256);
      if (under) return under;
      if (clock.monotonicMs() < (missingUntilMs.get(sha256) ?? Number.NEGATIVE_INFINITY)) return null;
      const load = find(sha256).finally(() => loading.delete(sha256));
      loading.set(sha256, load);
      const bytes = await load;
      if (bytes) cached.set(sha256, bytes);
      else missingUntilMs.set(sha256, clock.monotonicMs() + missingForMs);
      return bytes;
    },
  };
}

function chunkCount(byteLength: number, chunkBytes: number): number {
  return Math.max(1, Math.ceil(byteLength / chunkBytes));
}

function chunksOf(sha256: string, bytes: Buffer, chunkBytes: number): Emit[] {
  const count = chunkCount(bytes.length, chunkBytes);
  return Array.from({ length: count }, (_, index) =>
    emit(topics.weightsBlobs, {
      sha256,
      index,
      count,
      bytes: bytes.subarray(index * chunkBytes, (index + 1) * chunkBytes),
    }),
  );
}

/** Collects a blob's chunks from the newest record backwards; null when the log does not have them all, or not these bytes. */
async function readFromLog(options: BlobStoreOptions, sha256: string): Promise<Buffer | null> {
  const of = { topic: (options.topicPrefix ?? '') + topics.weightsBlobs.name, partition: 0 };
  const { earliest, end } = await options.broker.offsets(of);
  const chunks = new Map<number, Buffer>();
  let count = Number.POSITIVE_INFINITY;
  for (let to = end, size = scanOffsets; to > earliest && chunks.size < count; to -= size, size *= 2) {
    const from = Math.max(earliest, to - size);
    for await (const records of options.broker.read(of, { from, to })) {
      for (const record of records) {
        // The key alone tells whose chunk it is: no need to decode (and copy) the others.
        if (!record.key?.startsWith(`${sha256}/`) || record.value === null) continue;
        const chunk = readRow(topics.weightsBlobs, record);
        if (chunk.kind !== 'row') continue;
        chunks.set(chunk.value.index, chunk.value.bytes);
        count = chunk.value.count;
      }
    }
  }
  if (chunks.size < count) return null;
  const bytes = Buffer.concat(Array.from({ length: count }, (_, index) => chunks.get(index) ?? Buffer.alloc(0)));
  if (sha256Of(bytes) === sha256) return bytes;
  options.log.error('weights in the log do not match their hash', { sha256 });
  return null;
}
