/** The newest opened requests of a log, the first record of each. */
import type { Broker } from '../ports/broker';
import type { RouteOpened } from '../topics/generated/messages';
import { topics } from '../topics/topics';
import { decoded } from './record-window';

export interface OpenedRange {
  readonly broker: Broker;
  readonly topicPrefix: string;
  readonly requestPathPartitions: number;
  readonly sinceMs: number;
  /** Newest requests that are looked at, all partitions together. */
  readonly maxRequests: number;
  /** Called after every few records: gives way to whoever else needs the thread. */
  readonly giveWay: () => Promise<void>;
}

/** Records between two times that others get the thread: some milliseconds of work. */
const chunkRecords = 25;

/** Partition after partition; those that strategies judged. */
export async function readOpened(range: OpenedRange): Promise<RouteOpened[]> {
  const { broker, topicPrefix, requestPathPartitions: partitions, sinceMs, maxRequests, giveWay } = range;
  const perPartition = Math.ceil(maxRequests / partitions);
  const found = new Map<string, RouteOpened>();
  for (let partition = 0; partition < partitions; partition++) {
    const of = { topic: topicPrefix + topics.routeOpened.name, partition };
    const { earliest, end } = await broker.offsets(of);
    const from = Math.max(earliest, end - perPartition, await broker.offsetAt(of, sinceMs));
    if (from >= end) continue;
    for await (const records of broker.read(of, { from, to: end, maxRecords: chunkRecords })) {
      await giveWay();
      for (const record of records) {
        const opened = decoded(topics.routeOpened.codec, record);
        if (opened && opened.openedAtMs >= sinceMs && opened.strategies.length > 0 && !found.has(opened.requestId))
          found.set(opened.requestId, opened);
      }
    }
  }
  return [...found.values()];
}
