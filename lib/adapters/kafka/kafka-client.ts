/**
 * The only door to kafkajs. The adapter uses its protocol and connections (`Cluster` and `Broker`), not its `Consumer` and
 * `Producer`; docs/decisions/0006-kafka-adapter.md says why. These classes are not public, so what is used of them is
 * written down here as types and checked when a client is made.
 */

import {
  Kafka,
  type KafkaConfig,
  KafkaJSConnectionError,
  KafkaJSProtocolError,
  KafkaJSRequestTimeoutError,
  logLevel,
} from 'kafkajs';
import { errorCodes } from 'kafkajs/src/protocol/error';
import { type Clock, within } from '../../ports/clock';
import type { Log } from '../../telemetry/log';
import { clientIdOf, type KafkaSettings, type KafkaTls } from './kafka-settings';
import type { Outage } from './outage';
import { decodeFetchResponse } from './wire/fetch-response';
import type { FetchedPartitionData } from './wire/fetched-data';
import type { OwnRequest } from './wire/own-request';
import { firstProduceVersion, joiningProduceVersion, type ProduceRequest, produceOf } from './wire/produce-request';
import {
  commitInTransaction,
  endTransaction,
  initProducerId,
  type ProducerIdAndEpoch,
  stablePositions,
  transactionVersion,
} from './wire/transaction-requests';

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

export interface PartitionMetadata {
  readonly partitionId: number;
  /** -1 while nobody leads it. */
  readonly leader: number;
}

type PartitionsOf<P> = readonly { readonly topic: string; readonly partitions: readonly P[] }[];

