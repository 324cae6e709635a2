/** A table of one partition as it stands now, read once. To follow one, see `lib/stream/view.ts`. */
import type { Broker } from '../ports/broker';
import type { Topic } from './define-topic';
import { type ReadOptions, readRow } from './read-row';

/** By key, in the order of the last change. Of a key's records the last that is a row, or deletes it, counts. */
export async function readTable<T>(
  broker: Broker,
  topic: Topic<T>,
  topicPrefix: string,
  { onForeign, accepts }: ReadOptions<T> = {},
): Promise<Map<string, T>> {
  const of = { topic: topicPrefix + topic.name, partition: 0 };
  const { earliest, end } = await broker.offsets(of);
  const rows = new Map<string, T>();
  for await (const records of broker.read(of, { from: earliest, to: end })) {
    for (const record of records) {
      const read = readRow(topic, record, accepts);
      if (read.kind === 'foreign') {
        onForeign?.(record, read.reason);
        continue;
      }
      rows.delete(read.key);
      if (read.kind === 'row') rows.set(read.key, read.value);
    }
  }
  return rows;
}
