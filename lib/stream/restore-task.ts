/** What a task knows before its first batch: its rows, what it has written lately, and where its inputs go on. */
import { UndecodableError } from '../avro/codec';
import type { PartitionConsumer } from '../ports/broker';
import { placeOf } from './describe-failure';
import type { RecentIds } from './recent-ids';
import type { TaskSurroundings } from './task';
import type { TaskTable } from './task-table';

// biome-ignore lint/suspicious/noExplicitAny: event and row types belong to the declarations
type Any = any;

const maxLoggedLength = 300;

/** A task while it is restored. */
interface Restored {
  readonly around: Pick<TaskSurroundings, 'plan' | 'host'>;
  readonly consumer: PartitionConsumer;
  readonly table: TaskTable<Any> | null;
  readonly ownIds: RecentIds | null;
  /** Next offset to read, by topic name: filled here. */
  readonly positions: Map<string, number>;
  /** Throws once the partition is somebody else's. */
  readonly assertOurs: () => void;
}

/** Resolves once the table is as its changelog has it, its own output's tail is known, and the inputs stand where they go on. */
export async function restoreTask(task: Restored): Promise<void> {
  const { around, consumer, table, ownIds, positions } = task;
  const { plan } = around;
  for (const [wire, position] of await consumer.committed()) {
    const input = plan.inputs.get(wire);
    if (input && position !== null) positions.set(input.topic.name, position);
  }
  if (table) await restoreTable(task, table);
  if (ownIds) await readOwnTail(task, ownIds);
  for (const { input, topic, wire } of plan.inputs.values()) {
    if (input.kind !== 'process' || !input.startAt) continue;
    const startAt = await input.startAt(consumer.partition);
    if (startAt === null) continue;
    positions.set(topic.name, startAt);
    consumer.seek(wire, startAt);
  }
}

async function restoreTable(
  { around, consumer, positions, assertOurs }: Restored,
  table: TaskTable<Any>,
): Promise<void> {
  const { plan, host } = around;
  const service = plan.definition.group;
  const of = { topic: host.topicPrefix + plan.definition.table!.topic.name, partition: consumer.partition };
  const { earliest } = await host.broker.offsets(of);
  for await (const records of host.broker.read(of, { from: earliest })) {
    assertOurs();
    table.restore(records, (record, error) => {
      const topic = plan.definition.table!.topic.name;
      host.metrics.count('quantum_router_view_undecodable_total', { service, topic });
      host.log.error('a record of a changelog is none of ours and is passed over', {
        service,
        topic: record.topic,
        partition: record.partition,
        offset: record.offset,
        reason: error instanceof UndecodableError ? error.message.slice(0, maxLoggedLength) : placeOf(error).failure,
      });
    });
  }
  // The positions in the changelog are those its rows reflect; the group's own may lag behind them.
  for (const [name, position] of table.restored() ?? []) {
    const wire = host.topicPrefix + name;
    if (!plan.inputs.has(wire)) continue;
    positions.set(name, position);
    consumer.seek(wire, position);
  }
}

async function readOwnTail({ around, consumer, assertOurs }: Restored, ids: RecentIds): Promise<void> {
  const { plan, host } = around;
  const { topic, idOf, maxIds } = plan.definition.ownOutput!;
  const of = { topic: host.topicPrefix + topic.name, partition: topic.partitions === 'one' ? 0 : consumer.partition };
  const { earliest, end } = await host.broker.offsets(of);
  for await (const records of host.broker.read(of, { from: Math.max(earliest, end - maxIds), to: end })) {
    assertOurs();
    for (const { value } of records) {
      if (value === null) continue;
      try {
        ids.add(idOf((topic.codec as Any).decode(value)));
      } catch {
        // Not written by this service, so it says nothing about what has been done.
      }
    }
  }
}
