/** Finds a decision in the log by its id, looking at no more than the newest records of each partition. */
import { UndecodableError } from '../../lib/avro/codec';
import type { Broker } from '../../lib/ports/broker';
import type { RouteDecided } from '../../lib/topics/generated/messages';
import { partitionOf } from '../../lib/topics/partition-of';
import { topics } from '../../lib/topics/topics';

export interface FindDecisionOptions {
  readonly broker: Broker;
  readonly topicPrefix: string;
  readonly requestPathPartitions: number;
  /** Newest offsets looked at per partition. */
  readonly maxScannedRecords: number;
}

/**
 * The first record with this id in its partition (the first is the truth); null when it is not among the newest.
 * Without a routing key (a session may have hidden it) the partition of the id comes first, then all others.
 */
export async function findDecision(
  options: FindDecisionOptions,
  decisionId: string,
  routingKey: string | null,
): Promise<RouteDecided | null> {
  const count = options.requestPathPartitions;
  const likely = partitionOf(routingKey ?? decisionId, count);
  const others =
    routingKey === null ? Array.from({ length: count }, (_, partition) => partition).filter((p) => p !== likely) : [];
  for (const partition of [likely, ...others]) {
    const found = await findInPartition(options, partition, decisionId);
    if (found) return found;
  }
  return null;
}

async function findInPartition(
  options: FindDecisionOptions,
  partition: number,
  decisionId: string,
): Promise<RouteDecided | null> {
  const of = { topic: options.topicPrefix + topics.routeDecided.name, partition };
  const { earliest, end } = await options.broker.offsets(of);
  const from = Math.max(earliest, end - options.maxScannedRecords);
  const idBytes = Buffer.from(decisionId, 'utf8');
  for await (const records of options.broker.read(of, { from, to: end })) {
    for (const record of records) {
      // Searching the bytes is a hundred times cheaper than decoding them.
      if (!record.value?.includes(idBytes)) continue;
      const decision = decodedOrNull(record.value);
      if (decision?.decisionId === decisionId) return decision;
    }
  }
  return null;
}

/** What somebody else has written there is no decision, and no reason to fail. */
function decodedOrNull(value: Buffer): RouteDecided | null {
  try {
    return topics.routeDecided.codec.decode(value);
  } catch (error) {
    if (error instanceof UndecodableError) return null;
    throw error;
  }
}
