/**
 * Writes of one owned partition as Kafka transactions under one transactional id: records and positions become visible together
 * or not at all. The id belongs to group and partition, so that the next owner's first request fences the one before; a write
 * whose outcome cannot be known ends the epoch, since only what is committed tells what has happened.
 */
import { StaleEpochError, TransientError } from '../../ports/broker';
import { type Clock, sleep } from '../../ports/clock';
import { coordinatorIdOf, transactionCoordinatorIdOf } from './group-member';
import type { KafkaCluster, KafkaNode } from './kafka-client';
import { backoffMs, type KafkaConnections } from './kafka-connections';
import { errorKind, errorType, givenUp, isMembershipLost, isTransactionLost } from './kafka-errors';
import { BatchRoom, type PlacedRecord } from './record-batcher';
import { batchesOf, type PartitionBatch, SequencedProduce } from './sequenced-produce';
import type { RecordTimes } from './wire/record-times';
import type { ProducerIdAndEpoch } from './wire/transaction-requests';

export interface TransactionScope {
  readonly group: string;
  readonly partition: number;
  /** A topic that is known to be there: its leaders say who coordinates. */
  readonly topic: string;
  readonly generationId: number;
  readonly memberId: string;
  /** An error once nothing may be begun any more in the name of this generation. */
  refusal(): StaleEpochError | null;
  /** The partition has another owner, or what was written cannot be known: the generation is over. */
  lost(reason: string): StaleEpochError;
}

export interface TransactionLimits {
  readonly deliveryTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** The coordinator aborts a transaction that is not ended within this time. */
  readonly transactionTimeoutMs: number;
  readonly maxBatchRecords: number;
  readonly maxBatchBytes: number;
}

/** The transaction before is still being ended, which takes its partitions' leaders a few milliseconds. */
const endingMs = [1, 2, 3, 5, 8, 13, 20];
/** A write that has failed waits so long for its transaction to be aborted; the next write waits for it again. */
const mendingMs = 2_000;
/** What a fresh epoch, or asking the cluster anew what it understands, mends: the same may be written again then. */
const mendedTypes = new Set([
  // What was sent before it was given up has arrived.
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'DUPLICATE_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  // The cluster has gone back to an older `transaction.version`.
  'UNSUPPORTED_VERSION',
  // TRANSACTION_ABORTABLE, which kafkajs has no name for.
  'ERROR_120',
]);
/** The `transaction.version` from which partitions and groups join a transaction by what is written, and each has an epoch of its own. */
const joiningVersion = 2;
/** Kafka gives no epoch above this one: the next owner has another producer id. */
const lastEpoch = 32_766;

export class TransactionalDelivery {
  private readonly produce: SequencedProduce;
  private producer: ProducerIdAndEpoch | null = null;
  /** Whether the cluster has agreed on `joiningVersion`. */
  private joins = false;
  /** A transaction may be open that must be ended before the next one begins. */
  private unfinished = false;
  private coordinators: { cluster: KafkaCluster; transaction: number | null; group: number | null } | null = null;

  constructor(
    private readonly transactionalId: string,
    private readonly scope: TransactionScope,
    private readonly connections: KafkaConnections,
    private readonly clock: Clock,
    times: RecordTimes,
    private readonly limits: TransactionLimits,
  ) {
    this.produce = new SequencedProduce(times, limits.requestTimeoutMs);
  }

  /**
   * Takes the transactional id over. When it resolves, what an earlier owner had open is aborted, or committed where it had
   * asked for that, and nothing more that it writes will be taken.
   */
  async begin(): Promise<void> {
    await this.takeOver(null, 'taking over the transactions');
    // Another member may have been given the partition while this was on its way, and is fenced now: it begins anew.
    const refused = this.scope.refusal();
    if (refused) throw refused;
  }

  /**
   * One transaction. Must not be called before the call before it is settled. Resolves with one past its last record in each topic, of those in
   * the partition of the scope. Rejects with a TransientError when nothing of it will be visible.
   */
  async write(
    records: readonly PlacedRecord[],
    positions: ReadonlyMap<string, number>,
  ): Promise<ReadonlyMap<string, number>> {
    const requests = this.requestsOf(records);
    const what = `the transaction of ${this.transactionalId}`;
    try {
      if (this.unfinished) await this.abort(what);
      else if (this.producer!.producerEpoch >= lastEpoch) await this.takeOver(this.producer, what);
      this.unfinished = true;
      await this.fill(what, requests, positions);
    } catch (error) {
      if (error instanceof StaleEpochError) {
        this.abortInBackground();
        throw error;
      }
      // At once, so that readers are not held up; where that fails, before the next transaction.
      await this.abort(what, mendingMs).catch(() => {});
      const refused = this.scope.refusal();
      if (refused) throw refused;
      const type = errorType(error);
      if (type !== null && mendedTypes.has(type))
        throw new TransientError(`Kafka: ${what} failed: ${type}`, { cause: error });
      throw givenUp(what, error);
    }
    await this.commit(what);
    this.unfinished = false;
    return this.endsOf(requests.flat());
  }

