/**
 * One member of a consumer group: join, sync, heartbeat, commit, leave, by Kafka's classic group protocol. kafkajs's own
 * consumer ties these to its fetching and hides the generation; here a commit carries the generation it belongs to, and a
 * member that could not heartbeat for the session time-out takes itself for lost.
 */

import { AssignerProtocol } from 'kafkajs';
import { dictionaryOf } from '../../dictionary';
import { type Clock, within } from '../../ports/clock';
import type { Log } from '../../telemetry/log';
import { assignCoPartitions, type GroupMemberClaim } from './co-partition-assigner';
import type { KafkaCluster, KafkaNode } from './kafka-client';
import { backoffMs, type KafkaConnections, leaderOf } from './kafka-connections';
import { errorKind, errorType, givenUp, isMembershipLost, withoutLeader } from './kafka-errors';
import type { KafkaSettings } from './kafka-settings';

const { MemberAssignment, MemberMetadata } = AssignerProtocol;
const protocolName = 'co-partition';
const groupCoordinator = 0;
const transactionCoordinator = 1;

/**
 * How long a member goes on without its coordinator while other nodes answer: until Kafka has given up on the coordinator
 * (`broker.session.timeout.ms`, 9 s) and another node has taken its place. Nobody can have been given the partitions
 * meanwhile, unless the coordinator is cut off from this process alone; then both write, and readers drop the duplicates.
 */
const coordinatorPatienceMs = 15_000;

/** A heartbeat that is not answered within this time may never be. */
const heartbeatPatienceMs = 2_000;

/** Before a member comes to a rebalance, or leaves, its writes under way have so long to end. */
const finishLimitMs = 1_500;

/** What this member owns between two rebalances. */
export interface Generation {
  readonly generationId: number;
  readonly memberId: string;
  readonly partitions: readonly number[];
  /** False once the group has gone on without it, or may have. */
  isLive(): boolean;
  /** True while what was begun in its name may still be finished: a little longer than it is live, where the group waits. */
  mayFinish(): boolean;
}

export interface GroupMemberOptions {
  readonly groupId: string;
  readonly topics: readonly string[];
  /** Partitions that the group works on; topics may have more by now. */
  readonly partitions: number;
  readonly settings: KafkaSettings;
  readonly connections: KafkaConnections;
  readonly clock: Clock;
  readonly log: Log;
  /** May take its time, and should end early when the generation is over. When it rejects, the member joins anew. */
  readonly onJoined: (generation: Generation) => Promise<void>;
  /**
   * The group rebalances and waits for its members. What is begun in the name of the generation after this call waits for
   * `onContinued` or `onLost`. Resolves when nothing is under way any more.
   */
  readonly onPaused: (generation: Generation) => Promise<void>;
  /**
   * Comes before `onJoined` where `generation` follows `earlier`, which ends with this call, without `onLost`: the member was in the group in
   * both and there is none between them, so that nobody else can have owned what it owns in both.
   */
  readonly onContinued: (generation: Generation, earlier: Generation) => void;
  /** The generation is over. Called once per generation that is not continued. */
  readonly onLost: (generation: Generation) => void;
  /** Resolves when nothing is under way in the name of a generation that is over. Waited for before its partitions are given up. */
  readonly finished?: (generation: Generation) => Promise<void>;
  /** Membership is over for good. */
  readonly onFailed: (error: Error) => void;
  /** Seconds from the first try to the assignment. */
  readonly onRebalanced: (seconds: number) => void;
}

class LiveGeneration implements Generation {
  private over = false;
  /** Somebody was told that the session is over. What has acted on that is not taken back by an answer that comes late. */
  private expired = false;
  /** Until when what is under way may go on after the end. */
  private finishUntilMs = Number.NEGATIVE_INFINITY;
  /** When a node last answered that the coordinator does not. */
  private contactMs = Number.NEGATIVE_INFINITY;

  constructor(
    readonly generationId: number,
    readonly memberId: string,
    readonly partitions: readonly number[],
    private readonly clock: Clock,
    private readonly sessionTimeoutMs: number,
    public lastHeartbeatMs: number,
  ) {}

  // Asks the clock: after a freeze of the whole process no timer has run yet, but the time has passed.
  isLive(): boolean {
    return !this.over && !this.hasExpired();
  }

  mayFinish(): boolean {
    return !this.hasExpired() && (!this.over || this.clock.monotonicMs() < this.finishUntilMs);
  }

  private hasExpired(): boolean {
    this.expired ||= this.expiresInMs() <= 0;
    return this.expired;
  }

