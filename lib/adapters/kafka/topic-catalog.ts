/** Topics as Kafka knows them: makes them with fitting settings, lists them, and remembers what a writer has to know of each. */
import type { TopicPartition, TopicSettings } from '../../ports/broker';
import type { Log } from '../../telemetry/log';
import type { Metrics } from '../../telemetry/metrics';
import type { KafkaCluster, KafkaNode } from './kafka-client';
import { type KafkaConnections, leaderOf } from './kafka-connections';
import { errorType, rootError, withoutLeader } from './kafka-errors';

/** Between a topic's `max.message.bytes`, which limits a whole batch, and the largest record: room for headers and framing. */
export const batchOverheadBytes = 4_096;
const requestTimeoutMs = 10_000;
const tryMs = 15_000;
/** Kafka has agreed to make them by then: only a node that has nothing to spare is so slow to hear of it. */
const spreadMs = 120_000;
/** Of topics that are made where nobody says how many. */
const mostCopies = 3;
const topicResource = 2;
const configNames = ['cleanup.policy', 'retention.ms', 'max.message.bytes', 'compression.type'];
/** What Kafka's own defaults amount to, for topics whose settings this client may not read. */
const kafkaDefaults = {
  cleanup: 'delete',
  retentionMs: 7 * 24 * 3_600_000,
  maxRecordBytes: 1_048_588 - batchOverheadBytes,
} as const;

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const longestSegmentMs = 7 * 24 * hourMs;

/** Of each partition of a topic, of so many, whether anything was ever written to it. */
export type Holding = (topic: string, partitions: number) => Promise<readonly boolean[]>;
/** Share of the topics: a foreign producer may have found the added partitions of a few. */
const mostHoldingOutside = 2 / 3;

type DescribedResource = Awaited<ReturnType<KafkaNode['describeConfigs']>>['resources'][number];

export class TopicCatalog {
  /** As agreed: with the number of partitions that the engine works on, whatever was added later. */
  private readonly known = new Map<string, TopicSettings>();
  /** Partitions by topic, as first wanted or seen. */
  private readonly agreed = new Map<string, number>();
  /** How many partitions beyond the agreed ones were told of, by topic. */
  private readonly told = new Map<string, number>();
  private readonly loading = new Map<string, Promise<TopicSettings>>();
  /** Topics whose settings Kafka has told, rather than what it would make by default. */
  private readonly seen = new Set<string>();
  private saidSettingsAreHidden = false;
  /** Topics that the broker does not keep uncompressed, as `ensure` makes them. */
  private readonly compressed = new Set<string>();

  constructor(
    private readonly connections: KafkaConnections,
    private readonly replicationFactor: number | null,
    private readonly log: Log,
    private readonly metrics: Metrics,
  ) {}

  /** What is remembered of a topic, without asking. */
  remembered(name: string): TopicSettings | undefined {
    return this.known.get(name);
  }

  /** Rejects when the topic does not exist. */
  async settings(name: string): Promise<TopicSettings> {
    const known = this.known.get(name);
    if (known) return known;
    let loading = this.loading.get(name);
    if (!loading) {
      loading = this.load(name).finally(() => this.loading.delete(name));
      this.loading.set(name, loading);
    }
    return loading;
  }

  forget(name: string): void {
    this.known.delete(name);
  }

  async list(): Promise<readonly TopicSettings[]> {
    // One try asks both, so that a topic which somebody deletes in between is not asked about again.
    return this.connections.run({ what: 'listing topics', topics: [], timeoutMs: tryMs }, async (cluster) => {
      const all = await countsOf(cluster, []);
      const partitions = new Map([...all].filter(([name]) => !name.startsWith('__')));
      return this.remember(partitions, await this.configsOf(cluster, [...partitions.keys()]));
    });
  }

  async ensure(wanted: readonly TopicSettings[], holding: Holding): Promise<void> {
    const present = await this.partitionCounts();
    const missing = await missingOf(wanted, present, holding);
    for (const { name, partitions } of wanted) this.agreed.set(name, partitions);
    this.tellOutside(
      present,
      wanted.map(({ name }) => name),
    );
    const existing = wanted.filter(({ name }) => present.has(name));
    if (existing.length > 0) {
      const described = await this.describe(new Map(existing.map(({ name }) => [name, present.get(name)!])));
      this.warnAboutPolicy(existing, described);
      this.tellCompressed(existing);
    }
    if (missing.length > 0) await this.create(missing, holding);
  }

