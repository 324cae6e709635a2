/** The newest value of a table that has one key: what a restart goes on from. */
import type { Broker, LogRecord } from '../ports/broker';
import type { Topic } from './define-topic';
import { type ReadOptions, readRow } from './read-row';

/** Offsets read at a time, from the end backwards. */
const windowOffsets = 32;

/**
 * Null when nothing was ever written. Records that are no rows, that delete what is never deleted, or that `accepts`
 * throws for, are passed over: the last good one counts.
 */
export async function readLast<T>(
  broker: Broker,
  topic: Topic<T>,
  topicPrefix: string,
  { onForeign, accepts }: ReadOptions<T> = {},
): Promise<T | null> {
  const of = { topic: topicPrefix + topic.name, partition: 0 };
  const { earliest, end } = await broker.offsets(of);
  for (let to = end; to > earliest; to -= windowOffsets) {
    const window: LogRecord[] = [];
    for await (const records of broker.read(of, { from: Math.max(earliest, to - windowOffsets), to }))
      window.push(...records);
    for (const record of window.reverse()) {
      const read = readRow(topic, record, accepts);
      if (read.kind === 'row') return read.value;
      if (read.kind === 'foreign') onForeign?.(record, read.reason);
    }
  }
  return null;
}