  expiresInMs(): number {
    const patientMs = Math.min(this.contactMs, this.lastHeartbeatMs + coordinatorPatienceMs);
    return Math.max(this.lastHeartbeatMs, patientMs) + this.sessionTimeoutMs - this.clock.monotonicMs();
  }

  /** The coordinator does not answer, but others do. */
  otherAnswered(): void {
    this.contactMs = this.clock.monotonicMs();
  }

  /** `finishMs`: so long what is under way may go on. */
  end(finishMs: number): boolean {
    const was = !this.over;
    this.over = true;
    if (was) this.finishUntilMs = this.clock.monotonicMs() + finishMs;
    return was;
  }
}

export class GroupMember {
  private memberId = '';
  /** What was owned last: claimed again when the group rebalances. */
  private owned: readonly number[] = [];
  private generation: LiveGeneration | null = null;
  private leaving = false;
  private coordinator: { readonly cluster: KafkaCluster; readonly nodeId: number } | null = null;
  private wake: () => void = () => {};
  private away = unsettled();
  private running: Promise<void> = Promise.resolve();
  /** What is under way when it leaves. */
  private finishing: Promise<void> = Promise.resolve();

  constructor(private readonly options: GroupMemberOptions) {}

  get id(): string {
    return this.memberId;
  }

  start(): void {
    this.running = this.run();
  }

  /** Commits in the name of `generation`. Rejects with a kafkajs error. */
  async commit(generation: Generation, positions: ReadonlyMap<string, ReadonlyMap<number, number>>): Promise<void> {
    const coordinator = await this.findCoordinator();
    await coordinator.offsetCommit({
      groupId: this.options.groupId,
      groupGenerationId: generation.generationId,
      memberId: generation.memberId,
      topics: [...positions].map(([topic, partitions]) => ({
        topic,
        partitions: [...partitions].map(([partition, offset]) => ({
          partition,
          offset: String(offset),
          metadata: null,
        })),
      })),
    });
  }

  /** Resolves when the group's coordinator takes the generation for the present one; rejects where it does not. */
  async confirm(generation: Generation): Promise<void> {
    await this.sendHeartbeat(generation);
  }

  /** The generation is known to be over before a heartbeat has told: join again at once. */
  suspect(generation: Generation): void {
    if (this.generation === generation) this.lose(0);
    this.wake();
  }

  /** Leaves the group, so that the others need not wait for the session time-out. Never rejects. */
  async leave(): Promise<void> {
    this.leaving = true;
    const ended = this.lose(finishLimitMs);
    this.wake();
    if (ended) this.finishing = this.finish(ended);
    await this.running;
  }

  /** After an error that is not fatal: makes ready for another try. Resolves with whether any node has answered. */
  async mend(error: unknown): Promise<boolean> {
    this.coordinator = null;
    return this.options.connections.mend(error, this.options.topics);
  }

  /** Resolves once the coordinator does not answer heartbeats; at once while it does not. */
  coordinatorAway(): Promise<void> {
    return this.away.promise;
  }

  private async run(): Promise<void> {
    const { onFailed, groupId, log, connections } = this.options;
    for (let failures = 0; !this.leaving; ) {
      try {
        const generation = await this.join();
        failures = 0;
        await this.live(generation);
        this.lose(0);
      } catch (error) {
        if (errorType(error) === 'REBALANCE_IN_PROGRESS' && (await this.pauseWork())) continue;
        this.lose(0);
        if (this.leaving) break;
        if (errorType(error) === 'UNKNOWN_MEMBER_ID') this.memberId = '';
        if (isMembershipLost(error)) continue;
        if (errorKind(error) === 'fatal') {
          onFailed(givenUp(`membership of group ${groupId}`, error));
          break;
        }
        log.debug('joining the group failed, trying again', { group: groupId, reason: (error as Error).message });
        await this.mend(error);
        await this.pause(backoffMs(failures++));
      }
    }
    await this.finishing;
    await this.depart();
    await connections.close();
  }

  private async join(): Promise<LiveGeneration> {
    try {
      return await this.joinAfter(this.generation);
    } catch (error) {
      // The group may go on without this member, or with a generation that it has not seen.
      this.lose(0);
      throw error;
    }
  }

