/** The poll side of one owned partition: what was fetched of each topic waits here until it is asked for. */
import {
  type LogRecord,
  type OutgoingRecord,
  type PartitionConsumer,
  type PartitionWrite,
  StaleEpochError,
} from '../../ports/broker';
import type { Clock } from '../../ports/clock';
import type { FetchCursor } from './fetch-loop';
import type { SentPlace } from './kafka-producer';
import type { FetchedRecords } from './wire/fetched-records';

/** Fetching of a topic pauses while it has so much waiting; a fetch may bring more than that at once. */
const maxBufferedRecords = 1_000;
const maxBufferedBytes = 2_097_152;

/** What a consumer has of the membership that it belongs to, for as long as the member owns the partition. */
export interface ConsumerEpoch {
  readonly group: string;
  readonly topics: readonly string[];
  readonly epoch: number;
  readonly clock: Clock;
  isLive(): boolean;
  /** Something has become fetchable. */
  wakeFetching(): void;
  /** Refuses what has not been sent when the epoch passes. */
  send(records: readonly OutgoingRecord[], refusal: () => Error | null): Promise<readonly SentPlace[]>;
  commit(partition: number, positions: ReadonlyMap<string, number>): Promise<void>;
  /**
   * Records and positions in one transaction; absent where records are sent and positions committed after them. Resolves with one past
   * the last record that was written to `partition`, by topic.
   */
  readonly transact?: (
    partition: number,
    records: readonly OutgoingRecord[],
    positions: ReadonlyMap<string, number>,
  ) => Promise<ReadonlyMap<string, number>>;
}

const noPositions: ReadonlyMap<string, number> = new Map();

interface PendingPoll {
  readonly maxRecords: number;
  readonly cursors: readonly TopicCursor[];
  readonly resolve: (records: readonly LogRecord[]) => void;
  readonly reject: (error: Error) => void;
  readonly cancelTimer: () => void;
}

interface Pausing {
  readonly ended: Promise<void>;
  readonly end: () => void;
}

function pausing(): Pausing {
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return { ended, end };
}

export class KafkaPartitionConsumer implements PartitionConsumer {
  readonly cursors: readonly TopicCursor[];
  private readonly byTopic: ReadonlyMap<string, TopicCursor>;
  private pending: PendingPoll | null = null;
  private delivering = false;
  private stale = false;
  /** Not null while the group rebalances: writes wait for its end. */
  private pausing: Pausing | null = null;
  private readonly underWay = new Set<Promise<void>>();
  /** Which topic is served first, so that none always is. */
  private turn = 0;
  private polled = false;
  /** One past the last record that was written to this partition number, by topic. */
  private readonly ends = new Map<string, number>();

  /** `starts`: by topic, the committed position (null for none) and where to read from. */
  constructor(
    private readonly shared: ConsumerEpoch,
    readonly partition: number,
    private readonly starts: Map<string, { committed: number | null; readonly from: number }>,
  ) {
    this.cursors = shared.topics.map(
      (topic) => new TopicCursor(topic, partition, starts.get(topic)!.from, () => this.deliverSoon()),
    );
    this.byTopic = new Map(this.cursors.map((cursor) => [cursor.topic, cursor]));
  }

  get epoch(): number {
    return this.shared.epoch;
  }

  get ownerEpoch(): number {
    return this.shared.epoch;
  }

  isStale(): boolean {
    return this.stale || !this.shared.isLive();
  }

  becomeStale(): void {
    if (this.stale) return;
    this.stale = true;
    for (const cursor of this.cursors) cursor.stop();
    this.resume();
    const { pending } = this;
    this.pending = null;
    pending?.cancelTimer();
    pending?.reject(this.staleError());
  }

  /** Writes that are asked for from now on wait. Resolves when none is under way. */
  async pause(): Promise<void> {
    this.pausing ??= pausing();
    await Promise.allSettled(this.underWay);
  }

  /** The partition is still owned, or is stale by now: what waits goes on, or is refused. */
  resume(): void {
    this.pausing?.end();
    this.pausing = null;
  }

  async committed(): Promise<ReadonlyMap<string, number | null>> {
    this.refuseStale();
    return new Map(this.cursors.map(({ topic }) => [topic, this.starts.get(topic)!.committed]));
  }

