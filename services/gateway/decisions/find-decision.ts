/**
 * Finds a decision, or the reports of one, in the log by its id, looking at no more than the newest records of each
 * partition.
 */
import type { Broker, LogRecord, TopicPartition } from '../../../lib/ports/broker';
import { sampledParent, traceparentHeader } from '../../../lib/telemetry/tracing';
import type { Topic } from '../../../lib/topics/define-topic';
import type {
  KeptAnswer,
  KeptResponse,
  RouteDecided,
  RouteOpened,
  RouteOutcome,
} from '../../../lib/topics/generated/messages';
import { partitionOf } from '../../../lib/topics/partition-of';
import { readRow } from '../../../lib/topics/read-row';
import { topics } from '../../../lib/topics/topics';

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

/** A decision whose key is known, and how many of the newest records of its partition are looked at. */
type InItsPartition = readonly [decisionId: string, routingKey: string, maxRecords: number];

interface FoundRecord<T> {
  readonly row: T;
  readonly record: LogRecord;
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
    for await (const { row } of recordsWith(log.broker, topics.routeDecided, range, decisionId))
      if (row.decisionId === decisionId) return { decision: row, searchedAll: false };
  return { decision: null, searchedAll: tails.every(({ isWhole }) => isWhole) };
}

/** What was reported of a decision, in order, as far as the newest `maxRecords` of its partition have it. */
export async function findReports(log: SearchedLog, ...of: InItsPartition): Promise<RouteOutcome[]> {
  const reports: RouteOutcome[] = [];
  for await (const { row } of recordsOf(log, topics.routeOutcome, ({ decisionId }) => decisionId, ...of))
    reports.push(row);
  return reports;
}

/** The request of a decision as intake pinned it, likewise. */
export async function findOpened(log: SearchedLog, ...of: InItsPartition): Promise<RouteOpened | null> {
  const found = await firstOf(recordsOf(log, topics.routeOpened, ({ requestId }) => requestId, ...of));
  return found?.row ?? null;
}

/** The trace that a decision was made in, by its id, likewise; null where it was not sampled, too. */
export async function findTrace(log: SearchedLog, ...of: InItsPartition): Promise<string | null> {
  const found = await firstOf(recordsOf(log, topics.routeDecided, ({ decisionId }) => decisionId, ...of));
  return sampledParent(found?.record.headers[traceparentHeader])?.traceId ?? null;
}

/** Its answer, where one was kept, likewise. */
export async function findKeptAnswer(log: SearchedLog, ...of: InItsPartition): Promise<KeptAnswer | null> {
  const found = await firstOf(recordsOf(log, topics.keptAnswers, ({ decisionId }) => decisionId, ...of));
  return found?.row ?? null;
}

/** What is known of something that a provider keeps, by its id, likewise; the newest last. */
export async function findKeptResponses(log: SearchedLog, id: string, maxRecords: number): Promise<KeptResponse[]> {
  const rows: KeptResponse[] = [];
  for await (const { row } of recordsOf(log, topics.keptResponses, (kept) => kept.id, id, id, maxRecords))
    rows.push(row);
  return rows;
}

/** The newest decisions of every partition, some at a time: what a gateway knows when it starts. */
export async function* newestDecisions(log: SearchedLog, maxDecisions: number): AsyncGenerator<RouteDecided> {
  const perPartition = Math.floor(maxDecisions / log.requestPathPartitions);
  for (let partition = 0; partition < log.requestPathPartitions; partition++) {
    const tail = await tailOf(log, topics.routeDecided.name, partition, perPartition);
    for await (const { row } of recordsWith(log.broker, topics.routeDecided, tail, '')) yield row;
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

/** Records of a decision in a topic, as far as the newest `maxRecords` of its partition have them. */
async function* recordsOf<T>(
  log: SearchedLog,
  topic: Topic<T>,
  idOf: (row: T) => string,
  ...[decisionId, routingKey, maxRecords]: InItsPartition
): AsyncGenerator<FoundRecord<T>> {
  const partition = partitionOf(routingKey, log.requestPathPartitions);
  const tail = await tailOf(log, topic.name, partition, maxRecords);
  for await (const found of recordsWith(log.broker, topic, tail, decisionId))
    if (idOf(found.row) === decisionId) yield found;
}

async function firstOf<T>(all: AsyncIterable<T>): Promise<T | null> {
  for await (const one of all) return one;
  return null;
}

/** Records that hold these bytes somewhere. */
async function* recordsWith<T>(
  broker: Broker,
  topic: Topic<T>,
  { of, from, to }: Range,
  text: string,
): AsyncGenerator<FoundRecord<T>> {
  if (from >= to) return;
  const bytes = Buffer.from(text, 'utf8');
  for await (const records of broker.read(of, { from, to, maxRecords: chunkRecords }))
    for (const record of records) {
      const row = rowWith(topic, record, bytes);
      if (row !== null) yield { row, record };
    }
}

function rowWith<T>(topic: Topic<T>, record: LogRecord, bytes: Buffer): T | null {
  // Searching the bytes is a hundred times cheaper than decoding them.
  if (!record.value?.includes(bytes)) return null;
  const read = readRow(topic, record);
  return read.kind === 'row' ? read.value : null;
}