  /** `earlier`: the generation that is paused, where there is one. */
  private async joinAfter(earlier: LiveGeneration | null): Promise<LiveGeneration> {
    const { groupId, topics, settings, clock } = this.options;
    const startedMs = clock.monotonicMs();
    const coordinator = await this.findCoordinator();
    const joined = await coordinator.joinGroup({
      groupId,
      sessionTimeout: settings.sessionTimeoutMs,
      rebalanceTimeout: settings.rebalanceTimeoutMs,
      memberId: this.memberId,
      groupProtocols: [{ name: protocolName, metadata: claimMetadata(topics, this.owned) }],
    });
    this.memberId = joined.memberId;
    const { generationId, memberId } = joined;
    // Counted from before the answer: what is live here must not be dead there.
    const syncedMs = clock.monotonicMs();
    const { memberAssignment } = await coordinator.syncGroup({
      groupId,
      generationId,
      memberId,
      groupAssignment: joined.leaderId === memberId ? await this.assign(joined.members) : [],
    });
    const assignment = MemberAssignment.decode(memberAssignment)?.assignment ?? {};
    const partitions = [...new Set(Object.values(assignment).flat())].sort((a, b) => a - b);
    this.owned = partitions;
    const generation = new LiveGeneration(
      generationId,
      memberId,
      partitions,
      clock,
      settings.sessionTimeoutMs,
      syncedMs,
    );
    const continues = earlier !== null && this.generation === earlier && follows(generation, earlier);
    if (!continues) this.lose(0);
    this.generation = generation;
    if (continues) {
      this.options.onContinued(generation, earlier);
      earlier.end(0);
    }
    this.options.onRebalanced((clock.monotonicMs() - startedMs) / 1_000);
    return generation;
  }

  private async assign(
    members: readonly { memberId: string; memberMetadata: Buffer }[],
  ): Promise<{ memberId: string; memberAssignment: Buffer }[]> {
    const { topics, connections, partitions: most } = this.options;
    const cluster = await connections.cluster(topics);
    const counts = topics.map((topic) => Math.min(most, cluster.findTopicPartitionMetadata(topic).length));
    const assigned = assignCoPartitions(members.map(claimOf), counts);
    return [...assigned].map(([memberId, partitions]) => {
      const assignment = dictionaryOf<string, number[]>();
      for (const [i, topic] of topics.entries()) {
        const owned = partitions.filter((partition) => partition < counts[i]!);
        if (owned.length > 0) assignment[topic] = owned;
      }
      return {
        memberId,
        memberAssignment: MemberAssignment.encode({ version: 1, assignment, userData: Buffer.alloc(0) }),
      };
    });
  }

  /** Heartbeats until the generation is over. Throws when the group goes on without it. */
  private async live(generation: LiveGeneration): Promise<void> {
    let failure: unknown = null;
    this.options.onJoined(generation).catch((error: unknown) => {
      if (!generation.isLive()) return;
      failure = error;
      this.wake();
    });
    while (generation.isLive() && !this.leaving && failure === null) await this.beat(generation);
    if (failure !== null && !this.leaving) throw failure;
  }

  /** Waits for the interval, then one heartbeat. */
  private async beat(generation: LiveGeneration): Promise<void> {
    const { settings, clock } = this.options;
    await this.pause(Math.min(settings.heartbeatIntervalMs, generation.expiresInMs()));
    if (!generation.isLive() || this.leaving) return;
    const sentMs = clock.monotonicMs();
    const answered = this.sendHeartbeat(generation).then(
      () => {
        generation.lastHeartbeatMs = sentMs;
        this.away = unsettled();
      },
      async (error: unknown) => {
        if (errorKind(error) === 'fatal') throw error;
        this.away.resolve();
        if (await this.mend(error)) generation.otherAnswered();
      },
    );
    // An answer that takes longer than the session is no answer. Before that, others are asked whether they are there.
    const patience = this.timer(Math.min(heartbeatPatienceMs, generation.expiresInMs()));
    const isLate = await Promise.race([answered.then(() => false), patience.fired.then(() => true)]).finally(
      patience.cancel,
    );
    answered.catch(() => {});
    if (isLate && generation.isLive() && !this.leaving) {
      this.away.resolve();
      const asked = this.mend(noAnswer()).then((contact) => {
        if (contact) generation.otherAnswered();
      });
      const expiry = this.timer(generation.expiresInMs());
      await Promise.race([asked, expiry.fired]).finally(expiry.cancel);
    }
    if (!generation.isLive() && !this.leaving) {
      const { log, groupId } = this.options;
      log.warn('no heartbeat was answered within the session time-out: giving up the partitions', { group: groupId });
    }
  }

  private async sendHeartbeat(generation: Generation): Promise<void> {
    const coordinator = await this.findCoordinator();
    await coordinator.heartbeat({
      groupId: this.options.groupId,
      groupGenerationId: generation.generationId,
      memberId: generation.memberId,
    });
  }

