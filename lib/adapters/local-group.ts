/**
 * Consumer groups inside one process: members, epochs, co-partitioned assignment and the poll of a partition. Shared by
 * the memory and the embedded broker, so that both keep exactly the promises of the broker port.
 */

import {
  type GroupOptions,
  type LogRecord,
  type PartitionConsumer,
  type PartitionWrite,
  StaleEpochError,
} from '../ports/broker';
import type { Clock } from '../ports/clock';
import { type LocalLog, type LocalPartition, type PartitionReader, placeRecords } from './local-log';

/** What a test's broker does to its groups; all absent in real use. */
export interface GroupUnkindness {
  /** Interleaves what was read from several topics, keeping the order within each. */
  readonly interleave?: (perTopic: readonly LogRecord[][]) => LogRecord[];
  /** How many records this poll may return at most. */
  readonly limitPoll?: (maxRecords: number) => number;
  /** Called at the start of every poll: the moment to plan a rebalance. */
  readonly onPoll?: (group: string) => void;
  /** How long after a rebalance the new assignment is known. */
  readonly assignDelayMs?: () => number;
}

export interface GroupEnvironment {
  readonly log: LocalLog;
  readonly clock: Clock;
  readonly unkindness: GroupUnkindness;
}

interface Member {
  readonly options: GroupOptions;
  consumers: LocalConsumer[];
}

/**
 * One consumer group. When a member comes or goes, consumers whose partition stays with its member go on, and the others are
 * void once the new ones are there. `rebalance` voids all at once; new ones come a moment later.
 */
export class LocalGroup {
  private members: Member[] = [];
  private epoch = 0;
  private assigning = false;

  constructor(
    readonly name: string,
    private readonly environment: GroupEnvironment,
  ) {}

  /** Adds a member and returns how it leaves. Throws when its topics cannot be read together. */
  join(options: GroupOptions): () => void {
    this.refuseUnfit(options);
    const member: Member = { options, consumers: [] };
    this.members.push(member);
    this.regroup();
    return () => {
      const index = this.members.indexOf(member);
      if (index < 0) return;
      this.members.splice(index, 1);
      for (const consumer of member.consumers) consumer.becomeStale();
      this.regroup();
    };
  }

  rebalance(): void {
    for (const member of this.members) this.voidConsumers(member);
    this.regroup();
  }

  private regroup(): void {
    this.epoch++;
    if (this.assigning) return;
    this.assigning = true;
    const { clock, unkindness } = this.environment;
    const delayMs = unkindness.assignDelayMs?.() ?? 0;
    // A microtask at the earliest: nobody expects to be assigned from inside a call of its own.
    if (delayMs > 0) clock.setTimer(delayMs, () => this.assign());
    else queueMicrotask(() => this.assign());
  }

  /** Voids everything for good: the broker closes. */
  close(): void {
    for (const member of this.members) this.voidConsumers(member);
    this.members = [];
  }

  private assign(): void {
    this.assigning = false;
    const members = [...this.members];
    const { epoch } = this;
    const ownerOf = (partition: number): Member => members[partition % members.length]!;
    // Nobody gets a partition before it is given up.
    for (const member of members) this.voidConsumers(member, ({ partition }) => ownerOf(partition) !== member);
    for (const [index, member] of members.entries()) {
      const kept = new Map(member.consumers.map((consumer) => [consumer.partition, consumer]));
      const partitions = this.environment.log.topic(member.options.topics[0]!)!.settings.partitions;
      member.consumers = [];
      for (let partition = index; partition < partitions; partition += members.length) {
        const consumer = kept.get(partition) ?? new LocalConsumer(this.environment, member.options, partition, epoch);
        member.consumers.push(consumer);
      }
    }
    for (const member of members) {
      // A member's callback may have left or rebalanced the group: then a later assignment is on its way.
      if (this.epoch !== epoch) return;
      try {
        member.options.onAssigned(epoch, member.consumers);
      } catch (error) {
        member.options.onFailed(error as Error);
      }
    }
  }

