/**
 * The key-value store on Redis. Small commands have a connection of their own, so that no request waits behind a large
 * value; large values travel in chunks on another. Redis is only a fast copy: everything here rejects quickly with a
 * TransientError while it is away, and the engine goes on without it.
 */
import type { Redis } from 'ioredis';
import type { Clock } from '../../ports/clock';
import type { KeyValue, KeyValueEntry } from '../../ports/key-value';
import type { TokenBuckets } from '../../ports/token-buckets';
import type { Log } from '../../telemetry/log';
import type { Metrics } from '../../telemetry/metrics';
import { systemClock, systemIds } from '../system';
import { openRedisConnection, type RedisConnection } from './redis-connection';
import { deleteScript, incrementScript, putScript, takeTokenScript } from './redis-scripts';
import { type RedisSettings, redisEndpoint } from './redis-settings';
import { type Manifest, readStored, storedManifest, storedValue } from './stored-value';

export interface RedisParts {
  readonly log: Log;
  readonly metrics: Metrics;
  /** The machine's by default. */
  readonly clock?: Clock;
  /** Names of puts in chunks; random by default. */
  readonly createId?: () => string;
}

type Operation = 'get' | 'put' | 'delete' | 'increment' | 'keys' | 'take-token';

/** How long opening waits for a Redis that may just be starting. */
const openWaitMs = 2_000;
/** A chunk may take this many times as long as a small command. */
const bulkTimeouts = 4;
/** Entries of one round trip of a put or delete. */
const maxEntriesPerTrip = 500;
const scanCount = 1_000;
/** Chunks of a value without time to live have one until its manifest is written: a put that fails leaves nothing for good. */
const stagingTtlMs = 600_000;
/** Chunks outlive their manifest by this: whoever has just read the manifest can read them to the end. */
const chunkGraceMs = 60_000;
/** Reads of a value that is replaced again and again meanwhile, before it counts as missing. */
const maxReads = 3;

/**
 * Resolves when Redis answers, and without it after a short wait, with a warning: the store connects by itself, whenever.
 * Throws for a URL that is none. One Redis (or an address that follows its primary), 6.2 or newer; not Redis Cluster.
 */
export async function openRedisKeyValue(settings: RedisSettings, parts: RedisParts): Promise<KeyValue & TokenBuckets> {
  const { log, metrics, clock = systemClock(), createId = systemIds() } = parts;
  const endpoint = redisEndpoint(settings);
  const { commandTimeoutMs, maxPendingCommands: maxPending } = settings;
  const probeKey = `${settings.keyPrefix}probe`;
  const health = watchHealth(endpoint.address, log, metrics);
  const connection = (name: string, timeoutMs: number): RedisConnection =>
    openRedisConnection({ endpoint, name, timeoutMs, maxPending, clock, probeKey, onChange: () => health.changed() });
  const small = connection('quantum-router', commandTimeoutMs);
  const bulk = connection('quantum-router-bulk', commandTimeoutMs * bulkTimeouts);
  health.watch([small, bulk]);
  await waitFor(Promise.all([small.tried, bulk.tried]), openWaitMs, clock);
  health.opened();
  return createStore(settings, { small, bulk, metrics, clock, createId });
}

interface StoreParts {
  readonly small: RedisConnection;
  readonly bulk: RedisConnection;
  readonly metrics: Metrics;
  readonly clock: Clock;
  readonly createId: () => string;
}

