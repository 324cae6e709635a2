/** What a task knows before its first batch: its rows, what it has written lately, and where its inputs go on. */
import type { LogRecord, PartitionConsumer } from '../../ports/broker';
import type { StageRun } from './stage-run';
import type { TaskSurroundings } from './task-surroundings';

/** A task while it is restored. */
interface Restored {
  readonly around: Pick<TaskSurroundings, 'plan' | 'host'>;
  readonly consumer: PartitionConsumer;
  readonly stages: readonly StageRun[];
  /** Next offset to read, by topic name: filled here. */
  readonly positions: Map<string, number>;
  /** Throws once the partition is somebody else's. */
  readonly assertOurs: () => void;
}

/**
 * Resolves once tables are as their changelogs have them, the tails of own outputs are known, and the inputs stand where
 * they go on. Returns what lies in the topics that are handed on and that some stage has not seen, in chunks: it has to
 * be handled before the first poll.
 */
export async function restoreTask(task: Restored): Promise<AsyncIterable<readonly LogRecord[]>> {
  const { around, consumer, stages, positions } = task;
  const { topicPrefix } = around.host;
  const committed = await consumer.committed();
  // Side by side: no stage's table or tail depends on another's.
  const restored = await Promise.all(stages.map((stage) => restoreStage(task, stage)));
  for (const [at, { plan }] of stages.entries()) {
    const reflected = restored[at]!;
    for (const { input, topic, wire } of plan.inputs.values()) {
      // The positions in the changelog are those its rows reflect; the group's own may lag behind them.
      const position = reflected.get(topic.name) ?? committed.get(wire) ?? null;
      if (position !== null && stages.length === 1) positions.set(topic.name, position);
      if (reflected.has(topic.name)) consumer.seek(wire, position!);
      if (input.kind !== 'process' || !input.startAt) continue;
      const startAt = await input.startAt(consumer.partition);
      if (startAt === null) continue;
      positions.set(topic.name, startAt);
      consumer.seek(wire, startAt);
    }
  }
  if (stages.length === 1) return nothing();
  // When each stage had a task of its own, some may have read further than others: the shared task goes on where the slowest stands.
  for (const wire of around.plan.wires) {
    const name = wire.slice(topicPrefix.length);
    if (positions.has(name)) continue;
    const known = stages.flatMap(({ plan, table }, at) => {
      if (!plan.inputs.has(wire)) return [];
      return restored[at]!.get(name) ?? (table ? [] : (committed.get(wire) ?? []));
    });
    const position = known.length > 0 ? Math.min(...known) : (committed.get(wire) ?? null);
    if (position === null) continue;
    positions.set(name, position);
    consumer.seek(wire, position);
  }
  for (const [at, stage] of stages.entries()) {
    for (const [name, position] of restored[at]!)
      if (position > (positions.get(name) ?? 0)) stage.reflected.set(name, position);
  }
  return readLeft(task);
}

/** Returns the input positions that the rows reflect, of those inputs that there are. */
async function restoreStage(
  { around, consumer, assertOurs }: Restored,
  { memory, plan }: StageRun,
): Promise<ReadonlyMap<string, number>> {
  await memory.readOn(assertOurs);
  const reflected = [...(memory.table?.restored(consumer.ownerEpoch) ?? [])];
  return new Map(reflected.filter(([topic]) => plan.inputs.has(around.host.topicPrefix + topic)));
}

async function* nothing(): AsyncGenerator<readonly LogRecord[]> {}

/** Topics in the order of the stages that write them, so that a request is there before what was made of it. */
async function* readLeft({ around, consumer, positions, stages }: Restored): AsyncGenerator<readonly LogRecord[]> {
  const { plan, host } = around;
  const { partition } = consumer;
  const writerOf = (wire: string): number =>
    stages.findIndex((stage) => [...stage.plan.outputs.values()].some((output) => output.wire === wire));
  const handed = [...plan.handed].sort((a, b) => writerOf(a.wire) - writerOf(b.wire));
  // All ends are asked for before the first record is handled: what the stages write from then on, they hand on themselves.
  const ranges = await Promise.all(
    handed.map(async ({ wire, topic }) => {
      const of = { topic: wire, partition };
      const { earliest, end } = await host.broker.offsets(of);
      const start = plan.startAt === 'earliest' ? earliest : end;
      return { of, name: topic.name, from: Math.max(earliest, positions.get(topic.name) ?? start), end };
    }),
  );
  for (const { of, name, from, end } of ranges) {
    for await (const records of host.broker.read(of, { from, to: end })) yield records;
    const position = Math.max(end, from);
    positions.set(name, position);
    consumer.seek(of.topic, position);
  }
}
