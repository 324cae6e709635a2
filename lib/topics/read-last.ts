/** The newest value of a table that has one key: what a restart goes on from. */
import type { Broker, LogRecord } from '../ports/broker';
import type { Topic } from './define-topic';
import { type ReadOptions, readRow } from './read-row';

/** Offsets read at a time, from the end backwards: few, as the last record is mostly good, and then twice as many, up to the most. */
const firstWindowOffsets = 32;
const mostWindowOffsets = 4_096;

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
  for (
    let to = end, size = firstWindowOffsets;
    to > earliest;
    to -= size, size = Math.min(2 * size, mostWindowOffsets)
  ) {
    const window: LogRecord[] = [];
    for await (const records of broker.read(of, { from: Math.max(earliest, to - size), to })) window.push(...records);
    for (const record of window.reverse()) {
      const read = readRow(topic, record, accepts);
      if (read.kind === 'row') {
        if (read.key === topic.keyOf(read.value)) return read.value;
        // Whoever follows the table finds it under no key that he asks for.
        onForeign?.(record, 'its key is not that of the table');
      }
      if (read.kind === 'foreign') onForeign?.(record, read.reason);
    }
  }
  return null;
}
