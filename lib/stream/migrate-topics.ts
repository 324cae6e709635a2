/**
 * Moves the state of an engine to topics of another prefix with another number of partitions: the only way to change that
 * number, since a key moves with it. Tables are copied, rows of services go to the partition of their key, and learning
 * events keep their offsets, which is what weights and checkpoints are named by. Streams of the request path stay behind: the
 * engine must have been drained, so nothing in them is still to be done. Nothing is changed under the old prefix.
 */
import type { Broker, LogRecord, OutgoingRecord, TopicPartition } from '../ports/broker';
import { type AnyTopic, settingsOf } from '../topics/define-topic';
import { partitionOf } from '../topics/partition-of';
import { topics } from '../topics/topics';
import type { ServiceDefinition, TableDefinition } from './define-service';
import { ensureServiceTopics } from './run-engine';
import { createTaskTable, positionKey, positionRecord } from './task/task-table';
import { topicInputs, topicsOf } from './validate-graph';

export interface EnginePlace {
  readonly topicPrefix: string;
  /** Of the request path. */
  readonly partitions: number;
}

export interface MigrationOptions {
  readonly broker: Broker;
  readonly services: readonly ServiceDefinition[];
  readonly from: EnginePlace;
  readonly to: EnginePlace;
  /** Forgets what comes before an offset; where a broker cannot, learning events begin with empty records. */
  readonly trim?: (of: TopicPartition, before: number) => Promise<void>;
  /** How many members a consumer group has now; absent where a broker has no groups but its own. */
  readonly membersOf?: (group: string, topics: readonly string[]) => Promise<number>;
  /** Copies although the engine runs or has records to decide: for one that cannot be drained any more. */
  readonly force?: boolean;
}

export interface MigratedTopic {
  readonly topic: string;
  /** Rows of a service's table, or records of another topic. */
  readonly records: number;
}

// biome-ignore lint/suspicious/noExplicitAny: topics and rows of every type are handled alike
type Any = any;

const sendRecords = 500;
const fillerRecords = 10_000;

/**
 * Rejects, before anything is made or copied, when the new topics hold records already, and when the old engine has not the
 * number of partitions that is said, still runs, or has not decided all that it was asked.
 */
export async function migrateTopics(options: MigrationOptions): Promise<MigratedTopic[]> {
  const { broker, services, from, to } = options;
  if (from.topicPrefix === to.topicPrefix) throw new Error('the new topics need another prefix than the old ones');
  await refuseFilled(options);
  await refuseOtherNumber(options);
  if (!options.force) {
    await refuseRunning(options);
    await refuseUndrained(options);
  }
  await ensureServiceTopics(services, { broker, topicPrefix: to.topicPrefix, requestPathPartitions: to.partitions });
  const schemas = settingsOf(topics.schemas, 1);
  await broker.ensureTopics([{ ...schemas, name: to.topicPrefix + schemas.name }]);
  const migrated: MigratedTopic[] = [];
  for (const topic of allTopics(services)) {
    if (topic.partitions !== 'one' || (topic.kind === 'stream' && topic.name !== topics.learningEvents.name)) continue;
    const records =
      topic.kind === 'table' ? await copyTable(options, topic.name) : await copyAtOffsets(options, topic.name);
    migrated.push({ topic: topic.name, records });
  }
  for (const service of services) {
    if (service.table) migrated.push({ topic: service.table.topic.name, records: await moveRows(options, service) });
  }
  return migrated;
}

function allTopics(services: readonly ServiceDefinition[]): AnyTopic[] {
  const all = [...services.flatMap((service) => topicsOf(service)), topics.schemas];
  all.push(topics.weightsBlobs, topics.trainerCheckpoint);
  return [...new Map(all.map((topic) => [topic.name, topic])).values()];
}

async function refuseFilled({ broker, services, to }: MigrationOptions): Promise<void> {
  const present = new Map((await broker.listTopics()).map((topic) => [topic.name, topic.partitions]));
  for (const { name } of allTopics(services)) {
    const wire = to.topicPrefix + name;
    for (let partition = 0; partition < (present.get(wire) ?? 0); partition++) {
      const { end } = await broker.offsets({ topic: wire, partition });
      if (end > 0) throw new Error(`${wire} holds records already: choose a prefix that nothing was written under`);
    }
  }
}

