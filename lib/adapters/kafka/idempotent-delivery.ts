/**
 * Delivers one batch at a time as an idempotent producer: a try again carries the same sequence numbers, so the broker
 * appends it once. kafkajs's producer forgets that when it gives up, and the broker then takes the next batch for the lost
 * one and acknowledges it without keeping it; here every giving up ends in a fresh producer id.
 */
import { type Clock, sleep } from '../../ports/clock';
import type { KafkaCluster } from './kafka-client';
import { backoffMs, type KafkaConnections, leaderOf } from './kafka-connections';
import { errorKind, errorType, givenUp } from './kafka-errors';
import type { PlacedRecord } from './record-batcher';
import { batchesOf, type PartitionBatch, type ProducerIdentity, SequencedProduce } from './sequenced-produce';
import type { RecordTimes } from './wire/record-times';

/** The broker has lost track of the producer, or never knew it: only a fresh id helps. */
const unknownProducerTypes = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
  'DUPLICATE_SEQUENCE_NUMBER',
]);
/** A starting broker may not know its topics for a moment; later they are gone. */
const unknownTopicMs = 5_000;

export class IdempotentDelivery {
  private producer: ProducerIdentity | null = null;
  private timeoutMs: number;
  private readonly produce: SequencedProduce;

  constructor(
    private readonly connections: KafkaConnections,
    private readonly clock: Clock,
    times: RecordTimes,
    limits: { readonly deliveryTimeoutMs: number; readonly requestTimeoutMs: number },
  ) {
    this.timeoutMs = limits.deliveryTimeoutMs;
    this.produce = new SequencedProduce(times, limits.requestTimeoutMs);
  }

  /** From now on a delivery, also one in progress, is given up after so long: whoever closes cannot wait out an outage. */
  hurry(timeoutMs: number): void {
    this.timeoutMs = Math.min(this.timeoutMs, timeoutMs);
  }

  /** Must not be called before the call before it is settled. */
  async deliver(records: readonly PlacedRecord[]): Promise<readonly number[]> {
    const { batches, placeOf } = batchesOf(records);
    const topics = [...new Set(batches.map(({ topic }) => topic))];
    const startedMs = this.clock.monotonicMs();
    for (let tries = 0; ; tries++) {
      try {
        const cluster = await this.connections.cluster(topics);
        await this.produce.attempt(cluster, batches, () => this.identity(cluster, batches));
        return placeOf.map(({ batch, index }) => batch.baseOffset! + index);
      } catch (error) {
        const type = errorType(error);
        if (type === 'INVALID_TIMESTAMP' && this.produce.correctTimes(batches)) continue;
        const unknownProducer = type !== null && unknownProducerTypes.has(type);
        const late = this.clock.monotonicMs() - startedMs > this.timeoutMs;
        // What was sent may have been appended or not: these numbers must never be used again.
        if (unknownProducer) this.producer = null;
        const gone = type === 'UNKNOWN_TOPIC_OR_PARTITION' && this.clock.monotonicMs() - startedMs > unknownTopicMs;
        if (late || gone || (errorKind(error) === 'fatal' && !unknownProducer)) {
          this.producer = null;
          throw givenUp(`sending to ${topics.join(', ')}`, error);
        }
        await this.connections.mend(error, topics);
        await sleep(this.clock, backoffMs(tries));
      }
    }
  }

  /** The producer id in use, or a fresh one with all sequences at 0. */
  private async identity(cluster: KafkaCluster, batches: readonly PartitionBatch[]): Promise<ProducerIdentity> {
    const pending = batches.filter(({ baseOffset }) => baseOffset === null);
    if (this.producer && !this.produce.exhausted(pending)) return this.producer;
    const node = await leaderOf(cluster, pending[0]!.topic, pending[0]!.partition);
    const { producerId, producerEpoch } = await node.initProducerId({ transactionTimeout: 60_000 });
    this.produce.reset();
    this.producer = { producerId, producerEpoch };
    return this.producer;
  }
}
