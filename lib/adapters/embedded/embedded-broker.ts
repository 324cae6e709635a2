/** The broker of the embedded home: topics, positions and tables in the one lmdb file of an embedded store. */
import type { TopicSettings } from '../../ports/broker';
import { createLocalBroker, type LocalBroker } from '../local-broker';
import type { AppendBatch, LocalLog, LocalTopic } from '../local-log';
import { EmbeddedPartition, type LogTables } from './embedded-partition';
import { type EmbeddedStore, type EmbeddedStoreOptions, openEmbeddedStore } from './embedded-store';

export interface EmbeddedBrokerOptions {
  /** How often old and superseded records are looked for; default 1,000. null leaves it to calls of `maintain`. */
  readonly maintenanceIntervalMs?: number | null;
  /** How long a compacted topic keeps a tombstone, for slow readers; default a day. */
  readonly tombstoneRetentionMs?: number;
}

export interface EmbeddedBroker extends LocalBroker {
  /** Drops what retention and compaction allow, in transactions of a few hundred records with turns for others between. */
  maintain(): Promise<void>;
}

const defaultMaintenanceIntervalMs = 1_000;
const defaultTombstoneRetentionMs = 24 * 3_600_000;
const recordsPerSlice = 250;

/** A store of its own in `directory`, closed with the broker. */
export function openEmbeddedBroker(options: EmbeddedStoreOptions & EmbeddedBrokerOptions): EmbeddedBroker {
  const store = openEmbeddedStore(options);
  const broker = createEmbeddedBroker(store, options);
  return {
    ...broker,
    async close() {
      await broker.close();
      await store.close();
    },
  };
}

/** A broker on a store that others use too; closing the broker leaves the store open. */
export function createEmbeddedBroker(store: EmbeddedStore, options: EmbeddedBrokerOptions = {}): EmbeddedBroker {
  const log = createEmbeddedLog(store, options.tombstoneRetentionMs ?? defaultTombstoneRetentionMs);
  const broker = createLocalBroker({ log, clock: store.clock });
  const intervalMs =
    options.maintenanceIntervalMs === undefined ? defaultMaintenanceIntervalMs : options.maintenanceIntervalMs;
  let cancelTimer = (): void => {};
  let maintaining: Promise<void> | null = null;
  const maintain = (): Promise<void> => {
    maintaining ??= log.maintain().finally(() => {
      maintaining = null;
    });
    return maintaining;
  };
  const schedule = (): void => {
    if (intervalMs === null || log.isClosed()) return;
    cancelTimer = store.clock.setTimer(intervalMs, () => {
      // A failure here is a failure of the store, which every write will report.
      maintain().then(schedule, schedule);
    });
  };
  schedule();
  const close = async (): Promise<void> => {
    cancelTimer();
    await broker.close();
    await maintaining?.catch(() => {});
  };
  store.onClose(() => void close());
  return { ...broker, maintain, close };
}

interface EmbeddedTopic extends LocalTopic {
  readonly id: number;
  readonly partitions: readonly EmbeddedPartition[];
}

interface EmbeddedLog extends LocalLog {
  maintain(): Promise<void>;
  isClosed(): boolean;
}

function createEmbeddedLog(store: EmbeddedStore, tombstoneRetentionMs: number): EmbeddedLog {
  const tables: LogTables = {
    log: store.table('log'),
    times: store.table('times'),
    latest: store.table('latest'),
    tombstones: store.table('tombstones'),
    cleaned: store.table('cleaned'),
  };
  const topicTable = store.table('topics');
  const positionTable = store.table('positions');
  const topics = new Map<string, EmbeddedTopic>();
  const positions = new Map<string, number>();
  const touched = new Set<EmbeddedPartition>();
  let closed = false;

  const addTopic = (id: number, settings: TopicSettings): void => {
    const partitions = Array.from(
      { length: settings.partitions },
      (_, i) => new EmbeddedPartition(settings, i, id, tables),
    );
    topics.set(settings.name, { id, settings, partitions });
  };
  for (const { key, value } of topicTable.getRange({})) addTopic(key.readUInt32BE(0), JSON.parse(value.toString()));
  for (const { key, value } of positionTable.getRange({})) positions.set(key.toString(), value.readDoubleBE(0));

  // After all works of a commit have been shown: a reader that wakes sees everything of the turn at once.
  store.onCommit(() => {
    const partitions = [...touched];
    touched.clear();
    for (const partition of partitions) for (const listener of partition.listeners) listener();
  });

  return {
    topic: (name) => topics.get(name),
    topics: () => [...topics.values()],
    async createTopics(wanted) {
      if (wanted.length === 0) return;
      let added: { id: number; settings: TopicSettings }[] = [];
      await store.write({
        apply() {
          const firstId = Math.max(0, ...[...topics.values()].map((topic) => topic.id)) + 1;
          // Two calls may have asked for the same topic in one turn.
          added = wanted.filter(({ name }) => !topics.has(name)).map((settings, i) => ({ id: firstId + i, settings }));
          for (const { id, settings } of added) {
            const key = Buffer.allocUnsafe(4);
            key.writeUInt32BE(id);
            topicTable.put(key, Buffer.from(JSON.stringify(settings)));
            addTopic(id, settings);
          }
          return null;
        },
      });
    },
    append(batch: AppendBatch) {
      if (closed) return Promise.reject(new Error('the broker is closed'));
      return store.write({
        apply() {
          const refusal = batch.refusal?.() ?? null;
          if (refusal) return refusal;
          for (const record of batch.records) topics.get(record.topic)!.partitions[record.partition]!.append(record);
          if (batch.positions) {
            const { group, partition, offsets } = batch.positions;
            for (const [topic, offset] of offsets) {
              const key = positionKey(group, topic, partition);
              const bytes = Buffer.allocUnsafe(8);
              bytes.writeDoubleBE(offset);
              positionTable.put(Buffer.from(key), bytes);
              positions.set(key, offset);
            }
          }
          return null;
        },
        committed() {
          for (const record of batch.records) {
            const partition = topics.get(record.topic)!.partitions[record.partition]!;
            partition.show();
            touched.add(partition);
          }
        },
      });
    },
    committed: (group, topic, partition) => positions.get(positionKey(group, topic, partition)) ?? null,
    yieldTurn: () => new Promise((resolve) => setImmediate(resolve)),
    async maintain() {
      for (const { partitions } of topics.values()) {
        for (const partition of partitions) {
          let more = partition.needsCleaning(store.clock.nowMs(), tombstoneRetentionMs);
          while (more && !closed) {
            await store.write({
              apply() {
                more = partition.clean(store.clock.nowMs(), recordsPerSlice, tombstoneRetentionMs);
                return null;
              },
            });
          }
        }
      }
    },
    isClosed: () => closed,
    async close() {
      closed = true;
    },
  };
}

function positionKey(group: string, topic: string, partition: number): string {
  return `${group}\u0000${topic}\u0000${partition}`;
}
