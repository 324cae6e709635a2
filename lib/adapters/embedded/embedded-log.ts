/** The log of the embedded broker: which topics there are, the groups' positions, and appending both in one transaction. */
import { type TopicSettings, TransientError } from '../../ports/broker';
import type { AppendBatch, LocalLog, LocalTopic } from '../local-log';
import { createAgeClock } from './age-clock';
import { EmbeddedPartition, indexEveryRecords, type LogTables, type Now } from './embedded-partition';
import type { EmbeddedStore } from './embedded-store';
import type { WorkSize } from './group-commit';
import { decodePosition, encodedBytesOf, positionKey, positionValue } from './layout';
import { packBatch } from './record-batch';
import { nameOfKey } from './store-reader';
import { maxFreeingEntries } from './store-space';
import type { StoreTable } from './store-table';

export interface EmbeddedLog extends LocalLog {
  /**
   * Cleans every partition that needs it, slice by slice, and merges small batches. With `tablesInTurn` a table's partition is
   * left alone nine times of ten, unless much has come to it: one row after the other would have the same pages written again
   * and again.
   */
  maintain(options?: { readonly tablesInTurn: boolean }): Promise<void>;
  isClosed(): boolean;
}

interface EmbeddedTopic extends LocalTopic {
  readonly id: number;
  readonly partitions: readonly EmbeddedPartition[];
}

/** How long records stay, besides what each topic says. */
export interface LogLimits {
  /** How long a compacted topic keeps a tombstone, for slow readers. */
  readonly tombstoneRetentionMs: number;
  /** Above so many bytes the oldest records go before their time; null for no limit. */
  readonly maxBytes: number | null;
}

/** Dropping ends a little below the limit, so that it does not begin anew with the next record. */
const lowWater = 0.95;
/** So many values are merged in one transaction, which holds the event loop for some milliseconds. */
const mostMergedValues = 256;
/** Every so many times it is the turn of a table's partition to be compacted; sooner where so many records have come. */
const turnsOfTables = 10;
const mostUncompacted = 1_000;