  private endsOf(batches: readonly PartitionBatch[]): Map<string, number> {
    const ends = new Map<string, number>();
    // Of several batches of a topic the last one was sent last.
    for (const { topic, partition, baseOffset, messages } of batches)
      if (partition === this.scope.partition && baseOffset !== null) ends.set(topic, baseOffset + messages.length);
    return ends;
  }

  /** Everything of a transaction but its end. */
  private async fill(
    what: string,
    requests: readonly (readonly PartitionBatch[])[],
    positions: ReadonlyMap<string, number>,
  ): Promise<void> {
    const topics = partitionsOf(requests.flat());
    const { group: groupId } = this.scope;
    if (this.joins) {
      // Who is second finds the transaction begun where both go to one node: it answers a connection's requests in turn. While
      // the transaction before is still being ended, a node lets records wait, and sends a group that comes first away.
      const behind = new Promise((resolve) => setImmediate(resolve));
      const committed = async (): Promise<void> => {
        await behind;
        await this.commitPositions(what, positions);
      };
      await allOf([this.send(what, requests), positions.size > 0 && committed()]);
      return;
    }
    // Both at once: they share a connection, on which Kafka answers one after the other.
    await allOf([
      topics.length > 0 &&
        this.ask(what, 'transaction', (node) => node.addPartitionsToTxn({ ...this.identity(), topics })),
      positions.size > 0 &&
        this.ask(what, 'transaction', (node) => node.addOffsetsToTxn({ ...this.identity(), groupId })),
    ]);
    await allOf([this.send(what, requests), positions.size > 0 && this.commitPositions(what, positions)]);
  }

  private async send(what: string, requests: readonly (readonly PartitionBatch[])[]): Promise<void> {
    for (const batches of requests) {
      const topics = [...new Set(batches.map(({ topic }) => topic))];
      await this.tried(what, topics, async () => {
        const cluster = await this.connections.cluster(topics);
        for (;;) {
          try {
            await this.produce.attempt(cluster, batches, { ...this.identity(), joins: this.joins });
            return;
          } catch (error) {
            if (errorType(error) !== 'INVALID_TIMESTAMP' || !this.produce.correctTimes(batches)) throw error;
          }
        }
      });
    }
  }

  private async commitPositions(what: string, positions: ReadonlyMap<string, number>): Promise<void> {
    const { group: groupId, generationId, memberId, partition } = this.scope;
    const offsets = { groupId, generationId, memberId, partition, positions };
    await this.ask(what, 'group', (node) =>
      node.commitInTransaction({ ...this.identity(), ...offsets, joins: this.joins }),
    );
  }

  /** From the first try on the transaction may be committed, so there is no way back: only an answer or the epoch's end. */
  private async commit(what: string): Promise<void> {
    try {
      if (this.joins) await this.end(what, true, this.limits.deliveryTimeoutMs);
      else await this.ask(what, 'transaction', (node) => node.endTxn({ ...this.identity(), transactionResult: true }));
    } catch (error) {
      this.abortInBackground();
      if (error instanceof StaleEpochError) throw error;
      throw this.scope.lost(`${what} has no known end: ${(error as Error).message}`);
    }
  }

  /** Ends what may be open without committing it. The next transaction has a fresh epoch, in which all numbers begin anew. */
  private async abort(what: string, limitMs = this.limits.deliveryTimeoutMs): Promise<void> {
    await this.askVersion(what, limitMs);
    if (this.joins) {
      await this.end(what, false, limitMs);
    } else {
      // First: whoever takes over an open transaction fences it, and would itself be told that it comes too late.
      await this.ask(what, 'transaction', (node) => this.abortOld(node), limitMs);
      await this.takeOver(this.producer, what, limitMs);
    }
    this.unfinished = false;
  }

  private async abortOld(node: KafkaNode): Promise<void> {
    try {
      await node.endTxn({ ...this.identity(), transactionResult: false });
    } catch (error) {
      // Nothing was open. Whether the id is still that of this owner is asked next.
      if (errorType(error) !== 'INVALID_TXN_STATE') throw error;
    }
  }

  /** One request of `joiningVersion` ends the transaction and brings the epoch of the next, at however many tries. */
  private async end(what: string, commits: boolean, limitMs: number): Promise<void> {
    const ended = (node: KafkaNode) => node.endTransaction({ ...this.identity(), commits });
    const { producerId, producerEpoch } = await this.ask(what, 'transaction', ended, limitMs);
    this.producer = { producerId, producerEpoch };
    this.produce.reset();
  }