  private voidConsumers(member: Member, which: (consumer: LocalConsumer) => boolean = () => true): void {
    for (const consumer of member.consumers) if (which(consumer)) consumer.becomeStale();
    member.consumers = member.consumers.filter((consumer) => !consumer.isStale());
  }

  private refuseUnfit(options: GroupOptions): void {
    const { log } = this.environment;
    if (options.topics.length === 0) throw new Error(`group ${options.group}: name at least one topic`);
    const counts = options.topics.map((name) => {
      const topic = log.topic(name);
      if (!topic)
        throw new Error(`group ${options.group}: topic ${name} does not exist; create it with ensureTopics first`);
      return `${name}: ${topic.settings.partitions}`;
    });
    if (new Set(counts.map((count) => count.slice(count.lastIndexOf(' ')))).size > 1) {
      throw new Error(
        `group ${options.group}: co-partitioned topics need the same number of partitions (${counts.join(', ')})`,
      );
    }
    const present = this.members[0]?.options.topics;
    if (present && [...present].sort().join() !== [...options.topics].sort().join()) {
      throw new Error(`group ${options.group}: members read the same topics; present ones read ${present.join(', ')}`);
    }
  }
}

interface Cursor extends PartitionReader {
  readonly topic: string;
  readonly source: LocalPartition;
  next: number;
}

interface PendingPoll {
  readonly maxRecords: number;
  readonly cursors: readonly Cursor[];
  readonly resolve: (records: readonly LogRecord[]) => void;
  readonly reject: (error: Error) => void;
  readonly cancelTimer: () => void;
  delivering: boolean;
}

// So many polls may be answered without waiting before other work of the process gets a turn.
const pollsPerTurn = 8;

class LocalConsumer implements PartitionConsumer {
  private readonly cursors: readonly Cursor[];
  private pending: PendingPoll | null = null;
  private polling = false;
  private stale = false;
  private pollsThisTurn = 0;

  constructor(
    private readonly environment: GroupEnvironment,
    private readonly options: GroupOptions,
    readonly partition: number,
    readonly epoch: number,
  ) {
    const { log } = environment;
    this.cursors = options.topics.map((topic) => {
      const source = log.topic(topic)!.partitions[partition]!;
      const start = options.startAt === 'earliest' ? source.earliest : source.end;
      const cursor: Cursor = {
        topic,
        source,
        next: log.committed(options.group, topic, partition) ?? start,
        onReadable: () => this.deliverSoon(),
      };
      source.readers.add(cursor);
      return cursor;
    });
  }

  isStale(): boolean {
    return this.stale;
  }

  becomeStale(): void {
    if (this.stale) return;
    this.stale = true;
    for (const cursor of this.cursors) cursor.source.readers.delete(cursor);
    const { pending } = this;
    if (!pending) return;
    this.pending = null;
    pending.cancelTimer();
    pending.reject(this.staleError());
  }

  async committed(): Promise<ReadonlyMap<string, number | null>> {
    if (this.stale) throw this.staleError();
    const { group, topics } = this.options;
    return new Map(topics.map((topic) => [topic, this.environment.log.committed(group, topic, this.partition)]));
  }

  seek(topic: string, offset: number): void {
    if (this.stale) throw this.staleError();
    if (!Number.isSafeInteger(offset) || offset < 0) throw new Error(`cannot seek ${topic} to offset ${offset}`);
    this.cursorOf(topic).next = offset;
    this.deliverSoon();
  }

