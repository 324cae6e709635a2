/** What the Kafka adapter can be told: addresses, security, time-outs, batching. The environment is read elsewhere (lib/config/process-settings.ts). */

export interface KafkaTls {
  /** PEM texts, asked for at every connection, so they may be properties that read a file. Without `caPem` the authorities that Node trusts are used; a client certificate needs both others. */
  readonly caPem?: string;
  readonly certPem?: string;
  readonly keyPem?: string;
  readonly rejectUnauthorized: boolean;
}

export interface KafkaSasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  readonly username: string;
  /** Asked for at every connection, so it may be a property that reads a file. */
  readonly password: string;
}

export interface KafkaSettings {
  /** host:port of some brokers; the others are found through them. */
  readonly brokers: readonly string[];
  /** Seen in broker logs and quotas. With an `instanceId`, `clientId-instanceId` is used. */
  readonly clientId: string;
  readonly tls: KafkaTls | null;
  readonly sasl: KafkaSasl | null;
  readonly connectionTimeoutMs: number;
  /** A start gives up a broker that takes connections and says nothing for so long; one that refuses them, after 4 s. */
  readonly firstAnswerTimeoutMs: number;
  readonly requestTimeoutMs: number;
  /** A member that was not heard of for so long loses its partitions, and takes itself for lost too. */
  readonly sessionTimeoutMs: number;
  /** Bounds how long an old owner stays unaware of a rebalance, and so how long a rebalance takes. */
  readonly heartbeatIntervalMs: number;
  /** How long the group waits for its members to come back during a rebalance. */
  readonly rebalanceTimeoutMs: number;
  /** A write is tried again for so long while the broker does not answer, then rejects with a TransientError. */
  readonly deliveryTimeoutMs: number;
  /**
   * Kafka aborts a transaction that is not ended within this time. The next owner of its partitions ends it at once; this
   * bounds how long readers are held up where there is none.
   */
  readonly transactionTimeoutMs: number;
  /** Records gather so long before they are sent. While one request is out, the next gathers anyway. */
  readonly lingerMs: number;
  /** Most records in one request. */
  readonly maxBatchRecords: number;
  /** Of topics that `ensureTopics` makes; null for three where there are three nodes, else one on each. */
  readonly replicationFactor: number | null;
  /**
   * Names this process among those of its kind, the same after a restart: then it takes the place of its dead
   * predecessor at once, instead of waiting for the session time-out. Unique per running process; null for none.
   */
  readonly instanceId: string | null;
}

export const defaultKafkaSettings: KafkaSettings = {
  brokers: ['127.0.0.1:9092'],
  clientId: 'quantum-router',
  tls: null,
  sasl: null,
  connectionTimeoutMs: 2_000,
  firstAnswerTimeoutMs: 30_000,
  requestTimeoutMs: 10_000,
  sessionTimeoutMs: 6_000,
  heartbeatIntervalMs: 300,
  rebalanceTimeoutMs: 10_000,
  deliveryTimeoutMs: 60_000,
  transactionTimeoutMs: 10_000,
  lingerMs: 0,
  maxBatchRecords: 500,
  replicationFactor: null,
  instanceId: null,
};

/** The client id as brokers see it. */
export function clientIdOf(settings: Pick<KafkaSettings, 'clientId' | 'instanceId'>): string {
  return settings.instanceId === null ? settings.clientId : `${settings.clientId}-${settings.instanceId}`;
}