export function createEmbeddedLog(store: EmbeddedStore, limits: LogLimits): EmbeddedLog {
  const { tombstoneRetentionMs, maxBytes } = limits;
  const topics = openTopics(store);
  const positions = openPositions(store);
  const touched = new Set<EmbeddedPartition>();
  const unstored = new Set<EmbeddedPartition>();
  let closed = false;
  let turn = 0;
  const partitions = topics.all().flatMap((topic) => topic.partitions);
  const age = createAgeClock(
    store.clock,
    store.directory,
    partitions.reduce((newest, partition) => Math.max(newest, partition.newestMs), 0),
  );
  const now = (): Now => ({ ageMs: age.nowMs(), wallMs: store.clock.nowMs() });
  for (const { topic, partition, offset } of positions.all())
    topics.get(topic)?.partitions[partition]?.startNoLowerThan(offset);
  const targetOf = ({ topic, partition }: { topic: string; partition: number }): EmbeddedPartition =>
    topics.get(topic)!.partitions[partition]!;

  store.onCommitting(() => {
    for (const partition of unstored) partition.store();
    unstored.clear();
  });
  // After all works of a commit have been shown: a reader that wakes sees everything of the turn at once.
  store.onCommit(() => {
    const partitions = [...touched];
    touched.clear();
    for (const partition of partitions) partition.announce();
  });

  const clean = async (partition: EmbeddedPartition): Promise<void> => {
    let more = partition.needsCleaning(now(), tombstoneRetentionMs);
    // Compaction also adds, an entry for each new key: so it stops while there is still room for retention.
    const entries = partition.settings.cleanup === 'compact' ? 2 * maxFreeingEntries : maxFreeingEntries;
    // What comes to a table meanwhile waits for the next time: it comes all the time.
    const upTo = partition.end;
    while (more && !closed) {
      await store.write({
        size: { entries, bytes: 0 },
        frees: true,
        apply() {
          more = partition.clean(now(), maxFreeingEntries, tombstoneRetentionMs, upTo);
          return null;
        },
      });
    }
  };

  /** What one merge costs is mostly its commit, so several go together. Each value that goes counts for the room that is made ahead. */
  const merge = async (): Promise<void> => {
    const waiting = topics
      .all()
      .flatMap(({ partitions }) => partitions)
      .flatMap((partition) => partition.takeSmallBatches().map((small) => ({ partition, small })));
    while (waiting.length > 0 && !closed) {
      const some: typeof waiting = [];
      let [entries, bytes] = [0, 0];
      do {
        const next = waiting.shift()!;
        some.push(next);
        entries += next.small.values;
        bytes += next.small.batch.content.length;
      } while (waiting.length > 0 && entries + waiting[0]!.small.values <= mostMergedValues);
      const packed = await Promise.all(some.map(({ small }) => packBatch(small.batch)));
      const merged = store.write({
        size: { entries, bytes },
        apply() {
          for (const [at, { partition, small }] of some.entries()) partition.merge(small, packed[at]!);
          return null;
        },
      });
      // On a full disk they stay as they are.
      await merged.catch((error) => {
        if (!(error instanceof TransientError)) throw error;
      });
    }
  };

  /** The oldest record is measured by the time its topic keeps it, so all of these times shrink alike. */
  const shrink = async (): Promise<void> => {
    if (maxBytes === null || store.liveBytes() <= maxBytes) return;
    while (!closed && store.liveBytes() > maxBytes * lowWater) {
      const at = now();
      const oldest = topics
        .all()
        .flatMap(({ partitions }) => partitions.map((partition) => ({ partition, share: partition.ageShare(at) })))
        .reduce<{ partition: EmbeddedPartition; share: number } | null>(
          (most, { partition, share }) => (share !== null && share >= (most?.share ?? 0) ? { partition, share } : most),
          null,
        );
      if (!oldest) return;
      const { partition, share } = oldest;
      await store.write({
        size: { entries: maxFreeingEntries, bytes: 0 },
        frees: true,
        apply() {
          partition.dropOlderThanShare(at, share * lowWater, maxFreeingEntries);
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
        size: sizeOf(batch),
        // What has been decided waits for room; what comes from outside is refused meanwhile.
        isPatient: batch.refusal !== undefined,
        apply() {
          const refusal = batch.refusal?.() ?? null;
          if (refusal) return refusal;
          for (const record of batch.records) {
            const partition = targetOf(record);
            partition.append(record);
            unstored.add(partition);
          }
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
    async maintain({ tablesInTurn } = { tablesInTurn: false }) {
      let failure: unknown = null;
      turn++;
      const partitions = topics.all().flatMap(({ partitions }) => partitions);
      // On a full disk compaction of one may be refused while retention of another makes room.
      for (const [at, partition] of partitions.entries()) {
        const { cleanup } = partition.settings;
        const mayWait = tablesInTurn && cleanup === 'compact' && partition.uncompacted < mostUncompacted;
        if (mayWait && (turn + at) % turnsOfTables !== 0) continue;
        await clean(partition).catch((error) => {
          failure ??= error;
        });
      }
      await shrink();
      await merge();
      if (failure) throw failure;
    },
    isClosed: () => closed,
    async close() {
      if (!closed) age.save();
      closed = true;
    },
  };
}

/** The time index takes an entry now and then, positions one each. */
function sizeOf({ records, positions }: AppendBatch): WorkSize {
  let bytes = 0;
  for (const record of records) bytes += encodedBytesOf(record);
  return {
    entries: records.length + Math.ceil(records.length / indexEveryRecords) + (positions?.offsets.size ?? 0),
    bytes,
  };
}

function openTopics(store: EmbeddedStore) {
  const table = store.table('topics');
  const topics = new Map<string, EmbeddedTopic>();
  const names = new Map<number, string>();
  const logTable = (name: keyof LogTables): StoreTable => store.table(name, (key) => nameOfKey(name, key, names));
  const logTables: LogTables = {
    log: logTable('log'),
    times: logTable('times'),
    latest: logTable('latest'),
    tombstones: logTable('tombstones'),
    cleaned: logTable('cleaned'),
  };
  const add = (id: number, settings: TopicSettings): void => {
    names.set(id, settings.name);
    const partitions = Array.from(
      { length: settings.partitions },
      (_, partition) => new EmbeddedPartition(settings, partition, id, logTables),
    );
    topics.set(settings.name, { id, settings, partitions });
  };
  for (const { key, value } of table.entries()) add(key.readUInt32BE(0), JSON.parse(value.toString()));

  return {
    get: (name: string): EmbeddedTopic | undefined => topics.get(name),
    all: (): EmbeddedTopic[] => [...topics.values()],
    async create(wanted: readonly TopicSettings[]): Promise<void> {
      if (wanted.length === 0) return;
      await store.write({
        size: { entries: wanted.length, bytes: wanted.length * 1_000 },
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

function openPositions(store: EmbeddedStore) {
  const table = store.table('positions');
  const positions = new Map<string, number>();
  const keyOf = (group: string, topic: string, partition: number): string => `${group}\u0000${topic}\u0000${partition}`;
  for (const { value } of table.entries()) {
    const { text, offset } = decodePosition(value);
    positions.set(text, offset);
  }
  return {
    all: (): { topic: string; partition: number; offset: number }[] =>
      [...positions].map(([text, offset]) => {
        const [, topic, partition] = text.split('\u0000');
        return { topic: topic!, partition: Number(partition), offset };
      }),
    get: (group: string, topic: string, partition: number): number | null =>
      positions.get(keyOf(group, topic, partition)) ?? null,
    /** Inside a transaction. */
    put({ group, partition, offsets }: NonNullable<AppendBatch['positions']>): void {
      for (const [topic, offset] of offsets) {
        const key = keyOf(group, topic, partition);
        // A commit names all topics of its task, and most of them have not moved.
        if (positions.get(key) === offset) continue;
        table.put(positionKey(key), positionValue(key, offset));
        positions.set(key, offset);
      }
    },
  };
}
