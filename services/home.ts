/** Where an engine lives: the ports it runs on. The services do not know which home they are in. */
import { createEmbeddedBroker } from '../lib/adapters/embedded/embedded-broker';
import { createEmbeddedKeyValue } from '../lib/adapters/embedded/embedded-key-value';
import { type Durability, type EmbeddedStore, openEmbeddedStore } from '../lib/adapters/embedded/embedded-store';
import { freeBytesOf } from '../lib/adapters/embedded/store-space';
import type { KafkaBroker } from '../lib/adapters/kafka/kafka-broker';
import { createLocalFirst } from '../lib/adapters/local-first';
import { createMemoryBroker, type Unkindness } from '../lib/adapters/memory/memory-broker';
import { createMemoryKeyValue } from '../lib/adapters/memory/memory-key-value';
import { systemClock, systemIds } from '../lib/adapters/system';
import type { ProcessSettings } from '../lib/config/process-settings';
import type { Encoder } from '../lib/learning/features/encoder-key';
import type { Broker } from '../lib/ports/broker';
import type { Clock } from '../lib/ports/clock';
import type { KeyValue, KeyValueShare } from '../lib/ports/key-value';
import type { TokenBuckets } from '../lib/ports/token-buckets';
import { seededRandom } from '../lib/random/seeded';
import { cachePrefix } from '../lib/routing/open/routing-cache';
import type { Log } from '../lib/telemetry/log';
import type { Metrics } from '../lib/telemetry/metrics';
import { shareSchemas } from '../lib/topics/share-schemas';

export interface EngineHome {
  readonly broker: Broker;
  readonly keyValue: KeyValue;
  /** Where gateways keep what responses have said; left out where it would be in the memory of this process, which they have themselves. */
  readonly keptItems?: KeyValueShare;
  /** How often callers may ask, counted by all processes together; left out where there is one process only. */
  readonly tokenBuckets?: TokenBuckets;
  /** Calls of models that are decided at once while others wait; left out where a decision is a way through Kafka, which is shared. */
  readonly callsAtOnce?: number;
  /** In front of every topic and group; '' where nobody else is. */
  readonly topicPrefix: string;
  readonly clock: Clock;
  /** Sub-millisecond monotonic time for reported durations. */
  readonly elapsedMs: () => number;
  /** Fresh ids (requests without one, gateways). */
  readonly createId: () => string;
  /** With the installation's key for hashing texts; left out without one. */
  readonly encoder?: Encoder | null;
  /** How full the disk of the store is, in bytes; left out where the log is elsewhere. */
  readonly disk?: () => { readonly freeBytes: number; readonly usedBytes: number };
  /** Closes the ports. Call after the engine has stopped. */
  close(): Promise<void>;
}

/** What each process keeps of the routing cache in its own memory. */
const ownCache = { prefix: cachePrefix, maxEntries: 20_000 };
/** What responses have said may fill so much of the store: all of it is live, so the log would have to go for more. */
const keptBytes = 536_870_912;
const keptShareOfLimit = 0.05;
/** So long a process may go by what another one has replaced meanwhile. */
const ownCopyMs = 5_000;

export interface EmbeddedHomeOptions {
  readonly directory: string;
  readonly durability?: Durability;
  /** Above so many bytes the oldest records go before their time; default no limit (docs/operations.md). */
  readonly maxBytes?: number | null;
  /** Told what an operator should know of the store. */
  readonly onNote?: (note: string) => void;
  /** Called once, when nothing can be written any more: the process should end with this reason. */
  readonly onFailed?: (error: Error) => void;
  /** Hashes texts with the installation's key; default: without one. */
  readonly encoder?: Encoder | null;
}

/**
 * One process on one lmdb file in `directory`. Throws one readable sentence when another process has it open, when it
 * cannot be written to, and when it is damaged.
 */
export function embeddedHome({ encoder = null, ...options }: EmbeddedHomeOptions): EngineHome {
  const clock = systemClock();
  const store = openEmbeddedStore({ ...options, clock });
  try {
    return homeOn(store, { clock, encoder, maxBytes: options.maxBytes ?? null });
  } catch (error) {
    // Reading the first records may find damage; the directory must not stay locked then.
    void store.close();
    throw error;
  }
}

