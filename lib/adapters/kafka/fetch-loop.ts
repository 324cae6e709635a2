/**
 * Long polls for a set of partitions, for as long as they are wanted: one loop per leading node, each with one request out
 * and troubles of its own. It comes back by itself after outages and changes of leaders; only what cannot be mended ends it.
 */
import { type Clock, sleep } from '../../ports/clock';
import type { Log } from '../../telemetry/log';
import { type KafkaCluster, readCommitted } from './kafka-client';
import { backoffMs, type KafkaConnections } from './kafka-connections';
import { errorKind, givenUp, isOutOfRange, rootError, withoutLeader } from './kafka-errors';
import { earliestTime, latestTime, listOffset } from './offset-questions';
import { answersOfGap } from './partition-reader';
import type { PassedOver } from './passed-over';
import { RequestPace } from './request-pace';
import type { FetchedPartitionData } from './wire/fetched-data';
import { type FetchedRecords, fetchedRecords } from './wire/fetched-records';

/** One partition being read. */
export interface FetchCursor {
  readonly topic: string;
  readonly partition: number;
  /** Next offset to fetch; null while nothing is wanted. */
  wanted(): number | null;
  /** Whether nobody polls it: others are waited for as if it were not there. */
  readonly leftOut?: boolean;
  /** What was fetched from offset `from` on. To be dropped when `wanted()` has moved elsewhere meanwhile. */
  take(from: number, fetched: FetchedRecords): void;
}

/** What has nothing to tell is asked again so soon: idle polls of a dozen tables and topics a process add up. */
const longWaitMs = 2_500;
/** The same where some partitions are left out: whoever polls them for the first time must not wait for the others. */
const wakefulWaitMs = 500;
/**
 * A fetch costs this process and the broker as much whether it brings one record or thirty: what may come later comes at most so
 * often, however short the hint is that suits a log inside the process.
 */
const leastLingerMs = 100;
/** While some partitions are not asked for, because they are full or will be polled soon: they must not wait for the others. */
const shortWaitMs = 15;
const partitionBytes = 1_048_576;
const responseBytes = 8 * partitionBytes;
/** A partition that cannot be read for so long is told of. */
const patienceMs = 5_000;
/** Who leads a partition is not known. */
const nobody = -1;

/** Since when a partition cannot be read. */
interface Trouble {
  readonly sinceMs: number;
  told: boolean;
}

export class FetchLoop {
  private stopped = false;
  private readonly sleepers = new Set<() => void>();
  /** Partitions that gave nothing although they hold more: the next request asks for such a one alone, so that others cannot use up the answer. */
  private readonly starved = new Set<FetchCursor>();
  /** How many requests in a row a partition was asked alone, held more and gave nothing. */
  private readonly emptyAlone = new Map<FetchCursor, number>();
  private readonly troubles = new Map<FetchCursor, Trouble>();
  /** Asked for offsets beyond the end of its log, once: a new leader may not know yet how long it is. */
  private readonly beyondEnd = new Set<FetchCursor>();
  private readonly topics: readonly string[];
  /** Loops by the node that they ask. */
  private readonly polling = new Map<number, Promise<void>>();
  private readonly leaders = new Map<FetchCursor, number>();
  private readonly pace: RequestPace;

  constructor(
    private readonly connections: KafkaConnections,
    private readonly cursors: readonly FetchCursor[],
    private readonly environment: {
      clock: Clock;
      log: Log;
      passedOver: PassedOver;
      /** Least time from one fetch with records to the next; `wake` ends it. */
      lingerMs: number | (() => number);
      /** Where that is 0: the same while many records come (`RequestPace`). Default 0. */
      maxGapMs?: number;
      onFailed: (error: Error) => void;
    },
  ) {
    this.topics = [...new Set(cursors.map(({ topic }) => topic))];
    this.pace = new RequestPace(environment.clock, environment.maxGapMs ?? 0);
  }

  start(): void {
    for (const cursor of this.cursors) this.leaders.set(cursor, nobody);
    this.pollLeaders();
  }

  /** Something has become wanted, or is wanted at once. */
  wake(): void {
    for (const wake of this.sleepers) wake();
    this.sleepers.clear();
  }

  /** Nothing is handed over after this; the connections close in the background. */
  stop(): void {
    this.stopped = true;
    this.wake();
  }

  /** Resolves when the last request is over and the connections are closed. */
  async ended(): Promise<void> {
    // A long poll has nothing to say any more.
    const closed = this.connections.abandon();
    while (this.polling.size > 0) await Promise.all(this.polling.values());
    await closed;
  }

  /** Takes over who leads what, and starts a loop for every node that leads something and has none. */
  private place(): void {
    for (const cursor of this.cursors) {
      this.leaders.set(cursor, this.connections.knownLeader(cursor.topic, cursor.partition) ?? nobody);
    }
    this.pollLeaders();
  }