  async delete(names: readonly string[]): Promise<void> {
    await this.connections.run({ what: 'deleting topics', topics: [], timeoutMs: tryMs }, async (cluster) => {
      try {
        await (await anyNode(cluster)).deleteTopics({ topics: names, timeout: requestTimeoutMs });
      } catch (error) {
        if (errorType(error) !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error;
      }
    });
    for (const name of names) {
      this.known.delete(name);
      this.agreed.delete(name);
    }
    this.connections.forget(names);
  }

  async trim({ topic, partition }: TopicPartition, before: number): Promise<void> {
    const what = `forgetting what is before ${before} of ${topic}[${partition}]`;
    await this.connections.run({ what, topics: [topic], timeoutMs: tryMs }, async (cluster) => {
      const node = await leaderOf(cluster, topic, partition);
      const partitions = [{ partition, offset: String(before) }];
      await node.deleteRecords({ timeout: requestTimeoutMs, topics: [{ topic, partitions }] });
    });
  }

  /** How many partitions these topics have by now, and an alarm when it is more than was agreed. */
  async actualPartitions(names: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const present = await this.partitionCounts(names);
    this.tellOutside(present, names);
    return present;
  }

  private tellOutside(present: ReadonlyMap<string, number>, names: readonly string[]): void {
    for (const name of names) {
      const agreed = this.agreed.get(name);
      const outside = (present.get(name) ?? 0) - (agreed ?? 0);
      if (agreed === undefined || outside <= 0 || this.told.get(name) === outside) continue;
      this.told.set(name, outside);
      this.metrics.set('quantum_router_kafka_partitions_outside', { topic: name }, outside);
      this.log.error(
        'a topic has more partitions than the engine works on: what is produced there is forwarded, late; see docs/operations.md, Partitions and scaling',
        { topic: name, agreed, has: agreed + outside },
      );
    }
  }

  private async load(name: string): Promise<TopicSettings> {
    const present = await this.partitionCounts([name]);
    if (!present.has(name)) throw new Error(`topic ${name} does not exist: create it with ensureTopics first`);
    await this.describe(present);
    return this.known.get(name)!;
  }

  /** By topic: of all topics, or of those named that exist. */
  private partitionCounts(names: readonly string[] = []): Promise<Map<string, number>> {
    const what = `looking at ${names.length > 0 ? names.join(', ') : 'all topics'}`;
    return this.connections.run({ what, topics: [], timeoutMs: tryMs }, (cluster) => countsOf(cluster, names));
  }

  /** Reads the settings of existing topics and remembers them. */
  private async describe(partitions: ReadonlyMap<string, number>): Promise<TopicSettings[]> {
    const names = [...partitions.keys()];
    const configs = await this.connections.run({ what: 'describing topics', topics: [], timeoutMs: tryMs }, (cluster) =>
      this.configsOf(cluster, names),
    );
    return this.remember(partitions, configs);
  }

  /** One try. */
  private async configsOf(cluster: KafkaCluster, names: readonly string[]): Promise<readonly DescribedResource[]> {
    if (names.length === 0) return [];
    const resources = names.map((name) => ({ type: topicResource, name, configNames }));
    try {
      return (await (await anyNode(cluster)).describeConfigs({ resources })).resources;
    } catch (error) {
      if (errorType(error) !== 'TOPIC_AUTHORIZATION_FAILED') throw error;
      if (!this.saidSettingsAreHidden)
        this.log.info(
          'not allowed to read topic settings (DescribeConfigs): taking the sizes of Kafka’s defaults for granted',
        );
      this.saidSettingsAreHidden = true;
      return [];
    }
  }

  private remember(partitions: ReadonlyMap<string, number>, configs: readonly DescribedResource[]): TopicSettings[] {
    const entries = new Map(configs.map(({ resourceName, configEntries }) => [resourceName, configEntries]));
    return [...partitions].map(([name, count]) => {
      const config = new Map(entries.get(name)?.map(({ configName, configValue }) => [configName, configValue]));
      const settings: TopicSettings = { name, partitions: count, ...kafkaDefaults, ...settingsOf(config) };
      const agreed = this.agreed.get(name) ?? count;
      this.agreed.set(name, agreed);
      this.known.set(name, { ...settings, partitions: Math.min(agreed, count) });
      if (config.has('cleanup.policy')) this.seen.add(name);
      if ((config.get('compression.type') ?? 'uncompressed') !== 'uncompressed') this.compressed.add(name);
      return settings;
    });
  }

  private async create(topics: readonly TopicSettings[], holding: Holding): Promise<void> {
    const names = topics.map(({ name }) => name);
    const replicationFactor = this.replicationFactor ?? (await this.fittingReplication());
    await this.connections.run(
      { what: `creating ${names.join(', ')}`, topics: [], timeoutMs: tryMs },
      async (cluster) => {
        try {
          await (await anyNode(cluster)).createTopics({
            timeout: requestTimeoutMs,
            topics: topics.map((topic) => ({
              topic: topic.name,
              numPartitions: topic.partitions,
              replicationFactor,
              configEntries: configOf(topic, replicationFactor),
            })),
          });
        } catch (error) {
          refuseCreation(error, replicationFactor);
        }
      },
    );
    const present = await this.whenUsable(names);
    // Another process may have made them at the same moment, with other numbers.
    await missingOf(topics, present, holding);
    for (const topic of topics) this.known.set(topic.name, topic);
  }

  /** Three copies where there are three nodes, else one on each. */
  private fittingReplication(): Promise<number> {
    return this.connections.run({ what: 'counting the nodes', topics: [], timeoutMs: tryMs }, async (cluster) => {
      const { brokers } = await (await anyNode(cluster)).metadata([]);
      return Math.max(1, Math.min(mostCopies, brokers.length));
    });
  }

  /** Leaders are chosen, and other nodes told, a moment after topics were made. */
  private whenUsable(names: readonly string[]): Promise<Map<string, number>> {
    return this.connections.run(
      { what: `waiting for ${names.join(', ')}`, topics: [], timeoutMs: spreadMs },
      async (cluster) => {
        const { topicMetadata } = await (await anyNode(cluster)).metadata(names);
        const made = new Map(topicMetadata.map(({ topic, partitionMetadata }) => [topic, partitionMetadata]));
        for (const name of names) {
          const partitions = made.get(name) ?? [];
          const leaderless = partitions.find(({ leader }) => leader < 0);
          if (partitions.length === 0 || leaderless) {
            throw withoutLeader(name, leaderless?.partitionId ?? 0, leaderless !== undefined);
          }
        }
        return new Map([...made].map(([topic, partitions]) => [topic, partitions.length]));
      },
    );
  }

  private warnAboutPolicy(wanted: readonly TopicSettings[], described: readonly TopicSettings[]): void {
    for (const [i, topic] of wanted.entries()) {
      const { cleanup } = described[i]!;
      if (cleanup === topic.cleanup || !this.seen.has(topic.name)) continue;
      this.log.warn('topic has another cleanup.policy than wanted: records may be lost, or never go', {
        topic: topic.name,
        has: cleanup,
        wanted: topic.cleanup,
      });
    }
  }

  private tellCompressed(wanted: readonly TopicSettings[]): void {
    const topics = wanted.map(({ name }) => name).filter((name) => this.compressed.has(name));
    if (topics.length === 0) return;
    this.log.info(
      'topics are not kept uncompressed: what producers compress, every reader has to undo (compression.type=uncompressed leaves it to the broker)',
      { topics },
    );
  }
}

/** Partitions by topic: of all topics, or of those named that exist. */
async function countsOf(cluster: KafkaCluster, names: readonly string[]): Promise<Map<string, number>> {
  try {
    const { topicMetadata } = await (await anyNode(cluster)).metadata(names);
    return new Map(topicMetadata.map(({ topic, partitionMetadata }) => [topic, partitionMetadata.length]));
  } catch (error) {
    if (errorType(error) !== 'UNKNOWN_TOPIC_OR_PARTITION' || names.length === 0) throw error;
    if (names.length === 1) return new Map();
    // It does not say which: the others are there.
    const each = await Promise.all(names.map((name) => countsOf(cluster, [name])));
    return new Map(each.flatMap((counts) => [...counts]));
  }
}

async function anyNode(cluster: KafkaCluster): Promise<KafkaNode> {
  try {
    return await cluster.findControllerBroker();
  } catch (error) {
    if (rootError(error).name !== 'KafkaJSMetadataNotLoaded') throw error;
    await cluster.refreshMetadata();
    return cluster.findControllerBroker();
  }
}

/**
 * Returns the topics that are still to be made. Fewer partitions than wanted are refused, with a readable difference, and so
 * is another number in all topics: that is a wrong setting. More in some of them were added by somebody later, and so were more
 * in all of them where what there is lies within the number wanted.
 */
async function missingOf(
  wanted: readonly TopicSettings[],
  present: ReadonlyMap<string, number>,
  holding: Holding,
): Promise<TopicSettings[]> {
  const differences: string[] = [];
  const suspects = new Set(
    wanted.map(({ partitions }) => partitions).filter((n) => isAnotherNumber(n, wanted, present)),
  );
  for (const partitions of suspects)
    if (await wereAdded(partitions, wanted, present, holding)) suspects.delete(partitions);
  for (const { name, partitions } of wanted) {
    if (!Number.isInteger(partitions) || partitions < 1) {
      differences.push(`${name}: partitions must be a positive integer, not ${partitions}`);
    }
    const has = present.get(name);
    const otherwise = has !== undefined && (has < partitions || suspects.has(partitions));
    if (otherwise && has !== partitions) differences.push(`${name}: has ${has} partitions, wanted ${partitions}`);
  }
  if (differences.length > 0) {
    throw new Error(
      `topics cannot be made as wanted, since keys would move to other partitions; use the existing number (PARTITIONS, --partitions) or a new topic prefix:\n  ${differences.join('\n  ')}`,
    );
  }
  return wanted.filter(({ name }) => !present.has(name));
}

/** Whether all topics that should have this number agree on a higher one. */
function isAnotherNumber(
  partitions: number,
  wanted: readonly TopicSettings[],
  present: ReadonlyMap<string, number>,
): boolean {
  const counts = wanted.flatMap((topic) => {
    const has = present.get(topic.name);
    return topic.partitions === partitions && has !== undefined ? [has] : [];
  });
  return counts.length > 1 && counts[0]! > partitions && new Set(counts).size === 1;
}

/**
 * Whether an engine has worked here on this number of partitions, before there were more. With another setting it would have
 * written to the others in nearly every topic; what nobody has written to yet is no evidence, and the setting is to be mended.
 */
async function wereAdded(
  partitions: number,
  wanted: readonly TopicSettings[],
  present: ReadonlyMap<string, number>,
  holding: Holding,
): Promise<boolean> {
  let within = 0;
  let outside = 0;
  for (const topic of wanted) {
    const has = present.get(topic.name);
    if (topic.partitions !== partitions || has === undefined) continue;
    const holds = await holding(topic.name, has);
    if (!holds.slice(0, partitions).includes(true)) continue;
    within++;
    if (holds.slice(partitions).includes(true)) outside++;
  }
  return within > 0 && outside <= within * mostHoldingOutside;
}

/** Passes over topics that another process has made meanwhile. */
function refuseCreation(error: unknown, replicationFactor: number): void {
  const failures = (error as { errors?: readonly Error[] }).errors;
  if (!failures) throw error;
  const others = failures.filter((failure) => errorType(failure) !== 'TOPIC_ALREADY_EXISTS');
  if (others.length === 0) return;
  const forbidden = others.filter((failure) => /AUTHORIZATION_FAILED$/.test(errorType(failure) ?? ''));
  if (forbidden.length > 0) {
    const names = forbidden.map((failure) => (failure as { topic?: string }).topic).join(', ');
    throw new Error(
      `this user may neither see nor make ${names}: where they exist, grant the rights of docs/operations.md (Security); where they do not, \`quantum-router topics create\` makes them`,
      { cause: error },
    );
  }
  const retriable = others.find((failure) => rootError(failure).retriable);
  if (retriable) throw retriable;
  const reasons = others.map((failure) => {
    const { topic } = failure as { topic?: string };
    const type = errorType(failure);
    const hint = type === 'INVALID_REPLICATION_FACTOR' ? ` (replication factor ${replicationFactor})` : '';
    return `${topic}: ${failure.message}${hint}`;
  });
  throw new Error(`Kafka refuses to make topics:\n  ${reasons.join('\n  ')}`, { cause: error });
}

function settingsOf(config: ReadonlyMap<string, string>): Partial<Omit<TopicSettings, 'name' | 'partitions'>> {
  const policy = config.get('cleanup.policy');
  const retention = config.get('retention.ms');
  const bytes = config.get('max.message.bytes');
  return {
    ...(policy !== undefined && { cleanup: policy.includes('compact') ? ('compact' as const) : ('delete' as const) }),
    ...(retention !== undefined && { retentionMs: retention === '-1' ? null : Number(retention) }),
    ...(bytes !== undefined && { maxRecordBytes: Math.max(0, Number(bytes) - batchOverheadBytes) }),
  };
}

function configOf(topic: TopicSettings, replicationFactor: number): { name: string; value: string }[] {
  const retentionMs = topic.retentionMs ?? -1;
  const config: Record<string, string | number> = {
    'cleanup.policy': topic.cleanup,
    'retention.ms': retentionMs,
    'max.message.bytes': topic.maxRecordBytes + batchOverheadBytes,
    // The broker undoes what foreign clients compress, once; else every reader would, each time.
    'compression.type': 'uncompressed',
    // Only closed segments are deleted: without this, a busy topic keeps records for up to a week beyond their time.
    'segment.ms':
      retentionMs < 0 ? longestSegmentMs : Math.min(longestSegmentMs, Math.max(minuteMs, Math.ceil(retentionMs / 10))),
  };
  // Whoever waits for all copies in sync should wait for two at least, and one node may be gone.
  if (replicationFactor >= mostCopies) config['min.insync.replicas'] = 2;
  if (topic.cleanup === 'compact') {
    // Only closed segments are compacted, and a restore reads all that is not: changelogs turn over in seconds.
    config['segment.ms'] = 10 * minuteMs;
    config['segment.bytes'] = Math.max(64 * 1_048_576, 2 * topic.maxRecordBytes);
    config['min.cleanable.dirty.ratio'] = 0.2;
    config['delete.retention.ms'] = hourMs;
  }
  return Object.entries(config).map(([name, value]) => ({ name, value: String(value) }));
}
