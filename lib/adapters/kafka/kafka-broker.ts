/** The broker port on Kafka. What each call becomes is in the files beside this one; the reasons are in docs/decisions/0006-kafka-adapter.md. */
import type { Broker, GroupOptions, LogRecord, TopicPartition } from '../../ports/broker';
import { type Clock, sleep, within } from '../../ports/clock';
import type { Log } from '../../telemetry/log';
import type { Metrics } from '../../telemetry/metrics';
import { type KafkaFollower, startFollower } from './follower';
import { createKafkaClient, type KafkaClient } from './kafka-client';
import { backoffMs, KafkaConnections } from './kafka-connections';
import { errorKind, isRefusedConnection, isTimeout, unreachable } from './kafka-errors';
import { expelMembers, KafkaMembership, type MembershipEnvironment, membersOf } from './kafka-membership';
import { KafkaProducer } from './kafka-producer';
import { clientIdOf, type KafkaSettings } from './kafka-settings';
import { Outage } from './outage';
import { PartitionReader } from './partition-reader';
import { PassedOver } from './passed-over';
import { TopicCatalog } from './topic-catalog';

export interface KafkaBroker extends Broker {
  deleteTopics(names: readonly string[]): Promise<void>;
  /** Forgets the records before an offset. */
  trim(of: TopicPartition, before: number): Promise<void>;
  /** How many members a consumer group has now. `topics`: what it reads. */
  membersOf(group: string, topics: readonly string[]): Promise<number>;
  /**
   * Makes a group go on without the process of this `instanceId`, which is known to be dead: what it owned goes to others at
   * once, not after its session time-out. Never rejects; what cannot be done within `timeoutMs` is left to that time-out.
   */
  expel(group: string, topics: readonly string[], instanceId: string, timeoutMs: number): Promise<void>;
}

export interface KafkaBrokerParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** A start waits so long for a broker that is starting too: it refuses connections until it has started. */
const startingMs = 4_000;

/**
 * Rejects with a readable error, naming the addresses, when every broker refuses for some five seconds, or says nothing
 * for `firstAnswerTimeoutMs`.
 */
export async function openKafkaBroker(settings: KafkaSettings, parts: KafkaBrokerParts): Promise<KafkaBroker> {
  const outage = new Outage(parts.clock, parts.log);
  const client = createKafkaClient(settings, parts.clock, parts.log, outage);
  const control = new KafkaConnections(client, parts.clock);
  try {
    await firstAnswer(control, parts.clock, settings.firstAnswerTimeoutMs);
  } catch (error) {
    void control.close();
    throw unreachable(settings.brokers, error);
  }
  return new KafkaBrokerOverSessions(settings, parts, client, control);
}

async function firstAnswer(control: KafkaConnections, clock: Clock, limitMs: number): Promise<void> {
  const startedMs = clock.monotonicMs();
  // On a busy machine the time may end in the middle of a try: what the one before met says more than that.
  let met: unknown = new Error(`no answer within ${limitMs} ms`);
  for (let tries = 0; ; tries++) {
    const silentMs = startedMs + limitMs - clock.monotonicMs();
    try {
      await within(clock, Math.max(1, silentMs), answer(control), () => {
        throw met;
      });
      return;
    } catch (error) {
      met = error;
      const leftMs = isTimeout(error) ? silentMs : startedMs + startingMs - clock.monotonicMs();
      await control.mend(error, []);
      if (errorKind(error) === 'fatal' || isRefusedConnection(error) || leftMs < backoffMs(tries)) throw error;
      await sleep(clock, backoffMs(tries));
    }
  }
}

/** An open socket is not yet an answer. */
async function answer(control: KafkaConnections): Promise<void> {
  await (await control.cluster([])).refreshMetadata();
}

