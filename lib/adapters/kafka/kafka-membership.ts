/** A membership in a group as the broker port has it: at every epoch one consumer per owned partition, fetching, commits. */
import {
  type GroupOptions,
  type Membership,
  type OutgoingRecord,
  StaleEpochError,
  type TopicPartition,
} from '../../ports/broker';
import { type Clock, sleep } from '../../ports/clock';
import type { Log } from '../../telemetry/log';
import type { Metrics } from '../../telemetry/metrics';
import { AlternatingDelivery, transactionalIdsOf } from './alternating-delivery';
import { CommitQueue, type Positions } from './commit-queue';
import { FetchLoop } from './fetch-loop';
import { coordinatorIdOf, type Generation, GroupMember } from './group-member';
import { backoffMs, type KafkaConnections } from './kafka-connections';
import { errorKind, errorType, givenUp, isMembershipLost } from './kafka-errors';
import { type KafkaProducer, maxBatchBytes, type SentPlace } from './kafka-producer';
import type { KafkaSettings } from './kafka-settings';
import { OutsidePartitions } from './outside-partitions';
import { type ConsumerEpoch, KafkaPartitionConsumer } from './partition-consumer';
import type { PartitionReader } from './partition-reader';
import type { PassedOver } from './passed-over';
import { TransactionalDelivery, type TransactionScope } from './transactional-delivery';

const tryMs = 30_000;
/** Connections to each node for transactions; the partitions share them. Kafka answers each of them in turn. */
const transactionLanes = 4;
/** A write waits so long for its positions to be taken. */
const commitPatienceMs = 1_000;
/** A group whose records may gather may learn of a rebalance so much later: heartbeats are a fifth of what a broker is asked for. */
const gatheringHeartbeatMs = 1_000;

export interface MembershipEnvironment {
  readonly settings: KafkaSettings;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly passedOver: PassedOver;
  readonly reader: PartitionReader;
  /** Requests that are answered at once, shared by all memberships. */
  readonly control: KafkaConnections;
  readonly openConnections: () => KafkaConnections;
  /** How many partitions topics have, those included that were added beyond the number agreed. */
  readonly actualPartitions: (topics: readonly string[]) => Promise<ReadonlyMap<string, number>>;
  readonly send: (records: readonly OutgoingRecord[], refusal: () => Error | null) => Promise<readonly SentPlace[]>;
  readonly producer: Pick<KafkaProducer, 'placed' | 'forget' | 'times'>;
}

export interface PartitionLag extends TopicPartition {
  readonly group: string;
  readonly records: number;
}

/** One generation of the group, as this member sees it. */
interface Term {
  readonly generation: Generation;
  /** Of this generation alone: what waits there for a partition that is lost is refused with it. */
  readonly commits: CommitQueue;
}

/** A partition that is owned, through all generations that follow each other. */
interface Holding {
  /** Where the newest of them is. It stays at the last one when the partition is lost. */
  readonly hold: { term: Term };
  readonly consumer: KafkaPartitionConsumer;
  readonly delivery: AlternatingDelivery | null;
}

interface Current {
  readonly term: Term;
  /** The group rebalances: nothing is begun any more. */
  paused: boolean;
  readonly holdings: readonly Holding[];
  readonly loop: FetchLoop | null;
  readonly outside: OutsidePartitions | null;
}

export class KafkaMembership implements Membership {
  private readonly member: GroupMember;
  private current: Current | null = null;
  private epoch = 0;
  private left: Promise<void> | null = null;
  /** Positions are on their way to a coordinator that takes its time. */
  private owing = false;
  private readonly ending = new Set<Promise<void>>();
  /** Of the newest generation that had any, also when it is over. */
  private transactions: {
    readonly generation: Generation;
    readonly deliveries: readonly AlternatingDelivery[];
  } | null = null;
  private readonly transactionConnections = new Map<number, KafkaConnections>();

