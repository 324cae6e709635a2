/**
 * Reads partitions without a group: offsets, offsets by time, and ranges, with plain fetch requests. Joining a group for
 * each of these would cost a rebalance and leave an orphan group behind (kafkajs has no other way, see its issue 373).
 */
import type { LogRecord, OffsetRange, TopicPartition } from '../../ports/broker';
import { type KafkaCluster, readCommitted } from './kafka-client';
import { type KafkaConnections, leaderOf } from './kafka-connections';
import { isOutOfRange, withoutLeader } from './kafka-errors';
import { earliestTime, latestTime, listOffset, OffsetQuestions } from './offset-questions';
import type { PassedOver } from './passed-over';
import { type FetchedRecords, fetchedRecords } from './wire/fetched-records';

const tryMs = 30_000;
const defaultChunkRecords = 1_000;
const fetchBytes = 2_097_152;
/** What is asked for is there already, so the broker need not wait; only a slow replica makes it. */
const maxWaitMs = 100;

/** So many empty answers in a row, from a node that knows of more, mean that there is nothing but a gap. */
export const answersOfGap = 3;

export class PartitionReader {
  private readonly questions: OffsetQuestions;

  constructor(
    private readonly connections: KafkaConnections,
    private readonly passedOver: PassedOver,
  ) {
    this.questions = new OffsetQuestions(connections);
  }

  /** Rejects when the topic has no such partition. */
  async offsets(of: TopicPartition): Promise<OffsetRange> {
    const { questions } = this;
    const [earliest, end] = await Promise.all([questions.edge(of, earliestTime), questions.edge(of, latestTime)]);
    return { earliest, end };
  }

  /** The ranges of several partitions of one topic, by partition. */
  async ranges(topic: string, partitions: readonly number[]): Promise<Map<number, OffsetRange>> {
    const ranges = await Promise.all(partitions.map((partition) => this.offsets({ topic, partition })));
    return new Map(partitions.map((partition, i) => [partition, ranges[i]!]));
  }

  async offsetAt(of: TopicPartition, timestampMs: number): Promise<number> {
    const offset = await this.questions.at(of, Math.ceil(timestampMs));
    return offset >= 0 ? offset : this.questions.edge(of, latestTime);
  }

  /** Rejects with a TransientError where the log does not come to `range.to` in time. */
  async *read(
    of: TopicPartition,
    range: { from: number; to?: number; maxRecords?: number },
  ): AsyncGenerator<readonly LogRecord[], void, undefined> {
    if (range.to !== undefined && range.from >= range.to) return;
    // An end that was given has been seen. Whoever leads now may not know yet that the log goes so far, so it is not asked again: it
    // is fetched up to there, or not at all.
    const [earliest, stop] = await Promise.all([
      this.questions.edge(of, earliestTime),
      range.to ?? this.questions.edge(of, latestTime),
    ]);
    const from = Math.max(range.from, earliest);
    const maxRecords = range.maxRecords ?? defaultChunkRecords;
    let fetching = from < stop ? this.fetch(of, from, stop) : null;
    try {
      while (fetching) {
        const { records, next } = await fetching;
        // On its way while these are handled.
        fetching = next < stop ? this.fetch(of, next, stop) : null;
        const wanted = (records.at(-1)?.offset ?? 0) < stop ? records : records.filter(({ offset }) => offset < stop);
        if (wanted.length <= maxRecords && wanted.length > 0) yield wanted;
        else for (let i = 0; i < wanted.length; i += maxRecords) yield wanted.slice(i, i + maxRecords);
      }
    } finally {
      // Whoever stops half way must not leave a rejection behind.
      fetching?.catch(() => {});
    }
  }

  /** Something from `from` on, or at least progress: `next` is always higher. */
  private fetch(of: TopicPartition, from: number, stop: number): Promise<FetchedRecords> {
    const { topic, partition } = of;
    const limits = { what: `reading ${topic}[${partition}] at ${from}`, topics: [topic], timeoutMs: tryMs };
    return this.connections.run(limits, async (cluster) => {
      try {
        let fetched = await fetchOne(cluster, of, from);
        for (let asked = 1; asked < answersOfGap && fetched.next === from && fetched.end >= stop; asked++)
          fetched = await fetchOne(cluster, of, from);
        if (fetched.unreadable.length > 0) this.passedOver.unreadable(of, fetched.unreadable);
        if (fetched.next > from) return fetched;
        // A new leader, or one that was away, does not know yet how long its log is: what it leaves out is not gone.
        if (fetched.end < stop) throw withoutLeader(topic, partition, true);
        // Asked alone, a partition that has anything gives at least one batch: nothing more is kept up to the end.
        const next = Math.max(from + 1, Math.min(stop, fetched.end));
        this.passedOver.gap(of, from, next);
        return { ...fetched, next };
      } catch (error) {
        if (!isOutOfRange(error)) throw error;
        const [earliest, end] = await Promise.all([
          listOffset(cluster, of, earliestTime),
          listOffset(cluster, of, latestTime),
        ]);
        // Perhaps a new leader does not know yet how long its log is: it is asked again.
        if (from >= earliest && from <= end) throw withoutLeader(topic, partition, true);
        // Retention was faster than the reader, or the topic was made anew and what was asked for is no more.
        const next = Math.min(stop, earliest > from ? earliest : stop);
        this.passedOver.gone(of, from, next);
        return { records: [], next: Math.max(from + 1, next), end: stop, unreadable: [] };
      }
    });
  }
}

/** Asks until there is an answer for the partition: a client that is slowed down gets answers without any. */
async function fetchOne(cluster: KafkaCluster, of: TopicPartition, from: number): Promise<FetchedRecords> {
  const { topic, partition } = of;
  const node = await leaderOf(cluster, topic, partition);
  for (;;) {
    const { responses } = await node.fetch({
      maxWaitTime: maxWaitMs,
      minBytes: 1,
      maxBytes: fetchBytes,
      isolationLevel: readCommitted,
      topics: [{ topic, partitions: [{ partition, fetchOffset: String(from), maxBytes: fetchBytes }] }],
    });
    const data = responses[0]?.partitions[0];
    if (data?.error) throw data.error;
    if (data) return fetchedRecords(topic, data, from);
  }
}