/** Rows in partitions that nobody has named would be left behind without a word. */
async function refuseOtherNumber({ broker, services, from }: MigrationOptions): Promise<void> {
  const present = new Map((await broker.listTopics()).map((topic) => [topic.name, topic.partitions]));
  for (const { table } of services) {
    if (!table || table.topic.partitions === 'one') continue;
    const topic = from.topicPrefix + table.topic.name;
    const has = present.get(topic);
    if (has === undefined) throw new Error(`there is no topic ${topic}: is that the prefix of the engine?`);
    const otherwise = `${topic} has ${has} partitions, not ${from.partitions}: say how many the engine works on`;
    if (has < from.partitions) throw new Error(otherwise);
    for (let partition = from.partitions; partition < has; partition++) {
      const { end } = await broker.offsets({ topic, partition });
      if (end > 0) throw new Error(otherwise);
    }
  }
}

/** Rows that change while they are copied are lost for the new engine. */
async function refuseRunning({ services, from, membersOf }: MigrationOptions): Promise<void> {
  if (!membersOf) return;
  for (const service of services) {
    const read = topicInputs(service).map(({ topic }) => from.topicPrefix + topic.name);
    // The gateway only follows: it is in no group.
    if (read.length === 0) continue;
    const group = from.topicPrefix + service.group;
    const members = await membersOf(group, read);
    if (members > 0) throw new Error(`group ${group} has ${members} members: stop the engine first`);
  }
}

/** Streams stay behind, and what is still to be done in them with them. Services with rows say in their changelogs how far they are. */
async function refuseUndrained({ broker, services, from }: MigrationOptions): Promise<void> {
  for (const service of services) {
    if (!service.table || service.table.topic.partitions === 'one') continue;
    for (let partition = 0; partition < from.partitions; partition++) {
      const changelog = { topic: from.topicPrefix + service.table.topic.name, partition };
      const table = createTaskTable<Any>(service.table, { ...changelog, ownerEpoch: 0 });
      for await (const records of broker.read(changelog, { from: 0 })) table.restore(records, () => {});
      const positions = table.restored();
      for (const { topic } of topicInputs(service)) {
        if (topic.partitions === 'one') continue;
        const of = { topic: from.topicPrefix + topic.name, partition };
        const waiting = await recordsFrom(broker, of, positions?.get(topic.name) ?? 0);
        if (waiting === 0) continue;
        const where = `${of.topic}[${partition}]`;
        throw new Error(
          `${service.group} has still to handle ${waiting} records of ${where}, which would stay behind: let the engine run without producers until its lag is 0, then stop it`,
        );
      }
    }
  }
}

/** Counted, not calculated: a transaction leaves offsets at the end that nobody can read. */
async function recordsFrom(broker: Broker, of: TopicPartition, position: number): Promise<number> {
  const { earliest, end } = await broker.offsets(of);
  const from = Math.max(position, earliest);
  let count = 0;
  if (from < end) for await (const records of broker.read(of, { from, to: end })) count += records.length;
  return count;
}

/** All records in their order; compaction may have taken some, so offsets differ. */
async function copyTable({ broker, from, to }: MigrationOptions, name: string): Promise<number> {
  const producer = broker.producer('migration');
  let copied = 0;
  for await (const records of broker.read({ topic: from.topicPrefix + name, partition: 0 }, { from: 0 })) {
    await producer.send(
      records.map((record) => ({ ...contentOf(record), topic: to.topicPrefix + name, partition: 0 })),
    );
    copied += records.length;
  }
  await producer.close();
  return copied;
}

/** Every record at the offset that it has. What is missing in between, retention for one, becomes records without a value. */
async function copyAtOffsets({ broker, from, to, trim }: MigrationOptions, name: string): Promise<number> {
  const [source, target] = [from, to].map(({ topicPrefix }) => ({ topic: topicPrefix + name, partition: 0 }));
  const producer = broker.producer('migration');
  const { earliest } = await broker.offsets(source!);
  let next = 0;
  const fillUntil = async (offset: number): Promise<void> => {
    while (next < offset) {
      const count = Math.min(fillerRecords, offset - next);
      const filler = Array.from({ length: count }, (): OutgoingRecord => ({ ...target!, key: null, value: null }));
      next = (await producer.send(filler)).at(-1)!.offset + 1;
    }
    if (next !== offset) throw new Error(`${target!.topic} is written by somebody else: stop it and start again`);
  };
  let copied = 0;
  await fillUntil(earliest);
  for await (const records of broker.read(source!, { from: earliest, maxRecords: sendRecords })) {
    let run: OutgoingRecord[] = [];
    const flush = async (): Promise<void> => {
      if (run.length > 0) next = (await producer.send(run)).at(-1)!.offset + 1;
      run = [];
    };
    for (const record of records) {
      if (record.offset !== next + run.length) {
        await flush();
        await fillUntil(record.offset);
      }
      run.push({ ...contentOf(record), ...target! });
    }
    await flush();
    copied += records.length;
  }
  await producer.close();
  if (trim && earliest > 0) await trim(target!, earliest);
  return copied;
}