  seek(topic: string, offset: number): void {
    this.refuseStale();
    if (!Number.isSafeInteger(offset) || offset < 0) throw new Error(`cannot seek ${topic} to offset ${offset}`);
    this.cursorOf(topic).seek(offset);
    this.shared.wakeFetching();
  }

  async poll(options: {
    maxRecords: number;
    maxWaitMs: number;
    topics?: readonly string[];
  }): Promise<readonly LogRecord[]> {
    this.refuseStale();
    const { group, clock } = this.shared;
    if (this.pending) throw new Error(`group ${group}: a poll of partition ${this.partition} is outstanding`);
    const cursors = options.topics ? options.topics.map((topic) => this.cursorOf(topic)) : this.cursors;
    const ready = this.collect(cursors, options.maxRecords);
    if (ready.length > 0 || options.maxWaitMs <= 0) return ready;
    return new Promise((resolve, reject) => {
      const cancelTimer = clock.setTimer(options.maxWaitMs, () => this.wake());
      this.pending = { maxRecords: options.maxRecords, cursors, resolve, reject, cancelTimer };
    });
  }

  writtenUpTo(topic: string): number | null {
    return this.ends.get(topic) ?? null;
  }

  wake(): void {
    if (this.pending) this.answer(this.pending, this.collect(this.pending.cursors, this.pending.maxRecords));
  }

  async write(batch: PartitionWrite): Promise<null> {
    this.refuseStale();
    while (this.pausing) await this.pausing.ended;
    const written = this.writeNow(batch);
    this.underWay.add(written);
    try {
      await written;
    } finally {
      this.underWay.delete(written);
    }
    return null;
  }

  private async writeNow({ records, rows = [], positions }: PartitionWrite): Promise<void> {
    this.refuseStale();
    for (const topic of positions?.keys() ?? []) this.cursorOf(topic);
    if (this.shared.transact)
      return this.writeAtOnce(this.shared.transact, [...records, ...rows], positions ?? noPositions);
    // One after the other: they may go to different nodes, and whoever is killed in between must not have said that it was done.
    for (const part of [records, rows]) {
      if (part.length > 0) await this.send(part);
      this.refuseStale();
    }
    if (!positions || positions.size === 0) return;
    try {
      await this.shared.commit(this.partition, positions);
    } catch (error) {
      this.refuseStale();
      throw error;
    }
    for (const [topic, committed] of positions) this.starts.get(topic)!.committed = committed;
  }

  private async send(records: readonly OutgoingRecord[]): Promise<void> {
    const places = await this.shared.send(records, () => (this.isStale() ? this.staleError() : null));
    for (const [at, { partition, offset }] of places.entries())
      if (partition === this.partition) this.movesEnd(records[at]!.topic, offset + 1);
  }

  private movesEnd(topic: string, end: number): void {
    if (end > (this.ends.get(topic) ?? 0)) this.ends.set(topic, end);
  }

  private async writeAtOnce(
    transact: NonNullable<ConsumerEpoch['transact']>,
    records: readonly OutgoingRecord[],
    positions: ReadonlyMap<string, number>,
  ): Promise<void> {
    if (records.length === 0 && positions.size === 0) return;
    for (const [topic, end] of await transact(this.partition, records, positions)) this.movesEnd(topic, end);
    // What is committed is committed, also where the epoch has passed meanwhile.
    for (const [topic, committed] of positions) this.starts.get(topic)!.committed = committed;
  }

  /** After everything of one answer has been handed over, so that a poll gets it all. */
  private deliverSoon(): void {
    if (!this.pending || this.delivering) return;
    this.delivering = true;
    queueMicrotask(() => {
      this.delivering = false;
      const { pending } = this;
      if (!pending) return;
      const records = this.collect(pending.cursors, pending.maxRecords);
      if (records.length > 0) this.answer(pending, records);
    });
  }

  private answer(pending: PendingPoll, records: readonly LogRecord[]): void {
    this.pending = null;
    pending.cancelTimer();
    pending.resolve(records);
  }

  private collect(cursors: readonly TopicCursor[], maxRecords: number): readonly LogRecord[] {
    let fetchable = false;
    for (const cursor of cursors) fetchable = cursor.start() || fetchable;
    // A task whose stages hand a topic on never polls it.
    if (!this.polled) for (const cursor of this.cursors) cursor.leftOut = !cursors.includes(cursor);
    this.polled = true;
    const full = cursors.filter((cursor) => cursor.size > 0);
    let records: readonly LogRecord[] = [];
    if (full.length === 1) records = full[0]!.shift(maxRecords);
    // All there is, up to the limit: a poll that returns less tells its caller that nothing more waits.
    if (full.length > 1 || (full[0] && full[0].size > 0 && records.length < maxRecords)) {
      records = this.share(full, maxRecords, records);
    }
    for (const cursor of full) fetchable = cursor.drained() || fetchable;
    if (fetchable) this.shared.wakeFetching();
    return records;
  }