  constructor(
    private readonly options: GroupOptions,
    /** Partitions that the group works on, of every topic. */
    private readonly agreed: number,
    private readonly environment: MembershipEnvironment,
  ) {
    const { clock, log, metrics, openConnections } = environment;
    const settings = paced(environment.settings, options);
    const service = options.group;
    this.member = new GroupMember({
      groupId: options.group,
      topics: options.topics,
      partitions: agreed,
      settings,
      clock,
      log,
      connections: openConnections(),
      onJoined: (generation) => this.begin(generation),
      onPaused: (generation) => this.pause(generation),
      onContinued: (generation, earlier) => this.goOn(generation, earlier),
      onLost: (generation) => this.end(generation),
      ...(options.delivery === 'exactly-once' && { finished: (generation) => this.finished(generation) }),
      onFailed: (error) => options.onFailed(error),
      onRebalanced: (seconds) => {
        metrics.count('quantum_router_rebalances_total', { service });
        metrics.observe('quantum_router_rebalance_seconds', { service }, seconds);
      },
    });
  }

  get memberId(): string {
    return this.member.id;
  }

  start(): void {
    this.member.start();
  }

  leave(): Promise<void> {
    this.left ??= this.member.leave();
    return this.left;
  }

  /** Resolves when the connections of all epochs are closed. */
  async ended(): Promise<void> {
    await Promise.all(this.ending);
    await Promise.all([...this.transactionConnections.values()].map((connections) => connections.close()));
  }

  lags(): PartitionLag[] {
    const { group } = this.options;
    return (this.current?.holdings ?? []).flatMap(({ consumer }) =>
      consumer.cursors.map(({ topic, partition, lag }) => ({ group, topic, partition, records: lag })),
    );
  }

  private async begin(generation: Generation): Promise<void> {
    if (!generation.isLive()) return;
    const { group, topics, onAssigned, delivery, lingerMs = 0, maxGapMs = 0 } = this.options;
    if (this.current?.term.generation !== generation) {
      this.current = { term: this.termOf(generation), paused: false, holdings: [], loop: null, outside: null };
    }
    const begun = this.current;
    const { term, holdings: kept } = begun;
    const owned = new Set(kept.map(({ consumer }) => consumer.partition));
    const added = generation.partitions.filter((partition) => !owned.has(partition));
    const holds = added.map((partition) => ({ partition, hold: { term } }));
    // Before the positions are read: what an earlier owner has begun is over then, and nothing of it can come after.
    const deliveries = delivery === 'exactly-once' ? await this.beginTransactions(begun, holds) : [];
    const starts = await Promise.all(added.map((partition) => this.startsOf(generation, partition)));
    // The next generation begins again with what this one has not come to.
    if (this.current !== begun || begun.paused || !generation.isLive()) return;
    const { clock, log, passedOver, openConnections } = this.environment;
    this.epoch = Math.max(this.epoch + 1, clock.nowMs());
    const shared = { group, topics, clock, epoch: this.epoch, wakeFetching: () => this.current?.loop?.wake() };
    const holdings = [
      ...kept,
      ...holds.map(({ partition, hold }, i) => {
        const own = deliveries[i] ?? null;
        const epoch: ConsumerEpoch = {
          ...shared,
          isLive: () => hold.term.generation.isLive(),
          send: (records, refusal) => this.environment.send(records, refusal),
          commit: (of, positions) => this.committedOrOwed(hold.term.commits.commit(of, positions)),
          ...(own && { transact: (_of, records, positions) => this.transact(own, records, positions) }),
        };
        return { hold, delivery: own, consumer: new KafkaPartitionConsumer(epoch, partition, starts[i]!) };
      }),
    ].sort((a, b) => a.consumer.partition - b.consumer.partition);
    const consumers = holdings.map(({ consumer }) => consumer);
    // Connections of its own: the long poll of the one before may still be out on its.
    const loop = new FetchLoop(
      openConnections(),
      consumers.flatMap(({ cursors }) => cursors),
      { clock, log, passedOver, lingerMs, maxGapMs, onFailed: (error) => this.fail(error) },
    );
    const outside = this.outsideOf(generation);
    this.current = { term, paused: false, holdings, loop, outside };
    this.retire(begun);
    if (consumers.length > 0) {
      loop.start();
      outside.start();
    }
    onAssigned(this.epoch, consumers);
  }

