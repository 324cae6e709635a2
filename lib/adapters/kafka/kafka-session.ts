/**
 * A cluster that mends itself: one set of connections, thrown away and made anew when it breaks, and a way to try a
 * request again until it is answered or its time is up. Outages are told once, not at every try.
 */
import { type Clock, sleep } from '../../ports/clock';
import type { Log } from '../../telemetry/log';
import type { KafkaClient, KafkaCluster, KafkaNode } from './kafka-client';
import { errorKind, givenUp, rootError } from './kafka-errors';

const firstBackoffMs = 50;
const maxBackoffMs = 1_000;

export function backoffMs(tries: number): number {
  return Math.min(maxBackoffMs, firstBackoffMs * 2 ** tries);
}

/** Says once that Kafka does not answer, and once that it does again. Shared by all sessions of a process. */
export class Outage {
  private sinceMs: number | null = null;

  constructor(
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  failed(error: unknown): void {
    if (this.sinceMs !== null) return;
    this.sinceMs = this.clock.monotonicMs();
    this.log.warn('Kafka does not answer; trying again until it does', { reason: rootError(error).message });
  }

  answered(): void {
    if (this.sinceMs === null) return;
    this.log.info('Kafka answers again', { afterMs: Math.round(this.clock.monotonicMs() - this.sinceMs) });
    this.sinceMs = null;
  }
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

export class KafkaSession {
  private current: KafkaCluster | null = null;
  private connecting: Promise<KafkaCluster> | null = null;
  private readonly disconnecting = new Set<Promise<void>>();
  private closed = false;

  constructor(
    private readonly client: KafkaClient,
    private readonly clock: Clock,
    private readonly outage: Outage,
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
        const result = await attempt(await this.cluster(limits.topics));
        this.answered();
        return result;
      } catch (error) {
        const waitMs = backoffMs(tries);
        const late = this.clock.monotonicMs() + waitMs - startedMs > limits.timeoutMs;
        if (this.closed || late || errorKind(error) === 'fatal') throw givenUp(limits.what, error);
        await this.mend(error, limits.topics);
        await sleep(this.clock, waitMs);
      }
    }
  }

  /** A request was answered: whatever was wrong is over. */
  answered(): void {
    this.outage.answered();
  }

  /** After an error that is not fatal: makes ready for another try. Never rejects. */
  async mend(error: unknown, topics: readonly string[]): Promise<void> {
    const kind = errorKind(error);
    if (kind === 'connection') {
      this.outage.failed(error);
      this.discard();
    } else if (kind === 'stale' && this.current) {
      const cluster = this.current;
      await cluster.refreshMetadata().catch((failure: unknown) => {
        // A topic that has gone spoils the metadata of all others.
        if (errorKind(failure) === 'stale')
          this.forget([...cluster.targetTopics].filter((topic) => !topics.includes(topic)));
        if (errorKind(failure) === 'connection') this.discard();
      });
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

/** The node that leads a partition. Throws when the topic has no such partition. */
export async function leaderOf(cluster: KafkaCluster, topic: string, partition: number): Promise<KafkaNode> {
  return cluster.findBroker({ nodeId: leaderIdOf(cluster, topic, partition) });
}

export function leaderIdOf(cluster: KafkaCluster, topic: string, partition: number): number {
  const found = cluster.findTopicPartitionMetadata(topic).find(({ partitionId }) => partitionId === partition);
  if (!found) throw new Error(`topic ${topic} has no partition ${partition}`);
  return found.leader;
}