class KafkaBrokerOverSessions implements KafkaBroker {
  private readonly catalog: TopicCatalog;
  private readonly reader: PartitionReader;
  private readonly passedOver: PassedOver;
  private readonly sending: KafkaConnections;
  private readonly shared: KafkaProducer;
  private readonly memberships = new Set<KafkaMembership>();
  private readonly followers = new Set<KafkaFollower>();
  private closing: Promise<void> | null = null;

  constructor(
    private readonly settings: KafkaSettings,
    private readonly parts: KafkaBrokerParts,
    private readonly client: KafkaClient,
    private readonly control: KafkaConnections,
  ) {
    const { clock, log, metrics } = parts;
    this.catalog = new TopicCatalog(control, settings.replicationFactor, log, metrics);
    this.passedOver = new PassedOver(log, metrics);
    this.reader = new PartitionReader(control, this.passedOver);
    this.sending = this.openConnections();
    this.shared = new KafkaProducer({
      settings,
      connections: this.sending,
      catalog: this.catalog,
      clock,
      log,
      metrics,
    });
    metrics.onCollect(() => this.reportLags());
  }

  async ensureTopics(topics: Parameters<Broker['ensureTopics']>[0]): Promise<void> {
    this.refuseClosed();
    await this.catalog.ensure(topics, async (topic, partitions) => {
      const ranges = await this.reader.ranges(
        topic,
        Array.from({ length: partitions }, (_, partition) => partition),
      );
      return [...ranges.values()].map(({ end }) => end > 0);
    });
  }

  async listTopics(): ReturnType<Broker['listTopics']> {
    this.refuseClosed();
    return this.catalog.list();
  }

  async deleteTopics(names: readonly string[]): Promise<void> {
    this.refuseClosed();
    await this.catalog.delete(names);
  }

  async trim(of: TopicPartition, before: number): Promise<void> {
    await this.refuseUnknown(of);
    await this.catalog.trim(of, before);
  }

  async membersOf(group: string, topics: readonly string[]): Promise<number> {
    this.refuseClosed();
    return membersOf({ group, topics }, this.control);
  }

  async expel(group: string, topics: readonly string[], instanceId: string, timeoutMs: number): Promise<void> {
    this.refuseClosed();
    const clientId = clientIdOf({ ...this.settings, instanceId });
    const { log } = this.parts;
    await expelMembers({ group, topics, clientId, except: new Set(), timeoutMs }, { control: this.control, log });
  }

  async offsets(of: TopicPartition): ReturnType<Broker['offsets']> {
    await this.refuseUnknown(of);
    return this.reader.offsets(of);
  }

  async offsetAt(of: TopicPartition, timestampMs: number): Promise<number> {
    await this.refuseUnknown(of);
    return this.reader.offsetAt(of, timestampMs);
  }

  async *read(of: TopicPartition, range: Parameters<Broker['read']>[1]): AsyncGenerator<readonly LogRecord[]> {
    await this.refuseUnknown(of);
    yield* this.reader.read(of, range);
  }

  async follow(options: Parameters<Broker['follow']>[0]): ReturnType<Broker['follow']> {
    this.refuseClosed();
    const { partitions } = await this.catalog.settings(options.topic);
    const { clock, log } = this.parts;
    const numbers = Array.from({ length: partitions }, (_, partition) => partition);
    const { follower, caughtUp } = await startFollower(options, numbers, {
      reader: this.reader,
      openConnections: () => this.openConnections(),
      clock,
      log,
      passedOver: this.passedOver,
    });
    this.followers.add(follower);
    await caughtUp;
    return {
      hurry: () => follower.hurry(),
      stop: async () => {
        await follower.stop();
        this.closeInBackground(follower, this.followers);
      },
    };
  }

  async expelEarlierSelf({ group, topics }: Pick<GroupOptions, 'group' | 'topics'>): Promise<void> {
    // With an `instanceId` nobody else has its client id.
    if (this.settings.instanceId === null) return;
    const except = new Set([...this.memberships].map(({ memberId }) => memberId));
    const { log } = this.parts;
    await expelMembers({ group, topics, clientId: clientIdOf(this.settings), except }, { control: this.control, log });
  }

