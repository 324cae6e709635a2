/** Finds a decision in the log by its id, looking at no more than the newest records of each partition. */
import type { Broker, TopicPartition } from '../../lib/ports/broker';
import type { RouteDecided } from '../../lib/topics/generated/messages';
import { partitionOf } from '../../lib/topics/partition-of';
import { readRow } from '../../lib/topics/read-row';
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
  return firstWithId(options.broker, of, { from, to: end }, decisionId);
}

/** Few enough that the event loop is held up for some milliseconds only. */
const chunkRecords = 200;

async function firstWithId(
  broker: Broker,
  of: TopicPartition,
  range: { readonly from: number; readonly to: number },
  decisionId: string,
): Promise<RouteDecided | null> {
  if (range.from >= range.to) return null;
  const idBytes = Buffer.from(decisionId, 'utf8');
  for await (const records of broker.read(of, { ...range, maxRecords: chunkRecords })) {
    for (const record of records) {
      // Searching the bytes is a hundred times cheaper than decoding them.
      if (!record.value?.includes(idBytes)) continue;
      const read = readRow(topics.routeDecided, record);
      if (read.kind === 'row' && read.value.decisionId === decisionId) return read.value;
    }
  }
  return null;
}

export interface Found {
  readonly decision: RouteDecided | null;
  /** Whether every record that there is was looked at. */
  readonly searchedAll: boolean;
}

/** Records looked at first, in each partition: most of what is looked for is that new. */
const firstRecords = 500;

/** As `findDecision`, but the newest records of each partition first, and it says whether there were older ones. */
export async function findAmongNewest(
  options: Omit<FindDecisionOptions, 'maxScannedRecords'>,
  decisionId: string,
  routingKey: string | null,
  maxRecords: number,
): Promise<Found> {
  const { broker, topicPrefix, requestPathPartitions: count } = options;
  const partitions =
    routingKey === null ? Array.from({ length: count }, (_, p) => p) : [partitionOf(routingKey, count)];
  const likely = partitionOf(routingKey ?? decisionId, count);
  partitions.sort((a, b) => Number(b === likely) - Number(a === likely));
  const ranges = await Promise.all(
    partitions.map(async (partition) => {
      const of = { topic: topicPrefix + topics.routeDecided.name, partition };
      const { earliest, end } = await broker.offsets(of);
      const from = Math.max(earliest, end - maxRecords);
      return { of, from, middle: Math.max(from, end - firstRecords), end, whole: from === earliest };
    }),
  );
  for (const { of, middle, end } of ranges) {
    const decision = await firstWithId(broker, of, { from: middle, to: end }, decisionId);
    // An older record with the same id would be the truth: a second one is rare, and changes neither key nor candidates.
    if (decision) return { decision, searchedAll: false };
  }
  for (const { of, from, middle } of ranges) {
    const decision = await firstWithId(broker, of, { from, to: middle }, decisionId);
    if (decision) return { decision, searchedAll: false };
  }
  return { decision: null, searchedAll: ranges.every(({ whole }) => whole) };
}
