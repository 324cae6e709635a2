/** The log of the embedded broker: which topics there are, the groups' positions, and appending both in one transaction. */
import type { TopicSettings } from '../../ports/broker';
import type { AppendBatch, LocalLog, LocalTopic } from '../local-log';
import { EmbeddedPartition, type LogTables } from './embedded-partition';
import type { EmbeddedStore } from './embedded-store';
import { numberBytesOf } from './layout';

export interface EmbeddedLog extends LocalLog {
  /** Cleans every partition that needs it, slice by slice. */
  maintain(): Promise<void>;
  isClosed(): boolean;
}

interface EmbeddedTopic extends LocalTopic {
  readonly id: number;
  readonly partitions: readonly EmbeddedPartition[];
}

const recordsPerSlice = 250;

export function createEmbeddedLog(store: EmbeddedStore, tombstoneRetentionMs: number): EmbeddedLog {
  const topics = openTopics(store);
  const positions = openPositions(store);
  const touched = new Set<EmbeddedPartition>();
  let closed = false;
  const targetOf = ({ topic, partition }: { topic: string; partition: number }): EmbeddedPartition =>
    topics.get(topic)!.partitions[partition]!;

  // After all works of a commit have been shown: a reader that wakes sees everything of the turn at once.
  store.onCommit(() => {
    const partitions = [...touched];
    touched.clear();
    for (const partition of partitions) for (const listener of partition.listeners) listener();
  });

  const clean = async (partition: EmbeddedPartition): Promise<void> => {
    let more = partition.needsCleaning(store.clock.nowMs(), tombstoneRetentionMs);
    while (more && !closed) {
      await store.write({
        apply() {
          more = partition.clean(store.clock.nowMs(), recordsPerSlice, tombstoneRetentionMs);
          return null;
        },
      });
    }
  };

  return {
    topic: topics.get,
    topics: topics.all,
    createTopics: topics.create,
    append(batch: AppendBatch) {
      if (closed) return Promise.reject(new Error('the broker is closed'));
      return store.write({
        apply() {
          const refusal = batch.refusal?.() ?? null;
          if (refusal) return refusal;
          for (const record of batch.records) targetOf(record).append(record);
          if (batch.positions) positions.put(batch.positions);
          return null;
        },
        committed() {
          for (const record of batch.records) {
            const partition = targetOf(record);
            partition.show();
            touched.add(partition);
          }
        },
      });
    },
    committed: positions.get,
    yieldTurn: () => new Promise((resolve) => setImmediate(resolve)),
    async maintain() {
      for (const { partitions } of topics.all()) for (const partition of partitions) await clean(partition);
    },
    isClosed: () => closed,
    async close() {
      closed = true;
    },
  };
}

/** topic id → settings as JSON */
function openTopics(store: EmbeddedStore) {
  const table = store.table('topics');
  const logTables: LogTables = {
    log: store.table('log'),
    times: store.table('times'),
    latest: store.table('latest'),
    tombstones: store.table('tombstones'),
    cleaned: store.table('cleaned'),
  };
  const topics = new Map<string, EmbeddedTopic>();
  const add = (id: number, settings: TopicSettings): void => {
    const partitions = Array.from(
      { length: settings.partitions },
      (_, partition) => new EmbeddedPartition(settings, partition, id, logTables),
    );
    topics.set(settings.name, { id, settings, partitions });
  };
  for (const { key, value } of table.getRange({})) add(key.readUInt32BE(0), JSON.parse(value.toString()));

  return {
    get: (name: string): EmbeddedTopic | undefined => topics.get(name),
    all: (): EmbeddedTopic[] => [...topics.values()],
    async create(wanted: readonly TopicSettings[]): Promise<void> {
      if (wanted.length === 0) return;
      await store.write({
        apply() {
          let id = Math.max(0, ...[...topics.values()].map((topic) => topic.id));
          for (const settings of wanted) {
            // Two calls may have asked for the same topic in one turn.
            if (topics.has(settings.name)) continue;
            const key = Buffer.allocUnsafe(4);
            key.writeUInt32BE(++id);
            table.put(key, Buffer.from(JSON.stringify(settings)));
            add(id, settings);
          }
          return null;
        },
      });
    },
  };
}

/** group, topic, partition → next offset to read */
function openPositions(store: EmbeddedStore) {
  const table = store.table('positions');
  const positions = new Map<string, number>();
  const keyOf = (group: string, topic: string, partition: number): string => `${group}\u0000${topic}\u0000${partition}`;
  for (const { key, value } of table.getRange({})) positions.set(key.toString(), value.readDoubleBE(0));
  return {
    get: (group: string, topic: string, partition: number): number | null =>
      positions.get(keyOf(group, topic, partition)) ?? null,
    /** Inside a transaction. */
    put({ group, partition, offsets }: NonNullable<AppendBatch['positions']>): void {
      for (const [topic, offset] of offsets) {
        const key = keyOf(group, topic, partition);
        table.put(Buffer.from(key), numberBytesOf(offset));
        positions.set(key, offset);
      }
    },
  };
}
