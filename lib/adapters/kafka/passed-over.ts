/** Tells what a reader had to pass over: nothing is skipped without a line in the log and a figure. */
import type { TopicPartition } from '../../ports/broker';
import type { Log } from '../../telemetry/log';
import type { Metrics } from '../../telemetry/metrics';
import type { UnreadableBatch } from './wire/fetched-data';

export class PassedOver {
  constructor(
    private readonly log: Log,
    private readonly metrics: Metrics,
  ) {}

  /** Batches that nobody can read: they stay where they are, and everybody reads on behind them. */
  unreadable({ topic, partition }: TopicPartition, batches: readonly UnreadableBatch[]): void {
    for (const { firstOffset, lastOffset, reason } of batches) {
      const records = lastOffset - firstOffset + 1;
      this.metrics.count('quantum_router_kafka_unreadable_records_total', { topic }, records);
      this.log.error('a batch of records cannot be read and is put aside', {
        topic,
        partition,
        firstOffset,
        lastOffset,
        reason,
      });
    }
  }

  /** Retention was faster than the reader. */
  gone({ topic, partition }: TopicPartition, from: number, next: number): void {
    this.metrics.count('quantum_router_kafka_skipped_records_total', { topic, cause: 'retention' }, next - from);
    this.log.warn('records are gone before they were read', { topic, partition, from, next });
  }

  /**
   * Kafka gives nothing although the log goes on: what was there has been compacted away, or lies behind damage that Kafka
   * itself cannot read past.
   */
  gap({ topic, partition }: TopicPartition, from: number, next: number): void {
    this.metrics.count('quantum_router_kafka_skipped_records_total', { topic, cause: 'gap' }, next - from);
    this.log.warn('Kafka gives nothing of these offsets, although the log goes on behind them', {
      topic,
      partition,
      from,
      next,
    });
  }

  /** The log ends before the position: the topic was made anew, or has lost its end. It is read from its start. */
  shorter({ topic, partition }: TopicPartition, from: number, next: number, end: number): void {
    this.metrics.count('quantum_router_kafka_skipped_records_total', { topic, cause: 'shorter_log' }, from - end);
    this.log.error('the log is shorter than it was: the topic was made anew or truncated; reading it from its start', {
      topic,
      partition,
      from,
      next,
      end,
    });
  }
}
