/**
 * Long polls for a set of partitions, for as long as they are wanted: one loop per broker node, each with one request out.
 * It comes back by itself after outages and changes of leaders; only what cannot be mended ends it.
 */
import { type Clock, sleep } from '../../ports/clock';
import type { Log } from '../../telemetry/log';
import { type FetchedRecords, fetchedRecords } from './fetched-records';
import { type FetchedPartitionData, type KafkaCluster, readCommitted } from './kafka-client';
import { errorKind, givenUp, outOfRange } from './kafka-errors';
import { backoffMs, type KafkaSession, leaderIdOf } from './kafka-session';
import { listOffset } from './partition-reader';

/** One partition being read. */
export interface FetchCursor {
  readonly topic: string;
  readonly partition: number;
  /** Next offset to fetch; null while nothing is wanted. */
  wanted(): number | null;
  /** What was fetched from offset `from` on. To be dropped when `wanted()` has moved elsewhere meanwhile. */
  take(from: number, fetched: FetchedRecords): void;
}

const longWaitMs = 500;
/** While some partitions are not asked for, because they are full or not started: they must not wait for the others. */
const shortWaitMs = 15;
const partitionBytes = 1_048_576;
const responseBytes = 8 * partitionBytes;

export class FetchLoop {
  private stopped = false;
  private readonly sleepers = new Set<() => void>();
  /** Gave nothing though something was there: asked alone the next time. */
  private readonly starved = new Set<FetchCursor>();
  private readonly topics: readonly string[];
  private running: Promise<void> = Promise.resolve();

  constructor(
    private readonly session: KafkaSession,
    private readonly cursors: readonly FetchCursor[],
    private readonly environment: {
      clock: Clock;
      log: Log;
      /** Least time from one fetch with records to the next. */
      lingerMs: number;
      onFailed: (error: Error) => void;
    },
  ) {
    this.topics = [...new Set(cursors.map(({ topic }) => topic))];
  }

  start(): void {
    this.running = this.run();
  }

  /** Something has become wanted. */
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
    await Promise.all([this.session.close(), this.running]);
  }

  private async run(): Promise<void> {
    for (let failures = 0; !this.stopped; ) {
      try {
        const cluster = await this.session.cluster(this.topics);
        const succeeded = (): void => {
          failures = 0;
          this.session.answered();
        };
        const round = { over: false, succeeded };
        await Promise.all(
          [...this.byNode(cluster)].map(([nodeId, cursors]) => this.poll(cluster, nodeId, cursors, round)),
        );
      } catch (error) {
        if (this.stopped) return;
        const waitMs = outOfRange(error) ? 0 : backoffMs(failures++);
        await this.recover(error);
        if (!this.stopped && waitMs > 0) await sleep(this.environment.clock, waitMs);
      }
    }
  }

  private byNode(cluster: KafkaCluster): Map<number, FetchCursor[]> {
    const byNode = new Map<number, FetchCursor[]>();
    for (const cursor of this.cursors) {
      const nodeId = leaderIdOf(cluster, cursor.topic, cursor.partition);
      const cursors = byNode.get(nodeId);
      if (cursors) cursors.push(cursor);
      else byNode.set(nodeId, [cursor]);
    }
    return byNode;
  }

  /** Asks one node again and again, until something fails here or at another node. */
  private async poll(
    cluster: KafkaCluster,
    nodeId: number,
    cursors: readonly FetchCursor[],
    round: { over: boolean; succeeded: () => void },
  ): Promise<void> {
    try {
      while (!this.stopped && !round.over) {
        const asked = this.wantedOf(cursors);
        if (asked.size === 0) {
          await new Promise<void>((resolve) => this.sleepers.add(resolve));
          continue;
        }
        const node = await cluster.findBroker({ nodeId });
        const { responses } = await node.fetch({
          maxWaitTime: asked.size === cursors.length ? longWaitMs : shortWaitMs,
          minBytes: 1,
          maxBytes: responseBytes,
          isolationLevel: readCommitted,
          topics: requestOf(asked),
        });
        round.succeeded();
        if (this.stopped) return;
        this.handOver(asked, responses);
        const { clock, lingerMs } = this.environment;
        if (lingerMs > 0 && fewRecords(responses)) await sleep(clock, lingerMs);
      }
    } finally {
      round.over = true;
      this.wake();
    }
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

  private handOver(
    asked: ReadonlyMap<FetchCursor, number>,
    responses: Awaited<ReturnType<Awaited<ReturnType<KafkaCluster['findBroker']>>['fetch']>>['responses'],
  ): void {
    const alone = asked.size === 1;
    for (const { topicName, partitions } of responses) {
      for (const data of partitions) {
        for (const [cursor, from] of asked) {
          if (cursor.topic !== topicName || cursor.partition !== data.partition) continue;
          const fetched = fetchedRecords(topicName, data, from);
          const nothing = fetched.next === from && from < fetched.end;
          // Asked alone, a partition that has anything gives at least one batch: what is left is nothing but gaps.
          const beyondGap = nothing && alone;
          if (nothing && !alone) this.starved.add(cursor);
          else this.starved.delete(cursor);
          cursor.take(from, beyondGap ? { ...fetched, next: fetched.end } : fetched);
        }
      }
    }
  }

  private async recover(error: unknown): Promise<void> {
    const lost = outOfRange(error);
    if (lost) {
      await this.reposition(lost).catch(() => {});
      return;
    }
    if (errorKind(error) === 'fatal') {
      this.stopped = true;
      this.environment.onFailed(givenUp(`reading ${this.topics.join(', ')}`, error));
      return;
    }
    await this.session.mend(error, this.topics);
  }

  /** Retention was faster than the reader, or the log is shorter than it was: on with what there is. */
  private async reposition(lost: { topic: string; partition: number }): Promise<void> {
    const cursor = this.cursors.find(({ topic, partition }) => topic === lost.topic && partition === lost.partition);
    const from = cursor?.wanted() ?? null;
    if (!cursor || from === null) return;
    const cluster = await this.session.cluster(this.topics);
    const [earliest, end] = await Promise.all([listOffset(cluster, lost, -2), listOffset(cluster, lost, -1)]);
    if (from >= earliest && from <= end) return;
    const next = from < earliest ? earliest : end;
    this.environment.log.warn('records are gone before they were read', { ...lost, from, next });
    cursor.take(from, { records: [], next, end });
  }
}

/** Below this a fetch is small, and waiting for more is worth it. */
const manyRecords = 200;

function fewRecords(responses: readonly { readonly partitions: readonly FetchedPartitionData[] }[]): boolean {
  let records = 0;
  for (const { partitions } of responses) for (const { messages } of partitions) records += messages.length;
  return records > 0 && records < manyRecords;
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
