/**
 * The log, as little of it as the runtime needs and no more than Kafka keeps: order within a partition, redelivery
 * from the last commit, increasing offsets WITH gaps, no order across partitions, an epoch bump instead of a revoke.
 * The contract suite in test/contract/broker-contract.ts is the specification; every adapter passes it unchanged.
 */

/** What a topic is: partitions, how long it keeps records. `retentionMs: null` keeps them for good. */
export interface TopicSettings {
  readonly name: string;
  readonly partitions: number;
  /** `delete` drops records older than `retentionMs`; `compact` keeps at least the last record of every key. */
  readonly cleanup: 'delete' | 'compact';
  readonly retentionMs: number | null;
  /** Largest record the topic takes, key and value together. */
  readonly maxRecordBytes: number;
}

export type Headers = Readonly<Record<string, string>>;

/** Brokers keep the `value` they are given without copying it: do not write into it afterwards. */
export interface OutgoingRecord {
  readonly topic: string;
  /** Chosen by `partitionOf(key)` (murmur2, as Java and kafkajs do) when absent. */
  readonly partition?: number;
  readonly key: string | null;
  /** null is a tombstone on a compacted topic. */
  readonly value: Buffer | null;
  readonly headers?: Headers;
  /** Broker time when absent. */
  readonly timestampMs?: number;
  /** What `value` says. A broker inside this process may hand it to its readers beside the bytes; nobody may change it. */
  readonly decoded?: unknown;
}

export interface LogRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly headers: Headers;
  /** What `value` says, where its writer is in this process and has said so: as decoding it with the topic's codec would give. */
  readonly decoded?: unknown;
}

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Offsets a reader can ask for: `earliest` is the first kept record, `end` is one past the last (the next to come). */
export interface OffsetRange {
  readonly earliest: number;
  readonly end: number;
}

/**
 * Thrown by every call on a `PartitionConsumer` whose partition has gone, an outstanding poll included (`isStale` and `wake`
 * never throw): drop the task, another one owns the partition.
 */
export class StaleEpochError extends Error {
  constructor(group: string, partition: number, epoch: number) {
    super(`group ${group}: partition ${partition} of epoch ${epoch} is no longer ours`);
    this.name = 'StaleEpochError';
  }
}

/** A failure that a later try may not meet: the runtime backs off and tries again, within limits. */
export class TransientError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TransientError';
  }
}

/** A record that its topic does not take, whenever it is tried; nothing of what was sent with it is written. */
export class RecordTooLargeError extends Error {
  constructor(
    topic: string,
    key: string | null,
    readonly bytes: number,
    readonly maxBytes: number,
  ) {
    super(
      `record of ${bytes} bytes (key ${JSON.stringify(key)?.slice(0, 80)}) is too large for topic ${topic}, which takes ${maxBytes}`,
    );
    this.name = 'RecordTooLargeError';
  }
}

/** Nothing has failed: a service wants to begin anew, with what it reads at its start. It counts as no failure of it. */
export class PlannedRestart extends TransientError {
  constructor(message: string) {
    super(message);
    this.name = 'PlannedRestart';
  }
}

/**
 * How often what a group writes can be there after failures. `at-least-once`: records may be there twice, and readers keep
 * the first. `exactly-once`: every write is one transaction, and no reader of ours sees anything of a write that failed.
 */
export type Delivery = 'at-least-once' | 'exactly-once';

/** What a task makes durable in one go. */
export interface PartitionWrite {
  readonly records: readonly OutgoingRecord[];
  /** Changed rows of tables, and how far they go. */
  readonly rows?: readonly OutgoingRecord[];
  /** Next offset to read, by topic. */
  readonly positions?: ReadonlyMap<string, number>;
}

/**
 * One member's hold on one partition number across all co-partitioned topics of its group, from the epoch in which the member
 * gets it on, for as long as the member keeps it without a gap.
 */
export interface PartitionConsumer {
  readonly partition: number;
  /** In which it was made. Higher than that of every earlier consumer of the same member; members of one group may count differently. */
  readonly epoch: number;
  /**
   * Where the broker cannot refuse records of an owner whose epoch has passed (Kafka): a number that grows from owner to
   * owner of the partition, whichever process they are in. Written with what must not be undone by such a zombie.
   */
  readonly ownerEpoch?: number;
  /** True once the partition is no longer this consumer's. Check it between chunks of work; effects after it must be idempotent. */
  isStale(): boolean;
  /** Last committed position (next offset to read) per topic; null where nothing was committed. */
  committed(): Promise<ReadonlyMap<string, number | null>>;
  /**
   * Sets the next offset to read. Records fetched before the seek are never returned after it. A topic that was never
   * seeked starts at its committed position, and without one at the group's `startAt`.
   */
  seek(topic: string, offset: number): void;
  /**
   * Up to `maxRecords` next records of the given topics (default: all), in offset order within each topic, without
   * favouring one topic. Waits until at least one is there; resolves empty after `maxWaitMs`, or at once when woken.
   * At most one poll may be outstanding.
   */
  poll(options: { maxRecords: number; maxWaitMs: number; topics?: readonly string[] }): Promise<readonly LogRecord[]>;
  /** Ends an outstanding poll early, with what is there. Without one it does nothing. */
  wake(): void;
  /**
   * Makes `records` durable, then `rows`, then the positions. May wait while the group decides who owns what. Where the store can (embedded), all in one transaction;
   * elsewhere no row is sent before every record is acknowledged, since a row says what its positions say: that the input up to
   * there is done. Never moves positions past a failed record or row.
   *
   * In a group with `delivery: 'exactly-once'` every write is one transaction everywhere: readers see all of it, in order,
   * or nothing, and all of it a moment after it has resolved. A write without positions is a transaction of its own, so what it was made from comes again after a
   * failure: whoever wants each output once passes the positions that it was made from, or rows that tell them, in the same write. A rejection with
   * a TransientError or an error of a record says that nothing of the write will ever be seen. StaleEpochError says that
   * another owner has been put in place, or that the outcome is not known: the committed positions of the next epoch tell.
   *
   * Resolves with the offsets of `rows`, in their order, where there is `recordAt`; elsewhere with null.
   */
  write(batch: PartitionWrite): Promise<readonly number[] | null>;
  /**
   * The record at this offset of a topic's partition with this consumer's number, at once: for logs that are inside this
   * process, absent elsewhere. Null where there is none (any more).
   */
  recordAt?(topic: string, offset: number): LogRecord | null;
  /**
   * One past the last record that this consumer has written to its own partition number of `topic`; null where it has written none. Absent
   * where the end of a topic is as easily asked for.
   */
  writtenUpTo?(topic: string): number | null;
}

