/** A Kafka cluster for unit tests: nodes that answer as a test says, behind the adapter's own door to kafkajs. */
import type { KafkaClient, KafkaCluster, KafkaNode } from '../../../../lib/adapters/kafka/kafka-client';
import { KafkaConnections } from '../../../../lib/adapters/kafka/kafka-connections';
import { PassedOver } from '../../../../lib/adapters/kafka/passed-over';
import type { Clock } from '../../../../lib/ports/clock';
import { createLog } from '../../../../lib/telemetry/log';
import { createMetrics } from '../../../../lib/telemetry/metrics';

export const silent = createLog({ level: 'silent' });
export const unseen = (): PassedOver => new PassedOver(silent, createMetrics());

export interface FakeCluster {
  readonly connections: KafkaConnections;
  /** Node ids by topic, in order of partitions. */
  readonly leaders: Map<string, number[]>;
  /** How often a cluster was opened: 1 without broken connections. */
  opened(): number;
  /** Connecting fails with this while it is set. */
  refuseConnections(error: Error | null): void;
  /** Called whenever metadata are asked for anew. */
  onRefresh(refreshed: () => void): void;
}

export function fakeCluster(options: {
  clock: Clock;
  leaders: Record<string, number[]>;
  nodes: Record<number, Partial<KafkaNode>>;
}): FakeCluster {
  const leaders = new Map(Object.entries(options.leaders));
  let opened = 0;
  let refusal: Error | null = null;
  let refreshed = (): void => {};
  const nodeOf = (id: string | number): KafkaNode => options.nodes[Number(id)] as KafkaNode;
  const client: KafkaClient = {
    openCluster(): KafkaCluster {
      const targetTopics = new Set<string>();
      return {
        targetTopics,
        async connect() {
          if (refusal) throw refusal;
          opened++;
        },
        async disconnect() {},
        abandon() {},
        async addMultipleTargetTopics(topics) {
          for (const topic of topics) targetTopics.add(topic);
        },
        async refreshMetadata() {
          if (refusal) throw refusal;
          refreshed();
        },
        findTopicPartitionMetadata: (topic) =>
          (leaders.get(topic) ?? []).map((leader, partitionId) => ({ partitionId, leader })),
        findBroker: async ({ nodeId }) => nodeOf(nodeId),
        findControllerBroker: async () => nodeOf(1),
      };
    },
  };
  return {
    connections: new KafkaConnections(client, options.clock),
    leaders,
    opened: () => opened,
    refuseConnections: (error) => {
      refusal = error;
    },
    onRefresh: (call) => {
      refreshed = call;
    },
  };
}

export function protocolError(type: string, retriable = false): Error {
  return Object.assign(new Error(`Kafka says ${type}`), { name: 'KafkaJSProtocolError', type, retriable });
}

export function connectionError(): Error {
  return Object.assign(new Error('Closed connection'), { name: 'KafkaJSConnectionClosedError' });
}