/** One broker node. Methods reject with kafkajs errors; see kafka-errors.ts. */
export interface KafkaNode {
  fetch(request: FetchRequest): Promise<{
    readonly responses: readonly { readonly topicName: string; readonly partitions: readonly FetchedPartitionData[] }[];
  }>;
  produce(request: ProduceRequest): Promise<{
    readonly topics: readonly {
      readonly topicName: string;
      /** With `error`, a kafkajs error, the partition took nothing; the others are not concerned. */
      readonly partitions: readonly {
        readonly partition: number;
        readonly baseOffset: string;
        readonly error?: Error;
      }[];
    }[];
  }>;
  initProducerId(request: {
    transactionTimeout: number;
  }): Promise<{ readonly producerId: string; readonly producerEpoch: number }>;
  /** As `initProducerId` of transaction-requests.ts. */
  beginTransactions(request: Parameters<typeof initProducerId>[0]): Promise<ProducerIdAndEpoch>;
  addPartitionsToTxn(
    request: ProducerIdAndEpoch & {
      transactionalId: string;
      topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[];
    },
  ): Promise<unknown>;
  addOffsetsToTxn(request: ProducerIdAndEpoch & { transactionalId: string; groupId: string }): Promise<unknown>;
  /** As `commitInTransaction` of transaction-requests.ts. */
  commitInTransaction(request: Parameters<typeof commitInTransaction>[0]): Promise<unknown>;
  /** As `endTransaction` of transaction-requests.ts. */
  endTransaction(request: Parameters<typeof endTransaction>[0]): Promise<ProducerIdAndEpoch>;
  /** As of transaction-requests.ts; 0 also where the node does not understand the question. */
  transactionVersion(): Promise<number>;
  /** `transactionResult`: true commits, false aborts. For `transaction.version` 1 and older. */
  endTxn(request: ProducerIdAndEpoch & { transactionalId: string; transactionResult: boolean }): Promise<unknown>;
  /** As `stablePositions` of transaction-requests.ts. */
  stablePositions(
    request: Parameters<typeof stablePositions>[0],
  ): Promise<{ readonly positions: ReadonlyMap<string, number> }>;
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
    readonly brokers: readonly { readonly nodeId: number }[];
    readonly topicMetadata: readonly {
      readonly topic: string;
      readonly partitionMetadata: readonly PartitionMetadata[];
    }[];
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
  deleteRecords(request: {
    timeout: number;
    topics: PartitionsOf<{ partition: number; offset: string }>;
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
  /** Closes the connections at once: what is outstanding on them is rejected. */
  abandon(): void;
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  refreshMetadata(): Promise<void>;
  findTopicPartitionMetadata(topic: string): readonly PartitionMetadata[];
  findBroker(of: { nodeId: string | number }): Promise<KafkaNode>;
  findControllerBroker(): Promise<KafkaNode>;
}

/** Opens a cluster: connections of its own, not connected yet. */
export interface KafkaClient {
  openCluster(): KafkaCluster;
}

interface ProtocolRequest {
  readonly request: { readonly apiKey: number; readonly apiVersion: number };
  readonly response: {
    decode(bytes: Buffer): Promise<unknown>;
    parse(decoded: unknown): Promise<unknown>;
  };
}

interface PooledConnection {
  isConnected(): boolean;
  readonly socket?: { destroy(error: Error): void } | null;
  readonly requestQueue: {
    readonly pending: readonly unknown[];
    readonly inflight: ReadonlyMap<number, unknown>;
    scheduleCheckPendingRequests(): void;
  };
}

interface ConnectionPool {
  readonly host: string;
  readonly port: number;
  readonly pool: readonly PooledConnection[];
  readonly rack?: string;
  getConnection(index?: number): Promise<PooledConnection>;
  destroy(): Promise<void>;
  send(request: ProtocolRequest): Promise<unknown>;
}

interface PooledNode extends KafkaNode {
  connectionPool: ConnectionPool;
  /** By the key of a request, the versions that the node understands; null before it has said so. */
  readonly versions: Readonly<Record<number, { readonly maxVersion: number }>> | null;
  isConnected(): boolean;
}

interface NodePool {
  readonly brokers: Readonly<Record<string, PooledNode>>;
  readonly seedBroker: PooledNode;
  connect(): Promise<void>;
  findBroker(of: { nodeId: string | number }): Promise<PooledNode>;
  findConnectedBroker(): Promise<PooledNode>;
}

interface ClusterInternals extends KafkaCluster {
  readonly connectionPoolBuilder: { build(destination?: object): Promise<ConnectionPool> };
  readonly brokerPool: NodePool;
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
export function createKafkaClient(settings: KafkaSettings, clock: Clock, log: Log, outage: Outage): KafkaClient {
  // Also nodes that were found through others: of the addresses that were given, all may be gone one day. Those that are
  // known not to answer come last.
  const addresses = new Set(settings.brokers);
  const byAnswer = (): string[] =>
    [...addresses].sort((a, b) => Number(outage.isSilent(a)) - Number(outage.isSilent(b)));
  const kafka = new Kafka(configOf(settings, log, byAnswer));
  const createCluster = createClusterOf(kafka);
  return {
    openCluster() {
      const cluster = createCluster({
        metadataMaxAge: 300_000,
        allowAutoTopicCreation: false,
        isolationLevel: readCommitted,
      });
      // After kafkajs's own time-out, which knows more.
      guardConnections(cluster, {
        clock,
        outage,
        limitMs: settings.connectionTimeoutMs + 500,
        onNode: (address) => addresses.add(address),
      });
      askWhoAnswers(cluster.brokerPool, outage);
      addOwnRequests(cluster);
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
    if (typeof cluster.brokerPool?.findConnectedBroker !== 'function') throw foreignVersion('Cluster.brokerPool');
    return cluster;
  };
}

function foreignVersion(missing: string): Error {
  return new Error(
    `the installed kafkajs has no ${missing}: this adapter is written for kafkajs 2.2.4 (docs/decisions/0006-kafka-adapter.md)`,
  );
}

/**
 * Mends faults of kafkajs. Two requests at once on a connection that is not there yet make it open two sockets, whose
 * answers it then mixes up: here the second waits for the first one's connection. A connection that is closed while it is
 * being made leaves its caller waiting for ever: here the wait has an end. After its first answer every connection
 * looks each millisecond whether a throttled request waits, which costs a process some 4 % of a core: here only if one does.
 * An error of one partition makes it throw the answers of all others away: here each partition has its own. A connection
 * on which an answer did not come in time stays in use, and one that broke is connected again while requests that it lost
 * still close it: here the connections to a node are thrown away when one breaks, those to no other node, and new ones are
 * made when the node is asked again. The outage of the node is told.
 */
function guardConnections(
  cluster: ClusterInternals,
  environment: { clock: Clock; outage: Outage; limitMs: number; onNode: (address: string) => void },
): void {
  const { clock, outage, limitMs, onNode } = environment;
  const builder = cluster.connectionPoolBuilder;
  const { build } = builder;
  let closing = false;
  const broken = new WeakSet<ConnectionPool>();
  const throwAway = (pool: ConnectionPool, error: Error): void => {
    if (broken.has(pool)) return;
    broken.add(pool);
    pools.delete(pool);
    for (const { socket } of pool.pool) socket?.destroy(error);
  };
  renewBroken(cluster, broken);
  const disconnect = cluster.disconnect.bind(cluster);
  cluster.disconnect = () => {
    closing = true;
    return disconnect();
  };
  const pools = new Set<ConnectionPool>();
  cluster.abandon = () => {
    closing = true;
    for (const pool of pools) throwAway(pool, new KafkaJSConnectionError('Connection closed'));
  };
  builder.build = async (destination) => {
    const pool = await build.call(builder, destination);
    const node = addressOf(pool);
    onNode(node);
    pools.add(pool);
    for (const { requestQueue } of pool.pool) {
      const schedule = requestQueue.scheduleCheckPendingRequests.bind(requestQueue);
      requestQueue.scheduleCheckPendingRequests = () => {
        if (requestQueue.pending.length > 0) schedule();
      };
    }
    const destroy = pool.destroy.bind(pool);
    pool.destroy = async () => {
      if (closing) await destroy();
      else throwAway(pool, new KafkaJSConnectionError('Connection closed'));
    };
    const getConnection = pool.getConnection.bind(pool);
    const connecting = new Map<number, Promise<PooledConnection>>();
    pool.getConnection = (index = 0) => {
      const connection = pool.pool[index]!;
      if (broken.has(pool)) return Promise.reject(new KafkaJSConnectionError('Connection closed'));
      if (connection.isConnected()) return Promise.resolve(connection);
      let made = connecting.get(index);
      if (!made) {
        const startedMs = clock.monotonicMs();
        made = within(clock, limitMs, getConnection(index), timedOut)
          .catch((error: unknown) => {
            if (!closing) {
              outage.failed(node, error, startedMs);
              throwAway(pool, error as Error);
            }
            throw error;
          })
          .finally(() => connecting.delete(index));
        connecting.set(index, made);
      }
      return made;
    };
    const send = pool.send.bind(pool);
    pool.send = async (protocolRequest) => {
      const { apiKey } = protocolRequest.request;
      const sentMs = clock.monotonicMs();
      // Kafka answers a connection's requests one after the other: behind another one there is nothing to conclude.
      const limited = answeredAtOnce.has(apiKey) && !isBusy(pool);
      const sent = send(withOwnAnswer(protocolRequest));
      try {
        const answer = await (limited ? within(clock, limitMs, sent, late) : sent);
        outage.answered(node);
        return answer;
      } catch (error) {
        const { name } = error as Error;
        if (brokenNames.has(name) && !closing) throwAway(pool, error as Error);
        if (error instanceof KafkaJSProtocolError) outage.answered(node);
        else if (brokenNames.has(name) && !closing) outage.failed(node, error, sentMs);
        throw error;
      }
    };
    return pool;
  };
}

/** Gives a node new connections where those that it had were thrown away. */
function renewBroken({ brokerPool, connectionPoolBuilder }: ClusterInternals, broken: WeakSet<ConnectionPool>): void {
  const renewing = new Map<PooledNode, Promise<void>>();
  const renew = async (node: PooledNode): Promise<void> => {
    const { host, port, rack } = node.connectionPool;
    node.connectionPool = await connectionPoolBuilder.build({ host, port, ...(rack !== undefined && { rack }) });
  };
  const findBroker = brokerPool.findBroker.bind(brokerPool);
  brokerPool.findBroker = async (of) => {
    const node = brokerPool.brokers[of.nodeId];
    if (node && broken.has(node.connectionPool)) {
      const renewed = renewing.get(node) ?? renew(node).finally(() => renewing.delete(node));
      renewing.set(node, renewed);
      await renewed;
    }
    return findBroker(of);
  };
}

/** Gives every node the requests that kafkajs does not have. */
function addOwnRequests(cluster: ClusterInternals): void {
  const findBroker = cluster.findBroker.bind(cluster);
  cluster.findBroker = async (of) => {
    const node = (await findBroker(of)) as PooledNode;
    node.beginTransactions ??= (request) => sendOwn(node, initProducerId(request, errorOfCode));
    node.commitInTransaction ??= (request) => sendOwn(node, commitInTransaction(request, errorOfCode));
    node.stablePositions ??= (request) => sendOwn(node, stablePositions(request, errorOfCode));
    node.endTransaction ??= (request) => sendOwn(node, endTransaction(request, errorOfCode));
    node.transactionVersion ??= async () => {
      const question = transactionVersion(errorOfCode);
      return understands(node, question) ? (await sendOwn(node, question)).version : 0;
    };
    if (!Object.hasOwn(node, 'produce')) node.produce = producing(node);
    return node;
  };
}

/** kafkajs's own `produce` is left to nodes that are older than Kafka 2.8. */
function producing(node: PooledNode): KafkaNode['produce'] {
  const ofKafkajs = node.produce.bind(node);
  return async (request) => {
    const { maxVersion = 0 } = node.versions?.[produceKey] ?? {};
    if (!request.joins && maxVersion < firstProduceVersion) return ofKafkajs(request);
    const version = request.joins ? joiningProduceVersion : Math.min(maxVersion, joiningProduceVersion - 1);
    return sendOwn(node, produceOf(request, version, errorOfCode));
  };
}

function understands<T>(node: PooledNode, { request: { apiKey, apiVersion } }: OwnRequest<T>): boolean {
  return (node.versions?.[apiKey]?.maxVersion ?? 0) >= apiVersion;
}

async function sendOwn<T>(node: PooledNode, own: OwnRequest<T>): Promise<T> {
  if (!understands(node, own)) {
    const { apiKey, apiVersion, apiName } = own.request;
    const understood = `${apiName} in version ${node.versions?.[apiKey]?.maxVersion}, and ${apiVersion} is needed`;
    const message = `delivery exactly once needs Kafka 2.5 or newer: this one understands ${understood}`;
    throw Object.assign(new Error(message), { type: 'UNSUPPORTED_VERSION' });
  }
  return node.connectionPool.send(own) as Promise<T>;
}

const produceKey = 0;
const fetchKey = 1;
const metadataKey = 3;
const addPartitionsToTxnKey = 24;
/** Metadata, FindCoordinator, Heartbeat, ApiVersions: a node that takes its time for these is not well. */
const answeredAtOnce: ReadonlySet<number> = new Set([metadataKey, 10, 12, 18]);
const brokenNames: ReadonlySet<string> = new Set(['KafkaJSConnectionClosedError', 'KafkaJSRequestTimeoutError']);

function late(): never {
  throw new KafkaJSRequestTimeoutError('no answer in time', {
    broker: '',
    clientId: '',
    correlationId: 0,
    createdAt: 0,
    sentAt: 0,
    pendingDuration: 0,
  });
}

function withOwnAnswer(protocolRequest: ProtocolRequest): ProtocolRequest {
  const { request, response } = protocolRequest;
  switch (request.apiKey) {
    case produceKey:
      return { request, response: { decode: response.decode, parse: async (decoded) => withPartitionErrors(decoded) } };
    case fetchKey: {
      const decode = (bytes: Buffer) => decodeFetchResponse(bytes, request.apiVersion, errorOfCode);
      return { ...protocolRequest, response: { decode, parse: async (decoded) => refuseFailed(decoded) } };
    }
    case metadataKey:
      return {
        ...protocolRequest,
        response: { decode: response.decode, parse: async (decoded) => leadersOf(decoded) },
      };
    case addPartitionsToTxnKey:
      return { request, response: { decode: response.decode, parse: async (decoded) => refuseNotAdded(decoded) } };
    default:
      return protocolRequest;
  }
}

function errorOfCode(code: number): Error {
  const known = errorCodes.find((entry) => entry.code === code);
  const described = known ?? { type: `ERROR_${code}`, code, retriable: false, message: `error ${code}` };
  // It takes such an object, whatever its types say.
  return new KafkaJSProtocolError(described as unknown as Error);
}

function refuseFailed(decoded: unknown): unknown {
  const { errorCode } = decoded as { errorCode: number };
  if (errorCode !== 0) throw errorOfCode(errorCode);
  return decoded;
}

/** Where one partition cannot be added to a transaction none is, and the others only say so: what counts is what that one says. */
function refuseNotAdded(decoded: unknown): unknown {
  const operationNotAttempted = 55;
  const { errors } = decoded as { errors: { partitionErrors: { errorCode: number }[] }[] };
  const codes = errors.flatMap(({ partitionErrors }) => partitionErrors.map(({ errorCode }) => errorCode));
  const failed = codes.filter((code) => code !== 0);
  if (failed.length > 0) throw errorOfCode(failed.find((code) => code !== operationNotAttempted) ?? failed[0]!);
  return decoded;
}

function withPartitionErrors(decoded: unknown): unknown {
  const { topics } = decoded as { topics: { partitions: { errorCode: number; error?: Error }[] }[] };
  for (const { partitions } of topics) {
    for (const partition of partitions)
      if (partition.errorCode !== 0) partition.error = errorOfCode(partition.errorCode);
  }
  return decoded;
}

/**
 * One partition without a leader, or one topic that has gone, must not hide the leaders of all others: a topic that is
 * unknown is left out where others are known, and a partition that nobody leads says so.
 */
function leadersOf(decoded: unknown): unknown {
  const metadata = decoded as {
    topicMetadata: { topicErrorCode: number; partitionMetadata: { partitionErrorCode: number; leader: number }[] }[];
  };
  const { topicMetadata } = metadata;
  const refused = topicMetadata.find(({ topicErrorCode }) => topicErrorCode !== 0 && topicErrorCode !== unknownTopic);
  if (refused) throw errorOfCode(refused.topicErrorCode);
  const known = topicMetadata.filter(({ topicErrorCode }) => topicErrorCode === 0);
  if (known.length === 0 && topicMetadata.length > 0) throw errorOfCode(unknownTopic);
  for (const { partitionMetadata } of known) {
    for (const partition of partitionMetadata) {
      if (errorOfPartition(partition.partitionErrorCode)) partition.leader = -1;
    }
  }
  return { ...metadata, topicMetadata: known };
}

const unknownTopic = 3;

/** A replica that is missing is no error for clients: there is a leader all the same. */
function errorOfPartition(code: number): boolean {
  const replicaNotAvailable = 9;
  return code !== 0 && code !== replicaNotAvailable;
}

/**
 * kafkajs asks any node that it holds a connection to: here those that are known not to answer come last, and before them
 * those that owe another answer still.
 */
function askWhoAnswers(pool: NodePool, outage: Outage): void {
  pool.findConnectedBroker = async () => {
    const rank = (node: PooledNode): number =>
      (outage.isSilent(addressOf(node.connectionPool)) ? 4 : 0) +
      (isBusy(node.connectionPool) ? 2 : 0) +
      (node.isConnected() ? 0 : 1);
    const known = Object.entries(pool.brokers).sort(([, a], [, b]) => rank(a) - rank(b));
    for (const [nodeId] of known) {
      try {
        return await pool.findBroker({ nodeId });
      } catch {
        // The next one then.
      }
    }
    await pool.connect();
    return pool.seedBroker;
  };
}

/** Whether something is out on the connection for everything but fetching. */
function isBusy(pool: ConnectionPool): boolean {
  return pool.pool[0]!.requestQueue.inflight.size > 0;
}

function addressOf({ host, port }: Pick<ConnectionPool, 'host' | 'port'>): string {
  return `${host}:${port}`;
}

function timedOut(): never {
  throw new KafkaJSConnectionError('Connection timeout');
}

function configOf(settings: KafkaSettings, log: Log, brokers: () => string[]): KafkaConfig {
  const { tls, sasl } = settings;
  return {
    brokers,
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