  async join(options: GroupOptions): ReturnType<Broker['join']> {
    this.refuseClosed();
    const agreed = await this.agreedPartitions(options);
    const { clock, log, metrics } = this.parts;
    const environment: MembershipEnvironment = {
      settings: this.settings,
      clock,
      log,
      metrics,
      passedOver: this.passedOver,
      reader: this.reader,
      control: this.control,
      openConnections: () => this.openConnections(),
      actualPartitions: (topics) => this.catalog.actualPartitions(topics),
      send: (records, refusal) => this.shared.send(records, refusal),
      producer: this.shared,
    };
    await this.expelEarlierSelf(options);
    this.refuseClosed();
    const membership = new KafkaMembership(options, agreed, environment);
    this.memberships.add(membership);
    membership.start();
    return {
      leave: async () => {
        await membership.leave();
        this.closeInBackground(membership, this.memberships);
      },
    };
  }

  producer(name: string): ReturnType<Broker['producer']> {
    let closed = false;
    const outstanding = new Set<Promise<unknown>>();
    return {
      send: async (records) => {
        this.refuseClosed();
        if (closed) throw new Error(`producer ${name} is closed`);
        const sent = this.shared.send(records);
        outstanding.add(sent);
        return sent.finally(() => outstanding.delete(sent));
      },
      async close() {
        closed = true;
        await Promise.allSettled(outstanding);
      },
    };
  }

  close(): Promise<void> {
    this.closing ??= this.closeOnce();
    return this.closing;
  }

  private async closeOnce(): Promise<void> {
    await Promise.all([...this.memberships].map((membership) => membership.leave()));
    await Promise.all([...this.followers].map((follower) => follower.stop()));
    await this.shared.close();
    await Promise.all([
      ...[...this.memberships].map((membership) => membership.ended()),
      ...[...this.followers].map((follower) => follower.ended()),
      this.sending.close(),
      this.control.close(),
    ]);
  }

  /** A long poll may be out on the connections still: only `close` waits for that. */
  private closeInBackground<T extends { ended(): Promise<void> }>(ended: T, among: Set<T>): void {
    void ended.ended().finally(() => among.delete(ended));
  }

  private openConnections(): KafkaConnections {
    return new KafkaConnections(this.client, this.parts.clock);
  }

  private refuseClosed(): void {
    if (this.closing) throw new Error('the broker is closed');
  }

  private async refuseUnknown({ topic, partition }: TopicPartition): Promise<void> {
    this.refuseClosed();
    const { partitions } = await this.catalog.settings(topic);
    if (partition < partitions) return;
    // Beyond what was agreed there may be more by now.
    const actual = (await this.catalog.actualPartitions([topic])).get(topic) ?? 0;
    if (partition >= actual) throw new Error(`topic ${topic} has no partition ${partition}`);
  }

  private async agreedPartitions({ group, topics }: GroupOptions): Promise<number> {
    if (topics.length === 0) throw new Error(`group ${group}: name at least one topic`);
    const settings = await Promise.all(topics.map((topic) => this.catalog.settings(topic)));
    const numbers = new Set(settings.map(({ partitions }) => partitions));
    if (numbers.size === 1) return settings[0]!.partitions;
    const counts = settings.map(({ name, partitions }) => `${name}: ${partitions}`).join(', ');
    throw new Error(`group ${group}: co-partitioned topics need the same number of partitions (${counts})`);
  }

  private reportLags(): void {
    for (const membership of this.memberships) {
      for (const { group, topic, partition, records } of membership.lags()) {
        const labels = { service: group, topic, partition: String(partition) };
        this.parts.metrics.set('quantum_router_consumer_lag_records', labels, records);
      }
    }
  }
}