  private pollLeaders(): void {
    if (this.stopped) return;
    for (const nodeId of new Set(this.leaders.values())) {
      if (this.polling.has(nodeId)) continue;
      // A loop whose node leads nothing any more has ended by the time it is looked for here, or goes on.
      const ended = this.poll(nodeId).finally(() => {
        this.polling.delete(nodeId);
        if (this.ledBy(nodeId).length > 0) this.pollLeaders();
      });
      this.polling.set(nodeId, ended);
    }
    this.wake();
  }

  private ledBy(nodeId: number): FetchCursor[] {
    return this.cursors.filter((cursor) => this.leaders.get(cursor) === nodeId);
  }

  /** Asks one node again and again for what it leads, until it leads nothing any more. */
  private async poll(nodeId: number): Promise<void> {
    for (let failures = 0; !this.stopped; ) {
      const cursors = this.ledBy(nodeId);
      if (cursors.length === 0) return;
      let failed: unknown = null;
      try {
        const cluster = await this.connections.cluster(this.topics);
        if (this.stopped) return;
        // Without a leader there is nobody to ask: metadata are asked for until there is one.
        if (nodeId === nobody) await this.findLeaders(cluster, cursors);
        else failed = await this.ask(cluster, nodeId, cursors);
        if (failed === null) failures = 0;
      } catch (error) {
        failed = error;
        this.troubled(cursors, error);
      }
      if (failed === null || this.stopped) continue;
      if (errorKind(failed) === 'fatal') {
        this.giveUp(failed);
        return;
      }
      await this.connections.mend(failed, this.topics);
      if (this.stopped) return;
      this.place();
      await sleep(this.environment.clock, backoffMs(failures++));
    }
  }

  private async findLeaders(cluster: KafkaCluster, cursors: readonly FetchCursor[]): Promise<void> {
    this.place();
    const lost = cursors.find((cursor) => this.leaders.get(cursor) === nobody);
    if (!lost) return;
    const { topic, partition } = lost;
    const exists = cluster.findTopicPartitionMetadata(topic).some(({ partitionId }) => partitionId === partition);
    throw withoutLeader(topic, partition, exists);
  }

  /** One request. Resolves with an error of some partition that needs mending, or null. */
  private async ask(cluster: KafkaCluster, nodeId: number, cursors: readonly FetchCursor[]): Promise<unknown> {
    const asked = this.wantedOf(cursors);
    if (asked.size === 0) {
      await new Promise<void>((resolve) => this.sleepers.add(resolve));
      return null;
    }
    const node = await cluster.findBroker({ nodeId });
    const { responses } = await node.fetch({
      maxWaitTime: waitMsOf(cursors, asked),
      minBytes: 1,
      maxBytes: responseBytes,
      isolationLevel: readCommitted,
      topics: requestOf(asked),
    });
    if (this.stopped) return null;
    const failed = await this.handOver(cluster, asked, responses);
    const records = recordsIn(responses);
    this.pace.count(records);
    if (failed === null && records > 0 && records < manyRecords) await this.linger(records);
    return failed;
  }

  /** After an answer with so many records. */
  private async linger(records: number): Promise<void> {
    const { clock, lingerMs: hint } = this.environment;
    const hintMs = typeof hint === 'number' ? hint : hint();
    const lingerMs = hintMs > 0 ? Math.max(leastLingerMs, hintMs) : this.pace.gapMs(records);
    if (lingerMs === 0 || this.stopped) return;
    await new Promise<void>((resolve) => {
      const cancel = clock.setTimer(lingerMs, () => {
        this.sleepers.delete(woken);
        resolve();
      });
      const woken = (): void => {
        cancel();
        resolve();
      };
      this.sleepers.add(woken);
    });
  }

  private wantedOf(cursors: readonly FetchCursor[]): Map<FetchCursor, number> {
    const asked = new Map<FetchCursor, number>();
    for (const cursor of cursors) {
      const from = cursor.wanted();
      if (from === null) continue;
      if (this.starved.has(cursor)) return new Map([[cursor, from]]);
      asked.set(cursor, from);
    }
    return asked;
  }

  /** Partitions that are absent from the answer are those of a client that is slowed down: they are asked for again. */
  private async handOver(
    cluster: KafkaCluster,
    asked: ReadonlyMap<FetchCursor, number>,
    responses: readonly { readonly topicName: string; readonly partitions: readonly FetchedPartitionData[] }[],
  ): Promise<unknown> {
    const alone = asked.size === 1;
    let failed: unknown = null;
    for (const { topicName, partitions } of responses) {
      for (const data of partitions) {
        for (const [cursor, from] of asked) {
          if (cursor.topic !== topicName || cursor.partition !== data.partition) continue;
          if (data.error) failed = (await this.partitionFailed(cluster, cursor, from, data.error)) ?? failed;
          else this.take(cursor, from, data, alone);
        }
      }
    }
    return failed;
  }

