/**
 * A cluster that mends itself: one set of connections, each of which is made anew when it breaks, all of them when no node
 * answers any more, and a way to try a request again until it is answered or its time is up.
 */
import { type Clock, sleep } from '../../ports/clock';
import type { KafkaClient, KafkaCluster, KafkaNode } from './kafka-client';
import { errorKind, errorType, givenUp, withoutLeader } from './kafka-errors';

const firstBackoffMs = 50;
const maxBackoffMs = 1_000;

export function backoffMs(tries: number): number {
  return Math.min(maxBackoffMs, firstBackoffMs * 2 ** tries);
}

export interface TryLimits {
  /** Names the request in errors. */
  readonly what: string;
  readonly topics: readonly string[];
  /** No new try is begun after so long; Infinity tries until closed. */
  readonly timeoutMs: number;
  /** Asked before every try: an error ends the tries with it. */
  readonly refusal?: () => Error | null;
}

export class KafkaConnections {
  private current: KafkaCluster | null = null;
  private connecting: Promise<KafkaCluster> | null = null;
  private readonly disconnecting = new Set<Promise<void>>();
  private refreshing: Promise<boolean> | null = null;
  /** By partition and topic, as found last: while everything connects anew, what was known is better than nothing. */
  private readonly leaders = new Map<string, number | null>();
  private closed = false;

  constructor(
    private readonly client: KafkaClient,
    private readonly clock: Clock,
  ) {}

  /** A connected cluster that knows these topics. Rejects with a kafkajs error. */
  async cluster(topics: readonly string[]): Promise<KafkaCluster> {
    if (this.closed) throw new Error('the broker is closed');
    const cluster = this.current ?? (await this.connect());
    // kafkajs counts a topic as added before it knows its partitions: whoever asks meanwhile must wait too.
    if (topics.some((topic) => !hasMetadata(cluster, topic))) await cluster.addMultipleTargetTopics(topics);
    return cluster;
  }

  /** Runs `attempt` until it succeeds. Rejects with what cannot be mended, or a TransientError when the time is up. */
  async run<T>(limits: TryLimits, attempt: (cluster: KafkaCluster) => Promise<T>): Promise<T> {
    const startedMs = this.clock.monotonicMs();
    for (let tries = 0; ; tries++) {
      const refused = limits.refusal?.();
      if (refused) throw refused;
      try {
        return await attempt(await this.cluster(limits.topics));
      } catch (error) {
        const waitMs = backoffMs(tries);
        const late = this.clock.monotonicMs() + waitMs - startedMs > limits.timeoutMs;
        if (this.closed || late || errorKind(error) === 'fatal') throw givenUp(limits.what, error);
        await this.mend(error, limits.topics);
        await sleep(this.clock, waitMs);
      }
    }
  }

  /**
   * After an error that is not fatal: makes ready for another try. Only the connection that broke is gone; where other
   * nodes answer, they say who leads now. Resolves with whether any node has answered, now or with this error. Never rejects.
   */
  async mend(error: unknown, topics: readonly string[]): Promise<boolean> {
    const kind = errorKind(error);
    if (kind !== 'connection' && kind !== 'stale') return errorType(error) !== null;
    // Several requests fail together: one look serves them all.
    this.refreshing ??= this.refresh(topics).finally(() => {
      this.refreshing = null;
    });
    return this.refreshing;
  }

  /** Who leads a partition, as far as it is known without asking, or was known last; null when nobody is known to. */
  knownLeader(topic: string, partition: number): number | null {
    const { current } = this;
    const place = `${partition}/${topic}`;
    if (current && hasMetadata(current, topic)) {
      const found = current.findTopicPartitionMetadata(topic).find(({ partitionId }) => partitionId === partition);
      this.leaders.set(place, found && found.leader >= 0 ? found.leader : null);
    }
    return this.leaders.get(place) ?? null;
  }

  private async refresh(topics: readonly string[]): Promise<boolean> {
    const cluster = this.current;
    if (!cluster) return false;
    try {
      await cluster.refreshMetadata();
      return true;
    } catch (failure) {
      // A topic that has gone spoils the metadata of all others.
      if (errorKind(failure) === 'stale')
        this.forget([...cluster.targetTopics].filter((topic) => !topics.includes(topic)));
      if (errorKind(failure) === 'connection' && this.current === cluster) this.discard();
      return errorType(failure) !== null;
    }
  }

  forget(topics: readonly string[]): void {
    for (const topic of topics) this.current?.targetTopics.delete(topic);
  }

  /** Closes the connections; what is outstanding on them is waited for. */
  async close(): Promise<void> {
    this.closed = true;
    await this.connecting?.catch(() => {});
    this.discard();
    await Promise.all(this.disconnecting);
  }

  /** As `close`, but what is outstanding fails at once. */
  async abandon(): Promise<void> {
    this.current?.abandon();
    await this.close();
  }

  private connect(): Promise<KafkaCluster> {
    this.connecting ??= this.open().finally(() => {
      this.connecting = null;
    });
    return this.connecting;
  }

  private async open(): Promise<KafkaCluster> {
    const cluster = this.client.openCluster();
    try {
      await cluster.connect();
    } catch (error) {
      this.disconnect(cluster);
      throw error;
    }
    this.current = cluster;
    return cluster;
  }

  private discard(): void {
    const { current } = this;
    this.current = null;
    if (current) this.disconnect(current);
  }

  private disconnect(cluster: KafkaCluster): void {
    const done = cluster
      .disconnect()
      .catch(() => {})
      .finally(() => this.disconnecting.delete(done));
    this.disconnecting.add(done);
  }
}

function hasMetadata(cluster: KafkaCluster, topic: string): boolean {
  if (!cluster.targetTopics.has(topic)) return false;
  try {
    return cluster.findTopicPartitionMetadata(topic).length > 0;
  } catch {
    // No metadata of anything yet: the first to ask is still waiting for it.
    return false;
  }
}

/** The node that leads a partition. Throws when nobody is known to. */
export async function leaderOf(cluster: KafkaCluster, topic: string, partition: number): Promise<KafkaNode> {
  return cluster.findBroker({ nodeId: leaderIdOf(cluster, topic, partition) });
}

export function leaderIdOf(cluster: KafkaCluster, topic: string, partition: number): number {
  const found = cluster.findTopicPartitionMetadata(topic).find(({ partitionId }) => partitionId === partition);
  if (!found || found.leader < 0) throw withoutLeader(topic, partition, found !== undefined);
  return found.leader;
}