  private termOf(generation: Generation): Term {
    return { generation, commits: new CommitQueue((positions) => this.commit(generation, positions)) };
  }

  private async pause(generation: Generation): Promise<void> {
    const { current } = this;
    if (current?.term.generation !== generation) return;
    current.paused = true;
    await Promise.all(current.holdings.map(({ consumer }) => consumer.pause()));
  }

  /** What this member has kept goes on at once, with the tables that its tasks have; what it has lost is over. */
  private goOn(generation: Generation, earlier: Generation): void {
    const { current } = this;
    if (current?.term.generation !== earlier) return;
    const term = this.termOf(generation);
    const owned = new Set(generation.partitions);
    const kept = current.holdings.filter(({ consumer }) => owned.has(consumer.partition));
    this.current = { term, paused: false, holdings: kept, loop: current.loop, outside: null };
    for (const { consumer } of current.holdings) if (!owned.has(consumer.partition)) consumer.becomeStale();
    this.retire({ loop: null, outside: current.outside });
    for (const { hold, consumer } of kept) {
      hold.term = term;
      consumer.resume();
    }
    const { group: service } = this.options;
    this.environment.metrics.count('quantum_router_partitions_kept_total', { service }, kept.length);
  }

  private async beginTransactions(
    { term, holdings }: Current,
    holds: readonly { readonly partition: number; readonly hold: Holding['hold'] }[],
  ): Promise<readonly AlternatingDelivery[]> {
    const { settings, clock, producer } = this.environment;
    const limits = { ...settings, maxBatchBytes };
    const deliveries = holds.map(({ partition, hold }) => {
      const scope = this.transactionScope(hold, partition);
      const connections = this.connectionsFor(partition);
      return new AlternatingDelivery(
        transactionalIdsOf(this.options.group, partition).map(
          (id) => new TransactionalDelivery(id, scope, connections, clock, producer.times, limits),
        ),
        () => this.member.confirm(term.generation),
      );
    });
    const kept = holdings.flatMap(({ delivery }) => delivery ?? []);
    this.transactions = { generation: term.generation, deliveries: [...kept, ...deliveries] };
    await Promise.all(deliveries.map((delivery) => delivery.begin()));
    return deliveries;
  }

  private transactionScope(hold: Holding['hold'], partition: number): TransactionScope {
    const { group, topics } = this.options;
    const { log } = this.environment;
    const stale = () => new StaleEpochError(group, partition, this.epoch);
    return {
      group,
      partition,
      topic: topics[0]!,
      get generationId() {
        return hold.term.generation.generationId;
      },
      get memberId() {
        return hold.term.generation.memberId;
      },
      refusal: () => (hold.term.generation.mayFinish() ? null : stale()),
      lost: (reason) => {
        const { generation } = hold.term;
        if (generation.isLive()) log.warn('a partition is given up and asked for anew', { group, partition, reason });
        this.member.suspect(generation);
        return stale();
      },
    };
  }

  private connectionsFor(partition: number): KafkaConnections {
    const lane = partition % transactionLanes;
    const present = this.transactionConnections.get(lane);
    if (present) return present;
    const connections = this.environment.openConnections();
    this.transactionConnections.set(lane, connections);
    return connections;
  }

  private async transact(
    delivery: AlternatingDelivery,
    records: readonly OutgoingRecord[],
    positions: ReadonlyMap<string, number>,
  ): Promise<ReadonlyMap<string, number>> {
    const { producer, metrics, clock } = this.environment;
    const placed = await producer.placed(records);
    const startedMs = clock.monotonicMs();
    let ends: ReadonlyMap<string, number>;
    try {
      ends = await delivery.write(placed, positions);
    } catch (error) {
      if (!(error instanceof StaleEpochError)) producer.forget(placed);
      throw error;
    }
    const seconds = (clock.monotonicMs() - startedMs) / 1_000;
    metrics.observe('quantum_router_kafka_transaction_seconds', { service: this.options.group }, seconds);
    return ends;
  }

  /** Resolves when no transaction of the generation is under way. */
  private async finished(generation: Generation): Promise<void> {
    if (this.transactions?.generation !== generation) return;
    await Promise.all(this.transactions.deliveries.map((delivery) => delivery.idle()));
  }