  /** A fresh epoch of the transactional id. What was open under the one before is ended when it resolves. */
  private async takeOver(
    succeeds: ProducerIdAndEpoch | null,
    what: string,
    limitMs = this.limits.deliveryTimeoutMs,
  ): Promise<void> {
    const { transactionalId } = this;
    const { transactionTimeoutMs } = this.limits;
    const begin = (node: KafkaNode) => node.beginTransactions({ transactionalId, transactionTimeoutMs, succeeds });
    await this.askVersion(what, limitMs);
    this.producer = await this.ask(what, 'transaction', begin, limitMs);
    this.produce.reset();
    this.unfinished = false;
  }

  /** Never in the middle of a transaction: a cluster may come to agree on another while processes run. */
  private async askVersion(what: string, limitMs: number): Promise<void> {
    const version = await this.ask(what, 'transaction', (node) => node.transactionVersion(), limitMs);
    this.joins = version >= joiningVersion;
  }

  /** Nothing waits for it: the next owner ends the transaction too, but readers may have to wait for that. */
  private abortInBackground(): void {
    const aborted = async (): Promise<void> => {
      const node = await this.coordinator('transaction');
      if (this.joins) await node.endTransaction({ ...this.identity(), commits: false });
      else await this.abortOld(node);
    };
    aborted().catch(() => {});
  }

  private ask<T>(
    what: string,
    role: 'transaction' | 'group',
    request: (node: KafkaNode) => Promise<T>,
    limitMs = this.limits.deliveryTimeoutMs,
  ): Promise<T> {
    return this.tried(what, [this.scope.topic], async () => request(await this.coordinator(role)), limitMs);
  }

  /** Tries until it succeeds, is refused for good, or the time is up. A partition that was lost is a StaleEpochError. */
  private async tried<T>(
    what: string,
    topics: readonly string[],
    attempt: () => Promise<T>,
    limitMs = this.limits.deliveryTimeoutMs,
  ): Promise<T> {
    const { clock, scope, connections } = this;
    const startedMs = clock.monotonicMs();
    for (let tries = 0, ending = 0; ; ) {
      const refused = scope.refusal();
      if (refused) throw refused;
      try {
        return await attempt();
      } catch (error) {
        if (error instanceof StaleEpochError) throw error;
        if (isTransactionLost(error) || isMembershipLost(error))
          throw scope.lost(`${what} was refused: ${errorType(error)}`);
        const late = clock.monotonicMs() - startedMs > limitMs;
        if (late || errorKind(error) === 'fatal') throw error;
        if (errorType(error) === 'CONCURRENT_TRANSACTIONS') {
          await sleep(clock, endingMs[Math.min(ending++, endingMs.length - 1)]!);
          continue;
        }
        // Whoever coordinates may be another node by now.
        this.coordinators = null;
        await connections.mend(error, topics);
        await sleep(clock, backoffMs(tries++));
      }
    }
  }

  private async coordinator(role: 'transaction' | 'group'): Promise<KafkaNode> {
    const { topic, group } = this.scope;
    const cluster = await this.connections.cluster([topic]);
    if (this.coordinators?.cluster !== cluster) this.coordinators = { cluster, transaction: null, group: null };
    const known = this.coordinators;
    const nodeId =
      known[role] ??
      (role === 'group'
        ? await coordinatorIdOf(cluster, topic, group)
        : await transactionCoordinatorIdOf(cluster, topic, this.transactionalId));
    known[role] = nodeId;
    return cluster.findBroker({ nodeId });
  }

  private identity(): ProducerIdAndEpoch & { readonly transactionalId: string } {
    const { producerId, producerEpoch } = this.producer!;
    return { producerId, producerEpoch, transactionalId: this.transactionalId };
  }

  /** Batches by request: a request has one batch for each partition, and topics limit the size of a batch. */
  private requestsOf(records: readonly PlacedRecord[]): PartitionBatch[][] {
    const requests: PartitionBatch[][] = [];
    for (let from = 0; from < records.length; ) {
      const room = new BatchRoom(this.limits);
      let to = from;
      while (to < records.length && room.take(records[to]!)) to++;
      requests.push(batchesOf(records.slice(from, to)).batches);
      from = to;
    }
    return requests;
  }
}

/** Waits for all, also when one fails: what follows must not overtake what is still on its way. */
async function allOf(work: readonly (Promise<unknown> | false)[]): Promise<void> {
  const results = await Promise.allSettled(work);
  const failures = results.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []));
  if (failures.length > 0) throw failures.find((failure) => failure instanceof StaleEpochError) ?? failures[0];
}

function partitionsOf(batches: readonly PartitionBatch[]): { topic: string; partitions: number[] }[] {
  const topics = new Map<string, Set<number>>();
  for (const { topic, partition } of batches) {
    const partitions = topics.get(topic);
    if (partitions) partitions.add(partition);
    else topics.set(topic, new Set([partition]));
  }
  return [...topics].map(([topic, partitions]) => ({ topic, partitions: [...partitions] }));
}
