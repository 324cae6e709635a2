/**
 * Finds a decision, or the reports of one, in the log by its id, looking at no more than the newest records of each
 * partition.
 */
import type { Broker, LogRecord, TopicPartition } from '../../lib/ports/broker';
import { sampledParent, traceparentHeader } from '../../lib/telemetry/tracing';
import type { Topic } from '../../lib/topics/define-topic';
import type { KeptAnswer, RouteDecided, RouteOpened, RouteOutcome } from '../../lib/topics/generated/messages';
import { partitionOf } from '../../lib/topics/partition-of';
import { readRow } from '../../lib/topics/read-row';
import { topics } from '../../lib/topics/topics';

export interface SearchedLog {
  readonly broker: Broker;
  readonly topicPrefix: string;
  readonly requestPathPartitions: number;
}

export interface Search {
  readonly decisionId: string;
  /** Null where nobody knows it (a session may have hidden it): then the partition of the id comes first, and all others. */
  readonly routingKey: string | null;
  /** Newest offsets looked at in each partition. */
  readonly maxRecords: number;
  /**
   * `first`: the first record with this id in its partition, which is the truth. `any`: the newest records come first, since
   * most of what is looked for is that new; a second record of one id is rare, and changes neither key nor candidates.
   */
  readonly wants: 'first' | 'any';
}

export interface Found {
  readonly decision: RouteDecided | null;
  /** Whether every record that there is was looked at. */
  readonly searchedAll: boolean;
}

interface Range {
  readonly of: TopicPartition;
  readonly from: number;
  readonly to: number;
}

interface Tail extends Range {
  readonly isWhole: boolean;
}

/** Few enough that the event loop is held up for some milliseconds only. */
const chunkRecords = 200;
/** Records looked at first, in each partition, where any will do. */
const firstRecords = 500;

export async function findDecision(
  log: SearchedLog,
  { decisionId, routingKey, maxRecords, wants }: Search,
): Promise<Found> {
  const tails: Tail[] = [];
  for (const partition of partitionsOf(log, decisionId, routingKey))
    tails.push(await tailOf(log, topics.routeDecided.name, partition, maxRecords));
  const middleOf = ({ from, to }: Range): number => (wants === 'first' ? from : Math.max(from, to - firstRecords));
  const ranges = [
    ...tails.map((tail) => ({ ...tail, from: middleOf(tail) })),
    ...tails.map((tail) => ({ ...tail, to: middleOf(tail) })),
  ];
  for (const range of ranges)
    for await (const decision of rowsWith(log.broker, topics.routeDecided, range, decisionId))
      if (decision.decisionId === decisionId) return { decision, searchedAll: false };
  return { decision: null, searchedAll: tails.every(({ isWhole }) => isWhole) };
}

/** What was reported of a decision, in order, as far as the newest `maxRecords` of its partition have it. */
export async function findReports(
  log: SearchedLog,
  decisionId: string,
  routingKey: string,
  maxRecords: number,
): Promise<RouteOutcome[]> {
  const partition = partitionOf(routingKey, log.requestPathPartitions);
  const tail = await tailOf(log, topics.routeOutcome.name, partition, maxRecords);
  const reports: RouteOutcome[] = [];
  for await (const outcome of rowsWith(log.broker, topics.routeOutcome, tail, decisionId))
    if (outcome.decisionId === decisionId) reports.push(outcome);
  return reports;
}

/** The request of a decision as intake pinned it, as far as the newest `maxRecords` of its partition have it. */
export async function findOpened(
  log: SearchedLog,
  decisionId: string,
  routingKey: string,
  maxRecords: number,
): Promise<RouteOpened | null> {
  const partition = partitionOf(routingKey, log.requestPathPartitions);
  const tail = await tailOf(log, topics.routeOpened.name, partition, maxRecords);
  for await (const opened of rowsWith(log.broker, topics.routeOpened, tail, decisionId))
    if (opened.requestId === decisionId) return opened;
  return null;
}

/** The trace that a decision was made in, by its id; null where it was not sampled, or is not among the newest `maxRecords`. */
export async function findTrace(
  log: SearchedLog,
  decisionId: string,
  routingKey: string,
  maxRecords: number,
): Promise<string | null> {
  const partition = partitionOf(routingKey, log.requestPathPartitions);
  const { of, from, to } = await tailOf(log, topics.routeDecided.name, partition, maxRecords);
  if (from >= to) return null;
  const bytes = Buffer.from(decisionId, 'utf8');
  for await (const records of log.broker.read(of, { from, to, maxRecords: chunkRecords }))
    for (const record of records)
      if (rowWith(topics.routeDecided, record, bytes)?.decisionId === decisionId)
        return sampledParent(record.headers[traceparentHeader])?.traceId ?? null;
  return null;
}

/** Its answer, where one was kept, as far as the newest `maxRecords` of its partition have it. */
export async function findKeptAnswer(
  log: SearchedLog,
  decisionId: string,
  routingKey: string,
  maxRecords: number,
): Promise<KeptAnswer | null> {
  const partition = partitionOf(routingKey, log.requestPathPartitions);
  const tail = await tailOf(log, topics.keptAnswers.name, partition, maxRecords);
  for await (const kept of rowsWith(log.broker, topics.keptAnswers, tail, decisionId))
    if (kept.decisionId === decisionId) return kept;
  return null;
}

/** The newest decisions of every partition, some at a time: what a gateway knows when it starts. */
export async function* newestDecisions(log: SearchedLog, maxDecisions: number): AsyncGenerator<RouteDecided> {
  const perPartition = Math.floor(maxDecisions / log.requestPathPartitions);
  for (let partition = 0; partition < log.requestPathPartitions; partition++) {
    const tail = await tailOf(log, topics.routeDecided.name, partition, perPartition);
    yield* rowsWith(log.broker, topics.routeDecided, tail, '');
  }
}

/** The partition where the decision is likely to be comes first. */
function partitionsOf(log: SearchedLog, decisionId: string, routingKey: string | null): number[] {
  const likely = partitionOf(routingKey ?? decisionId, log.requestPathPartitions);
  if (routingKey !== null) return [likely];
  const all = Array.from({ length: log.requestPathPartitions }, (_, partition) => partition);
  return [likely, ...all.filter((partition) => partition !== likely)];
}

async function tailOf(
  { broker, topicPrefix }: SearchedLog,
  topic: string,
  partition: number,
  maxRecords: number,
): Promise<Tail> {
  const of = { topic: topicPrefix + topic, partition };
  const { earliest, end } = await broker.offsets(of);
  const from = Math.max(earliest, end - maxRecords);
  return { of, from, to: end, isWhole: from === earliest };
}

/** Rows of records that hold these bytes somewhere. */
async function* rowsWith<T>(broker: Broker, topic: Topic<T>, { of, from, to }: Range, text: string): AsyncGenerator<T> {
  if (from >= to) return;
  const bytes = Buffer.from(text, 'utf8');
  for await (const records of broker.read(of, { from, to, maxRecords: chunkRecords }))
    for (const record of records) {
      const row = rowWith(topic, record, bytes);
      if (row !== null) yield row;
    }
}

function rowWith<T>(topic: Topic<T>, record: LogRecord, bytes: Buffer): T | null {
  // Searching the bytes is a hundred times cheaper than decoding them.
  if (!record.value?.includes(bytes)) return null;
  const read = readRow(topic, record);
  return read.kind === 'row' ? read.value : null;
}
