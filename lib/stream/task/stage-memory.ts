/**
 * What a stage remembers of one partition: the rows of its table and the ids of what it has written lately, read from the log up to
 * some place. A task has it of the partition it owns; where others own the partition it is kept as a stand-by, and read on from time to time.
 */
import { UndecodableError } from '../../avro/codec';
import { type LogRecord, type PartitionConsumer, PlannedRestart } from '../../ports/broker';
import type { AnyTopic } from '../../topics/define-topic';
import { placeOf } from '../describe-failure';
import type { Host } from '../host';
import type { ServicePlan } from '../service-plan';
import { OwnIds } from './own-ids';
import { createTaskTable, type TaskTable } from './task-table';

// biome-ignore lint/suspicious/noExplicitAny: event and row types belong to the declarations
type Any = any;

const maxLoggedLength = 300;
/** Read and decoded in one go: requests may be waiting for the same thread meanwhile. */
const chunkRecords = 250;
/**
 * What was read so long ago is not read on from: a deletion that came meanwhile may be gone from a compacted topic, which keeps it for
 * a day by default.
 */
const maxAgeMs = 3_600_000;

export class StageMemory {
  readonly table: TaskTable<Any> | null;
  readonly ownIds: OwnIds | null;
  /** Next offset to read, by topic name; nothing of a topic that has not been read. */
  private readonly readUpTo = new Map<string, number>();
  /** Wall clock, since a machine that sleeps has no other. */
  private readAtMs: number | null = null;
  private reading: Promise<void> = Promise.resolve();

  constructor(
    private readonly plan: ServicePlan,
    private readonly host: Host,
    readonly partition: number,
    recordAt?: PartitionConsumer['recordAt'],
  ) {
    const { table, ownOutput } = plan.definition;
    this.ownIds = ownOutput ? new OwnIds(ownOutput) : null;
    this.table = table
      ? createTaskTable(table, {
          topic: host.topicPrefix + table.topic.name,
          partition,
          maxRecordBytes: plan.maxRowBytes,
          recordAt,
        })
      : null;
  }

  /**
   * Reads from where the call before has ended, at first from the beginning, to what is the end now. `assertOurs` is called before each
   * chunk is taken; when it throws, or reading fails, what was taken stays, and the next call goes on behind it. Rejects with PlannedRestart
   * where that cannot be: the log is shorter than what was read of it, or was not looked at for long.
   */
  readOn(assertOurs: () => void): Promise<void> {
    const read = this.reading.then(() => this.read(assertOurs));
    this.reading = read.catch(() => {});
    return read;
  }

  private async read(assertOurs: () => void): Promise<void> {
    const nowMs = this.host.clock.nowMs();
    if (this.readAtMs !== null && Math.abs(nowMs - this.readAtMs) > maxAgeMs)
      throw new PlannedRestart(`${this.plan.definition.group} has not read partition ${this.partition} for long`);
    const { topics = [], maxIds = 0 } = this.plan.definition.ownOutput ?? {};
    // Side by side: what takes long is waiting for answers.
    await Promise.all([this.readTable(assertOurs), ...topics.map((topic) => this.readTail(topic, maxIds, assertOurs))]);
    this.readAtMs = nowMs;
  }

  private async readTable(assertOurs: () => void): Promise<void> {
    const { table, host } = this;
    if (!table) return;
    const service = this.plan.definition.group;
    const { topic } = this.plan.definition.table!;
    await this.readTopic(topic, this.partition, Number.POSITIVE_INFINITY, (records) => {
      assertOurs();
      table.restore(records, (record, error) => {
        host.metrics.count('quantum_router_view_undecodable_total', { service, topic: topic.name });
        host.log.error('a record of a changelog is none of ours and is passed over', {
          service,
          topic: record.topic,
          partition: record.partition,
          offset: record.offset,
          reason: error instanceof UndecodableError ? error.message.slice(0, maxLoggedLength) : placeOf(error).failure,
        });
      });
    });
  }

  private async readTail(topic: AnyTopic, maxIds: number, assertOurs: () => void): Promise<void> {
    const ids = this.ownIds!;
    const partition = topic.partitions === 'one' ? 0 : this.partition;
    await this.readTopic(topic, partition, maxIds, (records) => {
      assertOurs();
      for (const { value } of records) {
        // Null: not written by this stage, so it says nothing about what has been done.
        const id = value === null ? null : ids.idInBytes(topic, value);
        if (id !== null) ids.add(topic, id);
      }
    });
  }

  /** The last `most` records of the topic, of those that have not been read before. */
  private async readTopic(
    { name }: Pick<AnyTopic, 'name'>,
    partition: number,
    most: number,
    take: (records: readonly LogRecord[]) => void,
  ): Promise<void> {
    const of = { topic: this.host.topicPrefix + name, partition };
    const { earliest, end } = await this.host.broker.offsets(of);
    const before = this.readUpTo.get(name) ?? 0;
    if (end < before) throw new PlannedRestart(`${of.topic} ends before what was read of it`);
    const range = { from: Math.max(before, earliest, end - most), to: end, maxRecords: chunkRecords };
    for await (const records of this.host.broker.read(of, range)) {
      take(records);
      const last = records.at(-1);
      if (last) this.readUpTo.set(name, last.offset + 1);
    }
    this.readUpTo.set(name, end);
  }
}