  private take(cursor: FetchCursor, from: number, data: FetchedPartitionData, alone: boolean): void {
    this.recovered(cursor);
    const fetched = fetchedRecords(cursor.topic, data, from);
    const nothing = fetched.next === from && from < fetched.end;
    // Asked alone, a partition that has anything gives at least one batch: what is left is nothing but gaps. A node that
    // fetches old records from elsewhere may answer empty for a moment, so it is asked more than once.
    const emptyAnswers = nothing && alone ? (this.emptyAlone.get(cursor) ?? 0) + 1 : 0;
    const beyondGap = emptyAnswers >= answersOfGap;
    if (emptyAnswers > 0 && !beyondGap) this.emptyAlone.set(cursor, emptyAnswers);
    else this.emptyAlone.delete(cursor);
    if (nothing && !beyondGap) this.starved.add(cursor);
    else this.starved.delete(cursor);
    if (fetched.unreadable.length > 0 && cursor.wanted() === from) {
      this.environment.passedOver.unreadable(cursor, fetched.unreadable);
    }
    if (beyondGap && cursor.wanted() === from) this.environment.passedOver.gap(cursor, from, fetched.end);
    cursor.take(from, beyondGap ? { ...fetched, next: fetched.end } : fetched);
  }

  /** Resolves with what needs mending, or null when the cursor can go on. */
  private async partitionFailed(
    cluster: KafkaCluster,
    cursor: FetchCursor,
    from: number,
    error: Error,
  ): Promise<unknown> {
    // Asked alone, it would hold up the others for as long as it fails.
    this.starved.delete(cursor);
    if (isOutOfRange(error) && (await this.reposition(cluster, cursor, from))) return null;
    this.troubled([cursor], error);
    // Perhaps a new leader does not know yet how long its log is.
    return isOutOfRange(error) ? withoutLeader(cursor.topic, cursor.partition, true) : error;
  }

  /** Retention was faster than the reader, or the log is shorter than it was. False to look again. */
  private async reposition(cluster: KafkaCluster, cursor: FetchCursor, from: number): Promise<boolean> {
    const { passedOver } = this.environment;
    const [earliest, end] = await Promise.all([
      listOffset(cluster, cursor, earliestTime),
      listOffset(cluster, cursor, latestTime),
    ]);
    if (cursor.wanted() !== from || (from >= earliest && from <= end)) return true;
    if (from > end && !this.beyondEnd.has(cursor)) {
      this.beyondEnd.add(cursor);
      return false;
    }
    this.beyondEnd.delete(cursor);
    if (from < earliest) passedOver.gone(cursor, from, earliest);
    else passedOver.shorter(cursor, from, earliest, end);
    cursor.take(from, { records: [], next: earliest, end, unreadable: [] });
    return true;
  }

  private troubled(cursors: readonly FetchCursor[], error: unknown): void {
    const nowMs = this.environment.clock.monotonicMs();
    for (const cursor of cursors) {
      const trouble = this.troubles.get(cursor) ?? { sinceMs: nowMs, told: false };
      this.troubles.set(cursor, trouble);
      if (trouble.told || nowMs - trouble.sinceMs < patienceMs) continue;
      trouble.told = true;
      const { topic, partition } = cursor;
      const reason = rootError(error).message;
      this.environment.log.warn('a partition cannot be read; trying again until it can', { topic, partition, reason });
    }
  }

  private recovered(cursor: FetchCursor): void {
    const trouble = this.troubles.get(cursor);
    this.beyondEnd.delete(cursor);
    if (!trouble) return;
    this.troubles.delete(cursor);
    if (!trouble.told) return;
    const afterMs = Math.round(this.environment.clock.monotonicMs() - trouble.sinceMs);
    this.environment.log.info('the partition can be read again', {
      topic: cursor.topic,
      partition: cursor.partition,
      afterMs,
    });
  }

  private giveUp(error: unknown): void {
    if (this.stopped) return;
    this.stop();
    this.environment.onFailed(givenUp(`reading ${this.topics.join(', ')}`, error));
  }
}

/** Below this a fetch is small, and waiting for more is worth it. */
const manyRecords = 200;

function recordsIn(responses: readonly { readonly partitions: readonly FetchedPartitionData[] }[]): number {
  let records = 0;
  for (const { partitions } of responses) for (const { messages } of partitions) records += messages.length;
  return records;
}

function waitMsOf(cursors: readonly FetchCursor[], asked: ReadonlyMap<FetchCursor, number>): number {
  if (asked.size === cursors.length) return longWaitMs;
  return cursors.every((cursor) => asked.has(cursor) || cursor.leftOut) ? wakefulWaitMs : shortWaitMs;
}

function requestOf(asked: ReadonlyMap<FetchCursor, number>) {
  const topics = new Map<string, { partition: number; fetchOffset: string; maxBytes: number }[]>();
  for (const [{ topic, partition }, from] of asked) {
    const entry = { partition, fetchOffset: String(from), maxBytes: partitionBytes };
    const partitions = topics.get(topic);
    if (partitions) partitions.push(entry);
    else topics.set(topic, [entry]);
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions }));
}
