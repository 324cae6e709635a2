/**
 * Produces batches with sequence numbers: one batch per partition, each with the same numbers at every try, so that the
 * broker appends it once. What a lost producer identity means is decided by those who use this, since it differs within
 * and outside of transactions.
 */
import type { KafkaCluster, KafkaNode } from './kafka-client';
import { leaderIdOf } from './kafka-connections';
import { errorType } from './kafka-errors';
import type { PlacedRecord } from './record-batcher';
import type { ProducedMessage } from './wire/produce-request';
import type { RecordTimes } from './wire/record-times';

export interface PartitionBatch {
  readonly topic: string;
  readonly partition: number;
  readonly messages: ProducedMessage[];
  /** Offset of the first message; null until it is acknowledged. */
  baseOffset: number | null;
  /** How often Kafka has refused its times. */
  timeRefusals: number;
}

export interface ProducerIdentity {
  readonly producerId: string;
  readonly producerEpoch: number;
  /** Where the records belong to a transaction. */
  readonly transactionalId?: string;
  /** Partitions join the transaction with the records, and were not added to it before. */
  readonly joins?: boolean;
}

const maxSequence = 0x7fffffff;

export class SequencedProduce {
  /** Next sequence number, by topic and partition. */
  private readonly sequences = new Map<string, number>();

  constructor(
    private readonly times: RecordTimes,
    private readonly requestTimeoutMs: number,
  ) {}

  /** For a fresh identity: all sequences begin at 0. */
  reset(): void {
    this.sequences.clear();
  }

  /** True when an identity has no numbers left for these. */
  exhausted(batches: readonly PartitionBatch[]): boolean {
    return batches.some(
      ({ topic, partition, messages }) =>
        (this.sequences.get(keyOf(topic, partition)) ?? 0) > maxSequence - messages.length,
    );
  }

  /** Sends what is not acknowledged yet, to all leaders at once. Throws the first error when all have answered. */
  async attempt(
    cluster: KafkaCluster,
    batches: readonly PartitionBatch[],
    identity: ProducerIdentity | (() => Promise<ProducerIdentity>),
  ): Promise<void> {
    const pending = batches.filter(({ baseOffset }) => baseOffset === null);
    const byNode = new Map<number, PartitionBatch[]>();
    for (const batch of pending) {
      const nodeId = leaderIdOf(cluster, batch.topic, batch.partition);
      const ofNode = byNode.get(nodeId);
      if (ofNode) ofNode.push(batch);
      else byNode.set(nodeId, [batch]);
    }
    const producer = typeof identity === 'function' ? await identity() : identity;
    const results = await Promise.allSettled(
      [...byNode].map(async ([nodeId, ofNode]) => this.produce(await cluster.findBroker({ nodeId }), ofNode, producer)),
    );
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  /** Kafka has refused the times of some batches, and kept nothing of them: false when no other time helps. */
  correctTimes(batches: readonly PartitionBatch[]): boolean {
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
      timeout: this.requestTimeoutMs,
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
}

function keyOf(topic: string, partition: number): string {
  return `${partition}/${topic}`;
}

/** One batch per partition, and where each record is in them. */
export function batchesOf(records: readonly PlacedRecord[]) {
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
