/** Follows all partitions of a topic without a group: catches up from where it starts, then hands over what comes, one call at a time. */
import type { Follower, FollowOptions, LogRecord } from '../../ports/broker';
import type { Clock } from '../../ports/clock';
import type { Log } from '../../telemetry/log';
import { type FetchCursor, FetchLoop } from './fetch-loop';
import type { KafkaConnections } from './kafka-connections';
import type { PartitionReader } from './partition-reader';
import type { PassedOver } from './passed-over';
import type { FetchedRecords } from './wire/fetched-records';

/** Fetching pauses while so many records wait for the handler. */
const maxWaitingRecords = 2_000;

export interface FollowEnvironment {
  readonly reader: PartitionReader;
  /** Connections of the follower's own: a long poll holds up everything behind it. */
  readonly openConnections: () => KafkaConnections;
  readonly clock: Clock;
  readonly log: Log;
  readonly passedOver: PassedOver;
}

export interface KafkaFollower extends Follower {
  /** Resolves when the connections are closed; `stop` does not wait for that. */
  ended(): Promise<void>;
}

/** `caughtUp` resolves when everything that was there at the call has been handed over; it rejects when following failed before. */
export async function startFollower(
  options: FollowOptions,
  partitions: readonly number[],
  environment: FollowEnvironment,
): Promise<{ follower: KafkaFollower; caughtUp: Promise<void> }> {
  const ranges = await environment.reader.ranges(options.topic, partitions);
  const following = new Following(options, environment);
  for (const [partition, { earliest, end }] of ranges) {
    following.add(partition, options.startAt === 'earliest' ? earliest : end, end);
  }
  following.start();
  return { follower: following, caughtUp: following.caughtUp };
}

class Following implements KafkaFollower {
  readonly caughtUp: Promise<void>;
  private readonly cursors: FollowCursor[] = [];
  private readonly waiting: { readonly cursor: FollowCursor; readonly fetched: FetchedRecords }[] = [];
  private waitingRecords = 0;
  private loop: FetchLoop | null = null;
  private stopped = false;
  private handling: Promise<void> | null = null;
  private resolveCaughtUp!: () => void;
  private rejectCaughtUp!: (error: Error) => void;

  constructor(
    private readonly options: FollowOptions,
    private readonly environment: FollowEnvironment,
  ) {
    this.caughtUp = new Promise((resolve, reject) => {
      this.resolveCaughtUp = resolve;
      this.rejectCaughtUp = reject;
    });
    this.caughtUp.catch(() => {});
  }

  add(partition: number, from: number, target: number): void {
    this.cursors.push(new FollowCursor(this, this.options.topic, partition, from, target));
  }

  start(): void {
    const { openConnections, clock, log, passedOver } = this.environment;
    this.noteCaughtUp();
    this.loop = new FetchLoop(openConnections(), this.cursors, {
      clock,
      log,
      passedOver,
      lingerMs: this.options.lingerMs ?? 0,
      onFailed: (error) => this.fail(error),
    });
    this.loop.start();
  }

  get full(): boolean {
    return this.waitingRecords >= maxWaitingRecords;
  }

  arrived(cursor: FollowCursor, fetched: FetchedRecords): void {
    this.waiting.push({ cursor, fetched });
    this.waitingRecords += fetched.records.length;
    this.handling ??= this.handle().finally(() => {
      this.handling = null;
    });
  }

  hurry(): void {
    this.loop?.wake();
  }

  /** Waits for the handler's call in progress, not for the connections. */
  async stop(): Promise<void> {
    this.end();
    await this.handling;
  }

  async ended(): Promise<void> {
    await this.loop?.ended();
  }

  private async handle(): Promise<void> {
    for (let next = this.waiting.shift(); next && !this.stopped; next = this.waiting.shift()) {
      const { cursor, fetched } = next;
      try {
        if (fetched.records.length > 0) await this.options.onRecords(fetched.records as readonly LogRecord[]);
      } catch (error) {
        this.fail(error as Error);
        return;
      }
      const wasFull = this.full;
      this.waitingRecords -= fetched.records.length;
      if (wasFull && !this.full) this.loop?.wake();
      cursor.handled = fetched.next;
      this.noteCaughtUp();
    }
  }

  private noteCaughtUp(): void {
    if (this.cursors.every(({ handled, target }) => handled >= target)) this.resolveCaughtUp();
  }

  private fail(error: Error): void {
    if (this.stopped) return;
    this.end();
    this.rejectCaughtUp(error);
    this.options.onFailed(error);
  }

  private end(): void {
    this.stopped = true;
    this.loop?.stop();
    this.rejectCaughtUp(new Error(`following ${this.options.topic} was stopped`));
  }
}

class FollowCursor implements FetchCursor {
  private next: number;
  /** Everything before this offset has been handed over. */
  handled: number;

  constructor(
    private readonly following: Following,
    readonly topic: string,
    readonly partition: number,
    from: number,
    public target: number,
  ) {
    this.next = from;
    this.handled = from;
  }

  wanted(): number | null {
    return this.following.full ? null : this.next;
  }

  take(from: number, fetched: FetchedRecords): void {
    if (from !== this.next || fetched.next === from) return;
    // The log is shorter than it was: what was there at the call is no more.
    if (fetched.next < from) this.target = Math.min(this.target, fetched.end);
    this.next = fetched.next;
    this.following.arrived(this, fetched);
  }
}