export interface GroupOptions {
  readonly group: string;
  /** Co-partitioned: all have the same number of partitions, and a member gets the same numbers of each. */
  readonly topics: readonly string[];
  readonly startAt: 'earliest' | 'latest';
  /**
   * Topics of which this group sends on what lies in partitions that somebody has added beyond the number agreed, where the
   * broker lets partitions be added. Default: all of `topics`; where several groups read a topic, one should do it.
   */
  readonly forwards?: readonly string[];
  /**
   * A hint: records need not come sooner than so long after the ones before. A broker across the network asks less often
   * then; others may disregard it. Default 0.
   */
  readonly lingerMs?: number;
  /**
   * A hint for a group with a `lingerMs` of 0: while many records come, they may come so long after the ones before, at most. One that
   * comes alone is never put off. Default 0.
   */
  readonly maxGapMs?: number;
  /** Default `at-least-once`. Brokers that write everything in one transaction anyhow may disregard it. */
  readonly delivery?: Delivery;
  /**
   * Called at every epoch with the partitions now owned. A consumer that was given before and is given again goes on: nobody
   * else can have owned its partition in between, so what its owner knows and has under way holds. All other consumers of
   * earlier epochs are stale by then. There is no revoke call (Kafka clients cannot promise one).
   */
  readonly onAssigned: (epoch: number, consumers: readonly PartitionConsumer[]) => void;
  /** Called when the membership is lost for good (for instance: broker gone and retries used up). */
  readonly onFailed: (error: Error) => void;
}

export interface Membership {
  /** Leaves the group; consumers become stale. Call after the tasks have drained and committed. */
  leave(): Promise<void>;
}

export interface FollowOptions {
  readonly topic: string;
  /** `earliest` for tables that everybody reads, `latest` for a tail such as the gateway's. */
  readonly startAt: 'earliest' | 'latest';
  /** As in `GroupOptions`; a function is asked each time. */
  readonly lingerMs?: number | (() => number);
  /** In order within a partition. A rejection stops the follower and reaches `onFailed`. */
  readonly onRecords: (records: readonly LogRecord[]) => void | Promise<void>;
  readonly onFailed: (error: Error) => void;
}

export interface Follower {
  /** Records that `lingerMs` puts off come at once. */
  hurry(): void;
  stop(): Promise<void>;
}

export interface Producer {
  /** Resolves when every record is durable, with their offsets. One outstanding send per producer; calls are queued and batched. */
  send(records: readonly OutgoingRecord[]): Promise<readonly { partition: number; offset: number }[]>;
  close(): Promise<void>;
}

export interface Broker {
  /**
   * Where this process takes the place of an earlier one that is dead: takes that one out of the group, so that others go on with what it
   * owned. `join` does so too; whoever joins later says it first. Never rejects.
   */
  expelEarlierSelf?(of: Pick<GroupOptions, 'group' | 'topics'>): Promise<void>;
  /** Creates what is missing; refuses (with a readable difference) to change the partitions of an existing topic. */
  ensureTopics(topics: readonly TopicSettings[]): Promise<void>;
  listTopics(): Promise<readonly TopicSettings[]>;
  offsets(of: TopicPartition): Promise<OffsetRange>;
  /** First offset whose record has `timestampMs` or later; the end when there is none. */
  offsetAt(of: TopicPartition, timestampMs: number): Promise<number>;
  /**
   * Reads one partition without a group, from `from` (inclusive) to `to` (exclusive; an end that was seen, or an offset before it; default:
   * the end now), in chunks of at most `maxRecords`. Where it ends without an error, all records before `to` that there are were read.
   * Rejects with a TransientError where whoever answers for the log does not know, in time, that it goes so far.
   */
  read(
    of: TopicPartition,
    range: { from: number; to?: number; maxRecords?: number },
  ): AsyncIterable<readonly LogRecord[]>;
  /** Reads all partitions without a group, for ever. Resolves once everything that was there at the call has been handed over (`latest`: once positioned). */
  follow(options: FollowOptions): Promise<Follower>;
  join(options: GroupOptions): Promise<Membership>;
  producer(name: string): Producer;
  close(): Promise<void>;
}