function createStore(settings: RedisSettings, parts: StoreParts): KeyValue & TokenBuckets {
  const { small, bulk } = parts;
  const { chunkBytes } = settings;
  const valuePrefix = `${settings.keyPrefix}v:`;
  const chunkPrefix = `${settings.keyPrefix}c:`;
  const bucketPrefix = `${settings.keyPrefix}b:`;
  const valueKey = (key: string): string => valuePrefix + key;
  const measured = measure(parts);
  const chunks = createChunks(chunkPrefix, chunkBytes, parts);

  const readStoredMany = async (keys: readonly string[]) => {
    const stored = await small.run((client) => client.mgetBuffer(keys.map(valueKey)));
    return stored.map(readStored);
  };
  /** The value behind a manifest. A missing chunk may only mean that the value was replaced meanwhile: look again. */
  const readLarge = async (key: string, first: Manifest): Promise<Buffer | null> => {
    let manifest = first;
    for (let reads = 0; reads < maxReads; reads++) {
      const value = await chunks.read(manifest);
      if (value) return value;
      const [now] = await readStoredMany([key]);
      if (!now || Buffer.isBuffer(now)) return now ?? null;
      if (now.id === manifest.id) return null;
      manifest = now;
    }
    return null;
  };
  const writeStored = async (entries: readonly { key: string; stored: Buffer; ttlMs: number | null }[]) => {
    for (const trip of tripsOf(entries, chunkBytes)) {
      const values = trip.flatMap(({ stored, ttlMs }) => [stored, ttlText(ttlMs)]);
      await small.run((client) =>
        evaluate(
          client,
          putScript,
          trip.map(({ key }) => valueKey(key)),
          [chunkPrefix, ...values],
        ),
      );
    }
  };

  return {
    getMany: (keys) =>
      measured('get', async () => {
        if (keys.length === 0) return [];
        const found: (Buffer | null)[] = [];
        for (const [i, stored] of (await readStoredMany(keys)).entries()) {
          found.push(!stored || Buffer.isBuffer(stored) ? stored : await readLarge(keys[i]!, stored));
        }
        return found;
      }),
    putMany: (entries) =>
      measured('put', async () => {
        const writes: { key: string; stored: Buffer; ttlMs: number | null }[] = [];
        for (const entry of entries) {
          const { key, value, ttlMs } = entry;
          const large = value.length > chunkBytes;
          writes.push({ key, ttlMs, stored: large ? storedManifest(await chunks.write(entry)) : storedValue(value) });
        }
        await writeStored(writes);
      }),
    deleteMany: (keys) =>
      measured('delete', async () => {
        for (let from = 0; from < keys.length; from += maxEntriesPerTrip) {
          const trip = keys.slice(from, from + maxEntriesPerTrip).map(valueKey);
          await small.run((client) => evaluate(client, deleteScript, trip, [chunkPrefix]));
        }
      }),
    increment: (key, by, ttlMs) =>
      measured('increment', async () => {
        const total = await small.run((client) =>
          evaluate(client, incrementScript, [valueKey(key)], [String(by), ttlText(ttlMs)]),
        );
        return Number(String(total));
      }),
    keys: (prefix, limit) => measured('keys', () => scan(bulk, valuePrefix, prefix, limit)),
    takeToken: (key, { capacity, perSecond }) =>
      measured('take-token', async () => {
        const answer = await small.run((client) =>
          evaluate(client, takeTokenScript, [bucketPrefix + key], [String(capacity), String(perSecond)]),
        );
        const [taken, tokens] = answer as [number, Buffer];
        return { isTaken: taken === 1, tokens: Number(String(tokens)) };
      }),
    async close() {
      small.close();
      bulk.close();
    },
  };
}

/** Large values on the bulk connection, one chunk at a time: a chunk of memory, and small gaps for everybody else. */
function createChunks(chunkPrefix: string, chunkBytes: number, { bulk, createId }: StoreParts) {
  const chunkKey = (id: string, index: number): string => `${chunkPrefix}${id}:${index}`;
  return {
    /** Writes the chunks; the value is there only when its manifest is written after them. */
    async write({ value, ttlMs }: KeyValueEntry): Promise<Manifest> {
      const id = createId();
      const count = Math.ceil(value.length / chunkBytes);
      const ttl = ttlMs === null ? stagingTtlMs : Math.max(0, Math.ceil(ttlMs)) + chunkGraceMs;
      for (let index = 0; index < count; index++) {
        const chunk = value.subarray(index * chunkBytes, (index + 1) * chunkBytes);
        await bulk.run((client) => client.set(chunkKey(id, index), chunk, 'PX', ttl));
      }
      return { id, count, byteLength: value.length };
    },
    /** null when a chunk is missing or of another length than it was written with. */
    async read({ id, count, byteLength }: Manifest): Promise<Buffer | null> {
      // Filled as chunks come: joining them at the end would hold up the process for as long as all that copying takes.
      const value = Buffer.allocUnsafeSlow(byteLength);
      let length = 0;
      for (let index = 0; index < count; index++) {
        const chunk = await bulk.run((client) => client.getBuffer(chunkKey(id, index)));
        if (!chunk || length + chunk.length > byteLength) return null;
        length += chunk.copy(value, length);
      }
      return length === byteLength ? value : null;
    },
  };
}

