/**
 * The only door to kafkajs. The adapter uses its protocol and connections (`Cluster` and `Broker`), not its `Consumer` and
 * `Producer`; docs/decisions/0006-kafka-adapter.md says why. These classes are not public, so what is used of them is
 * written down here as types and checked when a client is made.
 */
import { Kafka, type KafkaConfig, KafkaJSConnectionError, logLevel } from 'kafkajs';
import { type Clock, within } from '../../ports/clock';
import type { Log } from '../../telemetry/log';
import { clientIdOf, type KafkaSettings, type KafkaTls } from './kafka-settings';

/** A decoded record as kafkajs hands it out of a fetch. */
export interface FetchedMessage {
  readonly offset: string;
  readonly timestamp: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: Readonly<Record<string, Buffer | Buffer[] | undefined>>;
  readonly isControlRecord: boolean;
  readonly batchContext: {
    readonly firstOffset: string;
    readonly lastOffsetDelta: number;
    readonly producerId: string;
    readonly inTransaction: boolean;
  };
}

export interface FetchedPartitionData {
  readonly partition: number;
  readonly highWatermark: string;
  readonly lastStableOffset?: string;
  readonly abortedTransactions?: readonly { readonly producerId: string; readonly firstOffset: string }[];
  readonly messages: readonly FetchedMessage[];
}

export interface FetchRequest {
  readonly maxWaitTime: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly isolationLevel: number;
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly { partition: number; fetchOffset: string; maxBytes: number }[];
  }[];
}

export interface ProducedMessage {
  readonly key: string | null;
  readonly value: Buffer | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timestamp: number;
}

type PartitionsOf<P> = readonly { readonly topic: string; readonly partitions: readonly P[] }[];

/** One broker node. Methods reject with kafkajs errors; see kafka-errors.ts. */
export interface KafkaNode {
  fetch(request: FetchRequest): Promise<{
    readonly responses: readonly { readonly topicName: string; readonly partitions: readonly FetchedPartitionData[] }[];
  }>;
  produce(request: {
    acks: -1;
    timeout: number;
    producerId: string;
    producerEpoch: number;
    topicData: PartitionsOf<{ partition: number; firstSequence: number; messages: readonly ProducedMessage[] }>;
  }): Promise<{
    readonly topics: readonly {
      readonly topicName: string;
      readonly partitions: readonly { readonly partition: number; readonly baseOffset: string }[];
    }[];
  }>;
  initProducerId(request: {
    transactionTimeout: number;
  }): Promise<{ readonly producerId: string; readonly producerEpoch: number }>;
  listOffsets(request: {
    isolationLevel: number;
    topics: PartitionsOf<{ partition: number; timestamp: number }>;
  }): Promise<{ readonly responses: PartitionsOf<{ readonly partition: number; readonly offset: string }> }>;
  joinGroup(request: {
    groupId: string;
    sessionTimeout: number;
    rebalanceTimeout: number;
    memberId: string;
    groupProtocols: readonly { name: string; metadata: Buffer }[];
  }): Promise<{
    readonly generationId: number;
    readonly leaderId: string;
    readonly memberId: string;
    readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[];
  }>;
  syncGroup(request: {
    groupId: string;
    generationId: number;
    memberId: string;
    groupAssignment: readonly { memberId: string; memberAssignment: Buffer }[];
  }): Promise<{ readonly memberAssignment: Buffer }>;
  heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>;
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
  offsetCommit(request: {
    groupId: string;
    groupGenerationId: number;
    memberId: string;
    topics: PartitionsOf<{ partition: number; offset: string; metadata: null }>;
  }): Promise<unknown>;
  offsetFetch(request: {
    groupId: string;
    topics: PartitionsOf<{ partition: number }>;
  }): Promise<{ readonly responses: PartitionsOf<{ readonly partition: number; readonly offset: string }> }>;
  findGroupCoordinator(request: {
    groupId: string;
    coordinatorType: number;
  }): Promise<{ readonly coordinator: { readonly nodeId: number } }>;
  describeGroups(request: { groupIds: readonly string[] }): Promise<{
    readonly groups: readonly {
      readonly groupId: string;
      readonly members: readonly { readonly memberId: string; readonly clientId: string }[];
    }[];
  }>;
  metadata(topics: readonly string[]): Promise<{
    readonly topicMetadata: readonly { readonly topic: string; readonly partitionMetadata: readonly unknown[] }[];
  }>;
  createTopics(request: {
    timeout: number;
    topics: readonly {
      topic: string;
      numPartitions: number;
      replicationFactor: number;
      configEntries: readonly { name: string; value: string }[];
    }[];
  }): Promise<unknown>;
  deleteTopics(request: { timeout: number; topics: readonly string[] }): Promise<unknown>;
  describeConfigs(request: {
    resources: readonly { type: number; name: string; configNames: readonly string[] }[];
  }): Promise<{
    readonly resources: readonly {
      readonly resourceName: string;
      readonly configEntries: readonly { readonly configName: string; readonly configValue: string }[];
    }[];
  }>;
}

/** kafkajs's view of a Kafka cluster: metadata of the topics added to it, and a connected node on request. */
export interface KafkaCluster {
  readonly targetTopics: Set<string>;
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  refreshMetadata(): Promise<void>;
  findTopicPartitionMetadata(topic: string): readonly { readonly partitionId: number; readonly leader: number }[];
  findBroker(of: { nodeId: string | number }): Promise<KafkaNode>;
  findControllerBroker(): Promise<KafkaNode>;
}