  /** Equal shares first; what a topic leaves unused goes to the others in the next round. */
  private share(cursors: readonly TopicCursor[], maxRecords: number, before: readonly LogRecord[]): LogRecord[] {
    const records = [...before];
    this.turn++;
    for (let active = cursors; records.length < maxRecords && active.length > 0; ) {
      const share = Math.ceil((maxRecords - records.length) / active.length);
      for (let i = 0; i < active.length && records.length < maxRecords; i++) {
        const cursor = active[(i + this.turn) % active.length]!;
        for (const record of cursor.shift(Math.min(share, maxRecords - records.length))) records.push(record);
      }
      active = active.filter((cursor) => cursor.size > 0);
    }
    return records;
  }

  private cursorOf(topic: string): TopicCursor {
    const cursor = this.byTopic.get(topic);
    if (!cursor) throw new Error(`group ${this.shared.group} does not read topic ${topic}`);
    return cursor;
  }

  private refuseStale(): void {
    if (this.isStale()) throw this.staleError();
  }

  private staleError(): StaleEpochError {
    return new StaleEpochError(this.shared.group, this.partition, this.epoch);
  }
}

/** One topic's records on their way: fetched up to `next`, handed out up to the first that waits. Fetches nothing before the first poll. */
export class TopicCursor implements FetchCursor {
  /** Records waiting. */
  size = 0;
  /** One past the last offset that could be read when it was fetched last. */
  end = 0;
  leftOut = false;
  private chunks: (readonly LogRecord[])[] = [];
  /** Records already taken from the first chunk. */
  private head = 0;
  private bytes = 0;
  private started = false;
  private paused = false;

  constructor(
    readonly topic: string,
    readonly partition: number,
    private next: number,
    private readonly onArrived: () => void,
  ) {}

  wanted(): number | null {
    if (!this.started) return null;
    this.paused = this.size >= maxBufferedRecords || this.bytes >= maxBufferedBytes;
    return this.paused ? null : this.next;
  }

  take(from: number, fetched: FetchedRecords): void {
    const shorter = fetched.next < from;
    this.end = shorter ? fetched.end : Math.max(this.end, fetched.end);
    // Sought elsewhere meanwhile.
    if (from !== this.next || !this.started) return;
    this.next = fetched.next;
    if (fetched.records.length === 0) return;
    this.chunks.push(fetched.records);
    this.size += fetched.records.length;
    for (const { value } of fetched.records) this.bytes += value?.length ?? 0;
    this.onArrived();
  }

  /** Records between what was handed out and the end. */
  get lag(): number {
    return this.started ? Math.max(0, this.end - (this.chunks[0]?.[this.head]?.offset ?? this.next)) : 0;
  }

  seek(offset: number): void {
    this.next = offset;
    this.chunks = [];
    this.head = 0;
    this.size = 0;
    this.bytes = 0;
  }

  /** True when this made it fetchable. */
  start(): boolean {
    if (this.started) return false;
    this.started = true;
    this.leftOut = false;
    return true;
  }

  stop(): void {
    this.started = false;
    this.chunks = [];
  }

  /** True when fetching was paused and may go on. */
  drained(): boolean {
    if (!this.paused || this.size > maxBufferedRecords / 2 || this.bytes > maxBufferedBytes / 2) return false;
    this.paused = false;
    return true;
  }

  shift(maxRecords: number): readonly LogRecord[] {
    const first = this.chunks[0]!;
    // A whole chunk needs no copy.
    const taken =
      this.head === 0 && first.length <= maxRecords
        ? (this.chunks.shift() as readonly LogRecord[])
        : first.slice(this.head, this.head + maxRecords);
    if (taken !== first) {
      this.head += taken.length;
      if (this.head === first.length) {
        this.chunks.shift();
        this.head = 0;
      }
    }
    this.size -= taken.length;
    for (const { value } of taken) this.bytes -= value?.length ?? 0;
    return taken;
  }
}