  private outsideOf(generation: Generation): OutsidePartitions {
    const { group, topics, forwards = topics } = this.options;
    const { clock, log, metrics, passedOver, openConnections, actualPartitions, send } = this.environment;
    const over = () => (generation.isLive() ? null : new Error(`group ${group}: the generation is over`));
    return new OutsidePartitions({
      group,
      topics: forwards,
      agreed: this.agreed,
      owned: generation.partitions,
      clock,
      log,
      metrics,
      passedOver,
      openConnections,
      actualPartitions,
      isLive: () => generation.isLive(),
      startOf: async ({ topic, partition }) => {
        const [committed] = await this.committedOf(generation, [topic], partition);
        if (committed! >= 0) return committed!;
        return (await this.environment.reader.offsets({ topic, partition })).earliest;
      },
      send: async (records) => void (await send(records, over)),
      commit: ({ topic, partition }, position) =>
        this.commit(generation, new Map([[topic, new Map([[partition, position]])]])),
    });
  }

  private end(generation: Generation): void {
    const { current } = this;
    if (current?.term.generation !== generation) return;
    this.current = null;
    for (const { consumer } of current.holdings) consumer.becomeStale();
    this.retire(current);
  }

  private retire({ loop, outside }: Pick<Current, 'loop' | 'outside'>): void {
    loop?.stop();
    outside?.stop();
    const ended = Promise.all([loop?.ended(), outside?.ended()])
      .then(() => {})
      .finally(() => this.ending.delete(ended));
    this.ending.add(ended);
  }

  private fail(error: Error): void {
    void this.leave();
    this.options.onFailed(error);
  }

  /** Committed position and first offset to read, by topic. */
  private async startsOf(
    generation: Generation,
    partition: number,
  ): Promise<Map<string, { committed: number | null; readonly from: number }>> {
    const { topics, startAt } = this.options;
    const positions = await this.committedOf(generation, topics, partition);
    const committed = new Map(topics.map((topic, i) => [topic, positions[i]!]));
    const starts = await Promise.all(
      topics.map(async (topic) => {
        const position = committed.get(topic) ?? -1;
        if (position >= 0) return { committed: position, from: position };
        // Resolved here and now: "latest" left to the first fetch would lose what is sent in between.
        const { earliest, end } = await this.environment.reader.offsets({ topic, partition });
        return { committed: null, from: startAt === 'earliest' ? earliest : end };
      }),
    );
    return new Map(topics.map((topic, i) => [topic, starts[i]!]));
  }

  /**
   * Positions that the coordinator does not take for a while (it is gone, or waits for a copy that is) are owed: they are
   * committed when it can, and the partitions go on meanwhile. A process that dies before has its records again, as after
   * any crash.
   */
  private async committedOrOwed(committed: Promise<void>): Promise<void> {
    const settled = committed.finally(() => {
      this.owing = false;
    });
    settled.catch(() => {});
    if (this.owing) return;
    let cancel = (): void => {};
    const late = new Promise<void>((resolve) => {
      cancel = this.environment.clock.setTimer(commitPatienceMs, resolve);
    });
    const owed = Promise.race([late, this.member.coordinatorAway()]).then(() => true);
    try {
      if (await Promise.race([settled.then(() => false), owed])) this.owing = true;
    } finally {
      cancel();
    }
  }

  /** Committed positions of a partition number, in the order of the topics; -1 where nothing was committed. */
  private async committedOf(
    generation: Generation,
    of: readonly string[],
    partition: number,
  ): Promise<readonly number[]> {
    const { group, topics } = this.options;
    const what = `asking for the positions of group ${group}`;
    const refusal = () => (generation.isLive() ? null : new Error(`${what}: the generation is over`));
    const limits = { what, topics, timeoutMs: tryMs, refusal };
    const committed = await this.environment.control.run(limits, async (cluster) => {
      const nodeId = await coordinatorIdOf(cluster, topics[0]!, group);
      const coordinator = await cluster.findBroker({ nodeId });
      if (this.options.delivery === 'exactly-once')
        return (await coordinator.stablePositions({ groupId: group, topics: of, partition })).positions;
      const { responses } = await coordinator.offsetFetch({
        groupId: group,
        topics: of.map((topic) => ({ topic, partitions: [{ partition }] })),
      });
      return new Map(responses.map(({ topic, partitions }) => [topic, Number(partitions[0]!.offset)]));
    });
    return of.map((topic) => committed.get(topic) ?? -1);
  }