  async poll(options: {
    maxRecords: number;
    maxWaitMs: number;
    topics?: readonly string[];
  }): Promise<readonly LogRecord[]> {
    if (this.stale) throw this.staleError();
    if (this.polling)
      throw new Error(`group ${this.options.group}: a poll of partition ${this.partition} is outstanding`);
    const { clock, log, unkindness } = this.environment;
    const cursors = options.topics ? options.topics.map((topic) => this.cursorOf(topic)) : this.cursors;
    const maxRecords = unkindness.limitPoll?.(options.maxRecords) ?? options.maxRecords;
    this.polling = true;
    try {
      unkindness.onPoll?.(this.options.group);
      if (this.pollsThisTurn >= pollsPerTurn) {
        this.pollsThisTurn = 0;
        await log.yieldTurn();
        if (this.stale) throw this.staleError();
      }
      const ready = this.collect(cursors, maxRecords);
      if (ready.length > 0 || options.maxWaitMs <= 0) {
        this.pollsThisTurn++;
        return ready;
      }
      this.pollsThisTurn = 0;
      return await new Promise((resolve, reject) => {
        const cancelTimer = clock.setTimer(options.maxWaitMs, () => this.wake());
        this.pending = { maxRecords, cursors, resolve, reject, cancelTimer, delivering: false };
      });
    } finally {
      this.polling = false;
    }
  }

  wake(): void {
    const { pending } = this;
    if (!pending) return;
    this.pending = null;
    pending.cancelTimer();
    pending.resolve(this.collect(pending.cursors, pending.maxRecords));
  }

  async write(batch: PartitionWrite): Promise<readonly number[]> {
    if (this.stale) throw this.staleError();
    const { clock, log } = this.environment;
    const { group } = this.options;
    for (const topic of batch.positions?.keys() ?? []) this.cursorOf(topic);
    const records = placeRecords(log, [...batch.records, ...(batch.rows ?? [])], clock.nowMs());
    await log.append({
      records,
      ...(batch.positions && { positions: { group, partition: this.partition, offsets: batch.positions } }),
      refusal: () => (this.stale ? this.staleError() : null),
      source: this,
    });
    return records.slice(batch.records.length).map(({ offset }) => offset);
  }

  recordAt(topic: string, offset: number): LogRecord | null {
    const [record] = this.environment.log.topic(topic)?.partitions[this.partition]?.read(offset, 1) ?? [];
    return record?.offset === offset ? record : null;
  }

  /** In a microtask, so that everything written in the same go comes in one batch. */
  private deliverSoon(): void {
    const { pending } = this;
    if (!pending || pending.delivering) return;
    pending.delivering = true;
    queueMicrotask(() => {
      pending.delivering = false;
      // Another topic than those waited for may have been written.
      if (this.pending !== pending || !pending.cursors.some(hasMore)) return;
      const records = this.collect(pending.cursors, pending.maxRecords);
      if (records.length === 0) return;
      this.pending = null;
      pending.cancelTimer();
      pending.resolve(records);
    });
  }

  private collect(cursors: readonly Cursor[], maxRecords: number): LogRecord[] {
    const perTopic: LogRecord[][] = cursors.map(() => []);
    let remaining = maxRecords;
    // Equal shares first; what a topic leaves unused goes to the others in the next round.
    for (let active = cursors.filter(hasMore); remaining > 0 && active.length > 0; active = active.filter(hasMore)) {
      const share = Math.ceil(remaining / active.length);
      for (const cursor of active) {
        const records = cursor.source.read(cursor.next, Math.min(share, remaining));
        const last = records.at(-1);
        cursor.next = last ? last.offset + 1 : cursor.source.end;
        remaining -= records.length;
        const index = cursors.indexOf(cursor);
        perTopic[index] = perTopic[index]!.length === 0 ? records : perTopic[index]!.concat(records);
        if (remaining === 0) break;
      }
    }
    const { interleave } = this.environment.unkindness;
    if (interleave) return interleave(perTopic);
    return perTopic.length === 1 ? perTopic[0]! : perTopic.flat();
  }

  private cursorOf(topic: string): Cursor {
    const cursor = this.cursors.find((candidate) => candidate.topic === topic);
    if (!cursor) throw new Error(`group ${this.options.group} does not read topic ${topic}`);
    return cursor;
  }

  private staleError(): StaleEpochError {
    return new StaleEpochError(this.options.group, this.partition, this.epoch);
  }
}

function hasMore(cursor: Cursor): boolean {
  return cursor.next < cursor.source.end;
}
