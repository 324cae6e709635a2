/**
 * Delivers one batch at a time as an idempotent producer: a try again carries the same sequence numbers, so the broker
 * appends it once. kafkajs's producer forgets that when it gives up, and the broker then takes the next batch for the lost
 * one and acknowledges it without keeping it; here every giving up ends in a fresh producer id.
 */
import { type Clock, sleep } from '../../ports/clock';
import type { KafkaCluster, KafkaNode, ProducedMessage } from './kafka-client';
import { errorKind, errorType, givenUp } from './kafka-errors';
import { backoffMs, type KafkaSession, leaderIdOf, leaderOf } from './kafka-session';
import type { PlacedRecord } from './record-batcher';
import type { RecordTimes } from './record-times';

interface PartitionBatch {
  readonly topic: string;
  readonly partition: number;
  readonly messages: ProducedMessage[];
  /** Offset of the first message; null until it is acknowledged. */
  baseOffset: number | null;
  /** How often Kafka has refused its times. */
  timeRefusals: number;
}

interface ProducerIdentity {
  readonly producerId: string;
  readonly producerEpoch: number;
}

/** The broker has lost track of the producer, or never knew it: only a fresh id helps. */
const unknownProducerTypes = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
  'DUPLICATE_SEQUENCE_NUMBER',
]);
const maxSequence = 0x7fffffff;
/** A starting broker may not know its topics for a moment; later they are gone. */
const unknownTopicMs = 5_000;

export class IdempotentDelivery {
  private producer: ProducerIdentity | null = null;
  private timeoutMs: number;
  /** Next sequence number, by topic and partition. */
  private readonly sequences = new Map<string, number>();

  constructor(
    private readonly session: KafkaSession,
    private readonly clock: Clock,
    private readonly times: RecordTimes,
    private readonly limits: { readonly deliveryTimeoutMs: number; readonly requestTimeoutMs: number },
  ) {
    this.timeoutMs = limits.deliveryTimeoutMs;
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
        await this.attempt(await this.session.cluster(topics), batches);
        return placeOf.map(({ batch, index }) => batch.baseOffset! + index);
      } catch (error) {
        const type = errorType(error);
        if (type === 'INVALID_TIMESTAMP' && this.correctTimes(batches)) continue;
        const unknownProducer = type !== null && unknownProducerTypes.has(type);
        const late = this.clock.monotonicMs() - startedMs > this.timeoutMs;
        // What was sent may have been appended or not: these numbers must never be used again.
        if (unknownProducer) this.producer = null;
        const gone = type === 'UNKNOWN_TOPIC_OR_PARTITION' && this.clock.monotonicMs() - startedMs > unknownTopicMs;
        if (late || gone || (errorKind(error) === 'fatal' && !unknownProducer)) {
          this.producer = null;
          throw givenUp(`sending to ${topics.join(', ')}`, error);
        }
        await this.session.mend(error, topics);
        await sleep(this.clock, backoffMs(tries));
      }
    }
  }

  /** Sends what is not acknowledged yet, to all leaders at once. Throws the first error when all have answered. */
  private async attempt(cluster: KafkaCluster, batches: readonly PartitionBatch[]): Promise<void> {
    const pending = batches.filter(({ baseOffset }) => baseOffset === null);
    const byNode = new Map<number, PartitionBatch[]>();
    for (const batch of pending) {
      const nodeId = leaderIdOf(cluster, batch.topic, batch.partition);
      const ofNode = byNode.get(nodeId);
      if (ofNode) ofNode.push(batch);
      else byNode.set(nodeId, [batch]);
    }
    const producer = await this.identity(cluster, pending);
    const results = await Promise.allSettled(
      [...byNode].map(async ([nodeId, ofNode]) => this.produce(await cluster.findBroker({ nodeId }), ofNode, producer)),
    );
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  /** Kafka has refused the times of some batches, and kept nothing of them: false when no other time helps. */
  private correctTimes(batches: readonly PartitionBatch[]): boolean {
    for (const batch of batches) {
      if (batch.timeRefusals === 0 || batch.baseOffset !== null) continue;
      const nowMs = this.times.afterRefusal(batch.topic, batch.timeRefusals);
      if (nowMs === null) return false;
      for (const [i, message] of batch.messages.entries()) batch.messages[i] = { ...message, timestamp: nowMs };
    }
    return true;
  }

  private async produce(
    node: KafkaNode,
    batches: readonly PartitionBatch[],
    producer: ProducerIdentity,
  ): Promise<void> {
    const topicData = new Map<
      string,
      { partition: number; firstSequence: number; messages: readonly ProducedMessage[] }[]
    >();
    for (const { topic, partition, messages } of batches) {
      const entry = { partition, firstSequence: this.sequences.get(keyOf(topic, partition)) ?? 0, messages };
      const partitions = topicData.get(topic);
      if (partitions) partitions.push(entry);
      else topicData.set(topic, [entry]);
    }
    const { topics } = await node.produce({
      acks: -1,
      timeout: this.limits.requestTimeoutMs,
      ...producer,
      topicData: [...topicData].map(([topic, partitions]) => ({ topic, partitions })),
    });
    const answers = new Map<string, { readonly baseOffset: string; readonly error?: Error }>();
    for (const { topicName, partitions } of topics) {
      for (const answer of partitions) answers.set(keyOf(topicName, answer.partition), answer);
    }
    let failure: Error | null = null;
    for (const batch of batches) {
      const key = keyOf(batch.topic, batch.partition);
      const answer = answers.get(key);
      if (!answer) throw new Error(`the broker did not answer for ${batch.topic}[${batch.partition}]`);
      if (answer.error) {
        if (errorType(answer.error) === 'INVALID_TIMESTAMP') batch.timeRefusals++;
        failure ??= answer.error;
        continue;
      }
      batch.baseOffset = Number(answer.baseOffset);
      this.sequences.set(key, (this.sequences.get(key) ?? 0) + batch.messages.length);
    }
    if (failure) throw failure;
  }

  /** The producer id in use, or a fresh one with all sequences at 0. */
  private async identity(cluster: KafkaCluster, batches: readonly PartitionBatch[]): Promise<ProducerIdentity> {
    const exhausted = batches.some(
      ({ topic, partition, messages }) =>
        (this.sequences.get(keyOf(topic, partition)) ?? 0) > maxSequence - messages.length,
    );
    if (this.producer && !exhausted) return this.producer;
    const node = await leaderOf(cluster, batches[0]!.topic, batches[0]!.partition);
    const { producerId, producerEpoch } = await node.initProducerId({ transactionTimeout: 60_000 });
    this.sequences.clear();
    this.producer = { producerId, producerEpoch };
    return this.producer;
  }
}

function keyOf(topic: string, partition: number): string {
  return `${partition}/${topic}`;
}

/** One batch per partition, and where each record is in them. */
function batchesOf(records: readonly PlacedRecord[]) {
  const byPartition = new Map<string, PartitionBatch>();
  const placeOf = records.map(({ topic, partition, key, value, headers, timestampMs }) => {
    const id = keyOf(topic, partition);
    let batch = byPartition.get(id);
    if (!batch) {
      batch = { topic, partition, messages: [], baseOffset: null, timeRefusals: 0 };
      byPartition.set(id, batch);
    }
    const index = batch.messages.push({ key, value, timestamp: timestampMs, ...(headers && { headers }) }) - 1;
    return { batch, index };
  });
  return { batches: [...byPartition.values()], placeOf };
}