  /** Until it is done, the generation is over, or the time is up. */
  private async commit(generation: Generation, positions: Positions): Promise<void> {
    const { clock, settings } = this.environment;
    const what = `committing positions of group ${this.options.group}`;
    const startedMs = clock.monotonicMs();
    for (let tries = 0; ; tries++) {
      try {
        await this.member.commit(generation, positions);
        return;
      } catch (error) {
        if (isMembershipLost(error)) this.member.suspect(generation);
        const late = clock.monotonicMs() - startedMs > settings.deliveryTimeoutMs;
        if (late || !generation.isLive() || errorKind(error) === 'fatal') throw givenUp(what, error);
        await this.member.mend(error);
        await sleep(clock, backoffMs(tries));
      }
    }
  }
}

function paced(settings: KafkaSettings, { lingerMs = 0 }: Pick<GroupOptions, 'lingerMs'>): KafkaSettings {
  if (lingerMs === 0) return settings;
  const { heartbeatIntervalMs, sessionTimeoutMs } = settings;
  return {
    ...settings,
    heartbeatIntervalMs: Math.max(heartbeatIntervalMs, Math.min(gatheringHeartbeatMs, sessionTimeoutMs / 6)),
  };
}

/** Which members of a group are to leave it. */
export interface Expulsion extends Pick<GroupOptions, 'group' | 'topics'> {
  /** Of the process that is no more, as brokers see it. */
  readonly clientId: string;
  /** Members that stay although they carry this client id. */
  readonly except: ReadonlySet<string>;
  /** What nobody has done by then is left to the session time-out. */
  readonly timeoutMs?: number;
}

/**
 * Makes the members of a process leave that is known to be dead, so that the group does not wait for their session time-out.
 * Failing to is no failure: the time-out does it then. Never rejects.
 */
export async function expelMembers(
  { group, topics, clientId, except, timeoutMs = tryMs }: Expulsion,
  { control, log }: Pick<MembershipEnvironment, 'control' | 'log'>,
): Promise<void> {
  try {
    await control.run({ what: `looking at group ${group}`, topics, timeoutMs }, async (cluster) => {
      const coordinator = await cluster.findBroker({ nodeId: await coordinatorIdOf(cluster, topics[0]!, group) });
      const { groups } = await coordinator.describeGroups({ groupIds: [group] });
      for (const member of groups[0]?.members ?? []) {
        if (member.clientId !== clientId || except.has(member.memberId)) continue;
        log.info('a member of the group is no more: its partitions go to others', { group, member: member.memberId });
        await coordinator.leaveGroup({ groupId: group, memberId: member.memberId }).catch((error: unknown) => {
          if (errorType(error) !== 'UNKNOWN_MEMBER_ID') throw error;
        });
      }
    });
  } catch (error) {
    if (errorType(error) === 'GROUP_ID_NOT_FOUND') return;
    log.warn('could not look for dead members of the group; their session time-out will end them', {
      group,
      error: error as Error,
    });
  }
}

/** How many members a group has now; 0 for one that nobody knows. */
export async function membersOf(
  { group, topics }: Pick<GroupOptions, 'group' | 'topics'>,
  control: MembershipEnvironment['control'],
): Promise<number> {
  try {
    return await control.run({ what: `looking at group ${group}`, topics, timeoutMs: tryMs }, async (cluster) => {
      const coordinator = await cluster.findBroker({ nodeId: await coordinatorIdOf(cluster, topics[0]!, group) });
      const { groups } = await coordinator.describeGroups({ groupIds: [group] });
      return groups[0]?.members.length ?? 0;
    });
  } catch (error) {
    if (errorType(error) === 'GROUP_ID_NOT_FOUND') return 0;
    throw error;
  }
}