  private async depart(): Promise<void> {
    if (this.memberId === '') return;
    try {
      await (await this.findCoordinator()).leaveGroup({ groupId: this.options.groupId, memberId: this.memberId });
    } catch {
      // The session time-out does it then.
    }
  }

  private async findCoordinator(): Promise<KafkaNode> {
    const { connections, topics, groupId } = this.options;
    const cluster = await connections.cluster(topics);
    if (this.coordinator?.cluster !== cluster) {
      this.coordinator = { cluster, nodeId: await coordinatorIdOf(cluster, topics[0]!, groupId) };
    }
    return cluster.findBroker({ nodeId: this.coordinator.nodeId });
  }

  /** The generation that has ended by this, if there was one. */
  private lose(finishMs: number): Generation | null {
    const { generation } = this;
    this.generation = null;
    if (!generation?.end(finishMs)) return null;
    this.options.onLost(generation);
    return generation;
  }

  /** Before a rebalance. Resolves with whether nothing is under way any more and the generation may be continued by the next one. */
  private async pauseWork(): Promise<boolean> {
    const { generation } = this;
    const { clock, onPaused } = this.options;
    if (!generation?.isLive()) return false;
    const idle = onPaused(generation).then(() => true);
    return (await within(clock, finishLimitMs, idle, () => false)) && this.generation === generation;
  }

  private async finish(generation: Generation): Promise<void> {
    const { clock, finished } = this.options;
    if (!finished || !generation.mayFinish()) return;
    await within(clock, finishLimitMs, finished(generation), () => {});
  }

  /** Sleeps until the time is over or somebody wakes it. */
  private async pause(waitMs: number): Promise<void> {
    if (this.leaving || waitMs <= 0) return;
    const timer = this.timer(waitMs);
    await timer.fired;
  }

  private timer(waitMs: number): { readonly fired: Promise<void>; readonly cancel: () => void } {
    let cancel = (): void => {};
    const fired = new Promise<void>((resolve) => {
      cancel = this.options.clock.setTimer(Math.max(0, waitMs), resolve);
      this.wake = () => {
        cancel();
        resolve();
      };
    });
    return { fired, cancel };
  }
}

/**
 * Whether a member was in the group without a gap. Every generation gives each partition to one member, so one that was not
 * there for a generation, or may have been thought dead, cannot know who owned its partitions meanwhile.
 */
function follows(generation: LiveGeneration, earlier: LiveGeneration): boolean {
  return (
    generation.memberId === earlier.memberId &&
    generation.generationId === earlier.generationId + 1 &&
    earlier.isLive() &&
    generation.isLive()
  );
}

/** As from a connection on which nothing came. */
function noAnswer(): Error {
  return Object.assign(new Error('no heartbeat was answered in time'), { name: 'KafkaJSRequestTimeoutError' });
}

function unsettled(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** Which node coordinates a group. Any node knows; the leader of a topic that is read is as good as another. */
export async function coordinatorIdOf(cluster: KafkaCluster, topic: string, groupId: string): Promise<number> {
  const node = await leaderOf(cluster, topic, 0);
  const { coordinator } = await node.findGroupCoordinator({ groupId, coordinatorType: groupCoordinator });
  return coordinator.nodeId;
}

/** Which node coordinates the transactions of an id. Every leader of the topic is asked until one answers. */
export async function transactionCoordinatorIdOf(
  cluster: KafkaCluster,
  topic: string,
  transactionalId: string,
): Promise<number> {
  const leaders = new Set(cluster.findTopicPartitionMetadata(topic).map(({ leader }) => leader));
  let failed: unknown = withoutLeader(topic, 0, leaders.size > 0);
  for (const nodeId of leaders) {
    if (nodeId < 0) continue;
    try {
      const node = await cluster.findBroker({ nodeId });
      const asked = { groupId: transactionalId, coordinatorType: transactionCoordinator };
      return (await node.findGroupCoordinator(asked)).coordinator.nodeId;
    } catch (error) {
      failed = error;
    }
  }
  throw failed;
}

function claimMetadata(topics: readonly string[], owned: readonly number[]): Buffer {
  return MemberMetadata.encode({ version: 1, topics: [...topics], userData: Buffer.from(JSON.stringify(owned)) });
}

function claimOf({ memberId, memberMetadata }: { memberId: string; memberMetadata: Buffer }): GroupMemberClaim {
  const userData = MemberMetadata.decode(memberMetadata)?.userData.toString() ?? '';
  try {
    const owned: unknown = JSON.parse(userData);
    return { memberId, owned: Array.isArray(owned) ? owned.filter(Number.isInteger) : [] };
  } catch {
    return { memberId, owned: [] };
  }
}