/** Opens a cluster: connections of its own, not connected yet. */
export interface KafkaClient {
  openCluster(): KafkaCluster;
}

interface PooledConnection {
  isConnected(): boolean;
  readonly requestQueue: { readonly pending: readonly unknown[]; scheduleCheckPendingRequests(): void };
}

interface ConnectionPool {
  readonly pool: readonly PooledConnection[];
  getConnection(index?: number): Promise<PooledConnection>;
}

interface ClusterInternals extends KafkaCluster {
  readonly connectionPoolBuilder: { build(destination?: object): Promise<ConnectionPool> };
}

const clusterMethods = [
  'connect',
  'disconnect',
  'addMultipleTargetTopics',
  'refreshMetadata',
  'findTopicPartitionMetadata',
  'findBroker',
  'findControllerBroker',
] as const satisfies readonly (keyof KafkaCluster)[];

/** Read only what is committed, as consumers of topics with transactional writers should. */
export const readCommitted = 1;

/** Throws when the installed kafkajs is not the one this adapter was written for. */
export function createKafkaClient(settings: KafkaSettings, clock: Clock, log: Log): KafkaClient {
  const kafka = new Kafka(configOf(settings, log));
  const createCluster = createClusterOf(kafka);
  return {
    openCluster() {
      const cluster = createCluster({
        metadataMaxAge: 300_000,
        allowAutoTopicCreation: false,
        isolationLevel: readCommitted,
      });
      // After kafkajs's own time-out, which knows more.
      guardConnections(cluster, clock, settings.connectionTimeoutMs + 500);
      return cluster;
    },
  };
}

function createClusterOf(kafka: Kafka): (options: object) => ClusterInternals {
  const symbol = Object.getOwnPropertySymbols(kafka).find(
    ({ description }) => description === 'private:Kafka:createCluster',
  );
  const create = symbol && (kafka as unknown as Record<symbol, unknown>)[symbol];
  if (typeof create !== 'function') throw foreignVersion('Kafka[createCluster]');
  return (options) => {
    const cluster = create(options) as ClusterInternals;
    for (const method of clusterMethods) {
      if (typeof cluster[method] !== 'function') throw foreignVersion(`Cluster.${method}`);
    }
    if (typeof cluster.connectionPoolBuilder?.build !== 'function')
      throw foreignVersion('Cluster.connectionPoolBuilder');
    return cluster;
  };
}

function foreignVersion(missing: string): Error {
  return new Error(
    `the installed kafkajs has no ${missing}: this adapter is written for kafkajs 2.2.4 (docs/decisions/0006-kafka-adapter.md)`,
  );
}

/**
 * Mends three faults of kafkajs. Two requests at once on a connection that is not there yet make it open two sockets, whose
 * answers it then mixes up: here the second waits for the first one's connection. A connection that is closed while it is
 * being made leaves its caller waiting for ever: here the wait has an end. And after its first answer every connection
 * looks each millisecond whether a throttled request waits, which costs a process some 4 % of a core: here only if one does.
 */
function guardConnections(cluster: ClusterInternals, clock: Clock, limitMs: number): void {
  const builder = cluster.connectionPoolBuilder;
  const { build } = builder;
  builder.build = async (destination) => {
    const pool = await build.call(builder, destination);
    for (const { requestQueue } of pool.pool) {
      const schedule = requestQueue.scheduleCheckPendingRequests.bind(requestQueue);
      requestQueue.scheduleCheckPendingRequests = () => {
        if (requestQueue.pending.length > 0) schedule();
      };
    }
    const getConnection = pool.getConnection.bind(pool);
    const connecting = new Map<number, Promise<PooledConnection>>();
    pool.getConnection = (index = 0) => {
      const connection = pool.pool[index]!;
      if (connection.isConnected()) return Promise.resolve(connection);
      let made = connecting.get(index);
      if (!made) {
        made = within(clock, limitMs, getConnection(index), timedOut).finally(() => connecting.delete(index));
        connecting.set(index, made);
      }
      return made;
    };
    return pool;
  };
}

function timedOut(): never {
  throw new KafkaJSConnectionError('Connection timeout');
}

function configOf(settings: KafkaSettings, log: Log): KafkaConfig {
  const { tls, sasl } = settings;
  return {
    brokers: [...settings.brokers],
    clientId: clientIdOf(settings),
    connectionTimeout: settings.connectionTimeoutMs,
    requestTimeout: settings.requestTimeoutMs,
    // Short: the adapter has its own retries, which know when to give up and what has become stale meanwhile.
    retry: { initialRetryTime: 50, maxRetryTime: 400, retries: 2 },
    ...(tls && { ssl: tlsOptionsOf(tls) }),
    // Handed on as it is: kafkajs asks for the password whenever it proves who we are.
    ...(sasl && { sasl: sasl as NonNullable<KafkaConfig['sasl']> }),
    logLevel: logLevel.WARN,
    // Everything it says is an error that the adapter is handed too, and logs once where it means something.
    logCreator: () => (entry) => log.debug(`kafkajs: ${entry.log.message}`, { namespace: entry.namespace }),
  };
}

/** kafkajs copies these for every connection, so each is made with the certificates that the settings give at that moment. */
function tlsOptionsOf(tls: KafkaTls): NonNullable<KafkaConfig['ssl']> {
  return {
    rejectUnauthorized: tls.rejectUnauthorized,
    get ca() {
      return tls.caPem;
    },
    get cert() {
      return tls.certPem;
    },
    get key() {
      return tls.keyPem;
    },
  };
}
