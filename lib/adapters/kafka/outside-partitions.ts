/**
 * Partitions that somebody has added to a topic beyond the number agreed: nobody works on them, since a key there would be
 * away from its state. The member that owns partition `n` reads those whose number is `n` modulo the number agreed, sends
 * every record on to the partition of its key, and commits its position as the group's. What is there may be sent on
 * twice, as anything may.
 */
import type { LogRecord, OutgoingRecord, TopicPartition } from '../../ports/broker';
import { TransientError } from '../../ports/broker';
import { type Clock, sleep } from '../../ports/clock';
import type { Log } from '../../telemetry/log';
import type { Metrics } from '../../telemetry/metrics';
import { partitionOf } from '../../topics/partition-of';
import { type FetchCursor, FetchLoop } from './fetch-loop';
import { backoffMs, type KafkaConnections } from './kafka-connections';
import type { PassedOver } from './passed-over';
import type { FetchedRecords } from './wire/fetched-records';

/** A topic that grows is noticed within so long. */
const lookEveryMs = 10_000;
/** After so many tries, some three seconds, a forward that fails is told of, once. */
const triesInSilence = 6;

export interface OutsideEnvironment {
  readonly group: string;
  readonly topics: readonly string[];
  /** Partitions that the group works on, of every topic. */
  readonly agreed: number;
  /** Those of them that this member owns. */
  readonly owned: readonly number[];
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly passedOver: PassedOver;
  readonly openConnections: () => KafkaConnections;
  isLive(): boolean;
  /** How many partitions the topics have by now. */
  actualPartitions(topics: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Where to read on: the committed position, or the first record. */
  startOf(of: TopicPartition): Promise<number>;
  send(records: readonly OutgoingRecord[]): Promise<void>;
  commit(of: TopicPartition, position: number): Promise<void>;
}

export class OutsidePartitions {
  private readonly loops = new Set<FetchLoop>();
  private readonly read = new Set<string>();
  private readonly forwarding = new Set<Promise<void>>();
  private cancelTimer = (): void => {};
  private looking: Promise<void> | null = null;

  constructor(private readonly environment: OutsideEnvironment) {}

  start(): void {
    this.looking = this.look();
  }

  stop(): void {
    this.cancelTimer();
    for (const loop of this.loops) loop.stop();
  }

  async ended(): Promise<void> {
    await this.looking;
    await Promise.all([...this.loops].map((loop) => loop.ended()));
    await Promise.all(this.forwarding);
  }

  /** Looks for partitions that were added since, now and then. Never rejects. */
  private async look(): Promise<void> {
    const { environment } = this;
    const { clock, log, group } = environment;
    try {
      await this.readNew();
    } catch (error) {
      log.debug('could not look for added partitions, trying again later', { group, reason: (error as Error).message });
    }
    if (!environment.isLive()) return;
    this.cancelTimer = clock.setTimer(lookEveryMs, () => {
      this.looking = this.look();
    });
  }

  private async readNew(): Promise<void> {
    const { topics, agreed, owned, actualPartitions, clock, log, passedOver, openConnections } = this.environment;
    const actual = await actualPartitions(topics);
    const cursors: OutsideCursor[] = [];
    for (const topic of topics) {
      for (let partition = agreed; partition < (actual.get(topic) ?? 0); partition++) {
        const place = `${partition}/${topic}`;
        if (!owned.includes(partition % agreed) || this.read.has(place)) continue;
        const from = await this.environment.startOf({ topic, partition });
        cursors.push(new OutsideCursor(topic, partition, from, (cursor, fetched) => this.forward(cursor, fetched)));
      }
    }
    if (cursors.length === 0 || !this.environment.isLive()) return;
    const loop = new FetchLoop(openConnections(), cursors, {
      clock,
      log,
      passedOver,
      lingerMs: 0,
      // The partitions agreed must not suffer for it.
      onFailed: (error) => log.error('records outside the agreed partitions are no longer forwarded', { error }),
    });
    for (const cursor of cursors) {
      // Only now: where one of them could not be asked for, all are looked for again.
      this.read.add(`${cursor.partition}/${cursor.topic}`);
      cursor.wake = () => loop.wake();
    }
    this.loops.add(loop);
    loop.start();
  }

  private forward(cursor: OutsideCursor, { records, next }: FetchedRecords): void {
    const forwarding = this.forwardAll(cursor, records, next).finally(() => this.forwarding.delete(forwarding));
    this.forwarding.add(forwarding);
  }

  private async forwardAll(cursor: OutsideCursor, records: readonly LogRecord[], next: number): Promise<void> {
    const { environment } = this;
    const { group, metrics, clock, log } = environment;
    const { topic, partition } = cursor;
    let sent = false;
    for (let tries = 0; environment.isLive(); tries++) {
      try {
        // Once is enough: where only the position could not be committed, the records are there already.
        if (!sent) await this.sendOn(cursor, records);
        sent = true;
        await environment.commit(cursor, next);
        metrics.count('quantum_router_forwarded_total', { service: group, topic: cursor.topic }, records.length);
        cursor.forwarded();
        return;
      } catch (error) {
        const reason = (error as Error).message;
        const say = tries === triesInSilence && environment.isLive() ? log.warn : log.debug;
        say('records outside the agreed partitions cannot be forwarded; trying again until they can', {
          group,
          topic,
          partition,
          reason,
        });
        await sleep(clock, backoffMs(tries));
      }
    }
  }

  /** All together; where one of them is refused for good, each for itself, and that one is put aside. */
  private async sendOn(cursor: OutsideCursor, records: readonly LogRecord[]): Promise<void> {
    const { agreed, send, passedOver, isLive } = this.environment;
    const placed = records.map((record) => sentOn(record, agreed));
    try {
      await send(placed);
      return;
    } catch (error) {
      if (error instanceof TransientError || !isLive()) throw error;
    }
    for (const [i, record] of placed.entries()) {
      try {
        await send([record]);
      } catch (error) {
        if (error instanceof TransientError || !isLive()) throw error;
        const { offset } = records[i]!;
        passedOver.unreadable(cursor, [{ firstOffset: offset, lastOffset: offset, reason: (error as Error).message }]);
      }
    }
  }
}

/** The same record where its key belongs; without a key, where its partition is counted to. */
function sentOn(record: LogRecord, agreed: number): OutgoingRecord {
  const { topic, key, value, headers, timestampMs, partition } = record;
  const home = key === null ? partition % agreed : partitionOf(key, agreed);
  return { topic, partition: home, key, value, headers, timestampMs };
}

class OutsideCursor implements FetchCursor {
  wake = (): void => {};
  private busy = false;

  constructor(
    readonly topic: string,
    readonly partition: number,
    private next: number,
    private readonly onFetched: (cursor: OutsideCursor, fetched: FetchedRecords) => void,
  ) {}

  wanted(): number | null {
    return this.busy ? null : this.next;
  }

  take(from: number, fetched: FetchedRecords): void {
    if (this.busy || from !== this.next || fetched.next === from) return;
    this.next = fetched.next;
    if (fetched.records.length === 0) return;
    this.busy = true;
    this.onFetched(this, fetched);
  }

  forwarded(): void {
    this.busy = false;
    this.wake();
  }
}