/** The rows that count, each to the partition of its key, and a position at the start of every input. */
async function moveRows(options: MigrationOptions, service: ServiceDefinition): Promise<number> {
  const { broker, from, to } = options;
  const definition = service.table as TableDefinition<Any>;
  const { topic } = definition;
  const single = topic.partitions === 'one';
  const [partitionsBefore, partitions] = single ? [1, 1] : [from.partitions, to.partitions];
  const rows = new Map<string, Any>();
  for (let partition = 0; partition < partitionsBefore; partition++) {
    const place = { topic: from.topicPrefix + topic.name, partition };
    // Every partition's owners count for themselves.
    const table = createTaskTable<Any>(definition, { ...place, ownerEpoch: 0 });
    const keys = new Set<string>();
    for await (const records of broker.read(place, { from: 0 })) {
      // What the old engine would pass over is not taken along.
      table.restore(records, () => {});
      for (const { key } of records) if (key !== null && key !== positionKey) keys.add(key);
    }
    for (const key of keys) {
      const row = table.get(key);
      if (row !== undefined) rows.set(key, row);
    }
  }
  const homes = await homesOf(options, rows);
  const outgoing: OutgoingRecord[] = [...rows].map(([key, row]) => ({
    topic: to.topicPrefix + topic.name,
    partition: partitionOf(homes.get(key) ?? key, partitions),
    key,
    value: topic.codec.encode(row),
  }));
  const positions = new Map(topicInputs(service).map((input) => [input.topic.name, 0]));
  for (let partition = 0; partition < partitions; partition++) {
    outgoing.push(positionRecord({ topic: to.topicPrefix + topic.name, partition }, positions));
  }
  const producer = broker.producer('migration');
  for (let i = 0; i < outgoing.length; i += sendRecords) await producer.send(outgoing.slice(i, i + sendRecords));
  await producer.close();
  return rows.size;
}

/**
 * Requests of a conversation are kept together: their rows are where the conversation is, not where their own id is. A row
 * that no longer says so is looked up among the decisions.
 */
async function homesOf(options: MigrationOptions, rows: ReadonlyMap<string, Any>): Promise<Map<string, string>> {
  const homes = new Map<string, string>();
  const open = new Map<string, number>();
  for (const [key, row] of rows) {
    const routingKey: unknown = row.opened?.routingKey ?? row.decided?.routingKey;
    if (typeof routingKey === 'string') homes.set(key, routingKey);
    else if (typeof row.decisionId === 'string') open.set(key, row.firstSeenMs ?? 0);
  }
  if (open.size === 0) return homes;
  const { broker, from } = options;
  const { routeDecided } = topics;
  const sinceMs = Math.max(0, Math.min(...open.values()) - hourMs);
  for (let partition = 0; partition < from.partitions; partition++) {
    const of = { topic: from.topicPrefix + routeDecided.name, partition };
    const start = await broker.offsetAt(of, sinceMs);
    for await (const records of broker.read(of, { from: start })) {
      for (const { key, value } of records) {
        const decisionId = value === null ? null : decisionIdOf(value);
        if (decisionId !== null && key !== null && open.has(decisionId)) homes.set(decisionId, key);
      }
    }
  }
  return homes;
}

const hourMs = 3_600_000;

/** Null for what cannot be decoded: garbage decides nothing. */
function decisionIdOf(value: Buffer): string | null {
  try {
    return topics.routeDecided.codec.decode(value).decisionId;
  } catch {
    return null;
  }
}

function contentOf({ key, value, headers, timestampMs }: LogRecord): Omit<OutgoingRecord, 'topic' | 'partition'> {
  return { key, value, headers, timestampMs };
}