function homeOn(
  store: EmbeddedStore,
  { clock, encoder, maxBytes }: { clock: Clock; encoder: Encoder | null; maxBytes: number | null },
): EngineHome {
  const broker = createEmbeddedBroker(store, { maxBytes });
  const keyValue = createLocalFirst(createEmbeddedKeyValue(store), { ...ownCache, clock, maxAgeMs: ownCopyMs });
  return {
    broker,
    keyValue,
    keptItems: {
      store: keyValue,
      maxBytes: Math.min(keptBytes, Math.floor((maxBytes ?? Infinity) * keptShareOfLimit)),
    },
    callsAtOnce: 8,
    topicPrefix: '',
    clock,
    elapsedMs: () => clock.monotonicMs(),
    createId: systemIds(),
    encoder,
    disk: () => ({ freeBytes: freeBytesOf(store.directory), usedBytes: store.liveBytes() }),
    async close() {
      await broker.close();
      await keyValue.close();
      await store.close();
    },
  };
}

export interface MemoryHomeOptions {
  readonly clock: Clock;
  readonly seed: number;
  readonly unkindness?: Unkindness;
  /** Wall time for reported durations; by default the given clock, so that a simulation's log has no real time in it. */
  readonly elapsedMs?: () => number;
}

/** Everything in memory and deterministic: tests, simulation, evaluation. */
export function memoryHome(options: MemoryHomeOptions): EngineHome {
  const { clock, seed } = options;
  const random = seededRandom(seed, 'memory-broker');
  const broker = createMemoryBroker({ clock, random, ...(options.unkindness && { unkindness: options.unkindness }) });
  const keyValue = createMemoryKeyValue({ clock, maxEntries: 100_000 });
  let ids = 0;
  return {
    broker,
    keyValue,
    topicPrefix: '',
    clock,
    elapsedMs: options.elapsedMs ?? (() => clock.monotonicMs()),
    createId: () => `id-${seed}-${++ids}`,
    async close() {
      await broker.close();
      await keyValue.close();
    },
  };
}

/** What can be asked of consumer groups from outside them. */
export type GroupDoor = Pick<KafkaBroker, 'membersOf' | 'expel'>;

export interface DistributedHomeParts {
  /** Nothing is made or written by opening it. */
  readonly readOnly?: boolean;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** The clients of Kafka and Redis are a fifth of all code: an engine on the embedded store never reads them. */
function readKafka() {
  const { openKafkaBroker } =
    require('../lib/adapters/kafka/kafka-broker') as typeof import('../lib/adapters/kafka/kafka-broker');
  return openKafkaBroker;
}

/** Without a Redis its client is not read, either. */
function readRedis() {
  const { openRedisKeyValue } =
    require('../lib/adapters/redis/redis-key-value') as typeof import('../lib/adapters/redis/redis-key-value');
  return openRedisKeyValue;
}

/**
 * Kafka and Redis. Rejects with a readable error when no broker answers; a Redis that is away is a warning, since all it
 * holds can be lost. `deleteTopics` is for engines that live as long as one run.
 */
export async function distributedHome(
  settings: ProcessSettings,
  parts: DistributedHomeParts,
): Promise<EngineHome & GroupDoor & Pick<KafkaBroker, 'trim'> & { deleteTopics(): Promise<void> }> {
  const clock = systemClock();
  const createId = systemIds();
  const { topicPrefix } = settings;
  const broker = await readKafka()(settings.kafka, { ...parts, clock });
  const { log, readOnly = false } = parts;
  const sharing = await shareSchemas({ broker, topicPrefix, log, readOnly }).catch(async (error) => {
    await broker.close();
    throw error;
  });
  const redis = settings.redis && (await readRedis()(settings.redis, parts));
  const shared = redis && createLocalFirst(redis, { ...ownCache, clock, maxAgeMs: ownCopyMs });
  const keyValue = shared ?? createMemoryKeyValue({ clock, maxEntries: ownCache.maxEntries });
  return {
    broker,
    keyValue,
    ...(shared && { keptItems: { store: shared, maxBytes: keptBytes } }),
    ...(redis && { tokenBuckets: redis }),
    topicPrefix,
    clock,
    elapsedMs: () => clock.monotonicMs(),
    createId,
    encoder: settings.encoder,
    trim: (of, before) => broker.trim(of, before),
    membersOf: (group, read) => broker.membersOf(group, read),
    expel: (group, read, instanceId, timeoutMs) => broker.expel(group, read, instanceId, timeoutMs),
    async deleteTopics() {
      const names = (await broker.listTopics()).map(({ name }) => name);
      // Without a prefix there is no telling whose topics they are.
      if (topicPrefix !== '') await broker.deleteTopics(names.filter((name) => name.startsWith(topicPrefix)));
    },
    async close() {
      await sharing.stop();
      await broker.close();
      await keyValue.close();
    },
  };
}