async function scan(bulk: RedisConnection, valuePrefix: string, prefix: string, limit: number): Promise<string[]> {
  const pattern = `${(valuePrefix + prefix).replace(/[*?[\]\\^]/g, '\\$&')}*`;
  // A scan may hand out a key twice.
  const found = new Set<string>();
  let cursor = '0';
  do {
    const from = cursor;
    const [next, keys] = await bulk.run((client) => client.scan(from, 'MATCH', pattern, 'COUNT', scanCount));
    for (const key of keys) if (found.size < limit) found.add(key.slice(valuePrefix.length));
    cursor = next;
  } while (cursor !== '0' && found.size < limit);
  return [...found];
}

/** EVAL and not EVALSHA: a few hundred bytes more, and nothing to load again after a restart or a flush. */
function evaluate(client: Redis, script: string, keys: string[], args: (string | Buffer)[]): Promise<unknown> {
  return client.callBuffer('EVAL', script, keys.length, ...keys, ...args) as Promise<unknown>;
}

/** Entries in portions of one round trip each. */
function* tripsOf<E extends { stored: Buffer }>(entries: readonly E[], maxBytes: number): Generator<E[]> {
  let trip: E[] = [];
  let bytes = 0;
  for (const entry of entries) {
    if (trip.length === maxEntriesPerTrip || (trip.length > 0 && bytes + entry.stored.length > maxBytes)) {
      yield trip;
      trip = [];
      bytes = 0;
    }
    trip.push(entry);
    bytes += entry.stored.length;
  }
  if (trip.length > 0) yield trip;
}

function ttlText(ttlMs: number | null): string {
  return ttlMs === null ? '' : String(Math.max(1, Math.ceil(ttlMs)));
}

function measure({ metrics, clock }: StoreParts) {
  return async <T>(operation: Operation, run: () => Promise<T>): Promise<T> => {
    const startedMs = clock.monotonicMs();
    try {
      return await run();
    } catch (error) {
      metrics.count('quantum_router_key_value_errors_total', { operation });
      throw error;
    } finally {
      metrics.observe('quantum_router_key_value_seconds', { operation }, (clock.monotonicMs() - startedMs) / 1_000);
    }
  };
}

/** Says once that Redis went and once that it is back, however often is tried in between. */
function watchHealth(address: string, log: Log, metrics: Metrics) {
  let connections: readonly RedisConnection[] = [];
  /** As last said; null while opening. */
  let said: boolean | null = null;
  const look = (): { up: boolean; reason: string } => {
    const down = connections.find((connection) => !connection.up);
    const up = down === undefined;
    metrics.set('quantum_router_key_value_connected', {}, up ? 1 : 0);
    return { up, reason: down?.reason ?? '' };
  };
  const without = 'requests are routed without a cache, and weights are read from the log';
  return {
    watch(all: readonly RedisConnection[]): void {
      connections = all;
    },
    opened(): void {
      const { up, reason } = look();
      said = up;
      if (!up) log.warn(`Redis is not reachable: until it is, ${without}`, { redis: address, reason });
    },
    changed(): void {
      const { up, reason } = look();
      if (said === null || said === up) return;
      said = up;
      if (up) log.info('Redis is back', { redis: address });
      else log.warn(`Redis is lost: until it is back, ${without}`, { redis: address, reason });
    },
  };
}

/** Resolves with `done`, or after `waitMs`. */
function waitFor(done: Promise<unknown>, waitMs: number, clock: Clock): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.setTimer(waitMs, resolve);
    void done.then(() => {
      cancel();
      resolve();
    });
  });
}
