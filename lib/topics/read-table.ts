/** A table of one partition as it stands now, read once. To follow one, see `lib/runtime/view.ts`. */
import type { Broker } from '../ports/broker';
import { decodeOrNull } from './decode-or-null';
import type { Topic } from './define-topic';

/** By key, in the order of the last change. A record that cannot be decoded is none of ours: what was there before it stays. */
export async function readTable<T>(broker: Broker, topic: Topic<T>, topicPrefix: string): Promise<Map<string, T>> {
  const of = { topic: topicPrefix + topic.name, partition: 0 };
  const { earliest, end } = await broker.offsets(of);
  const rows = new Map<string, T>();
  for await (const records of broker.read(of, { from: earliest, to: end })) {
    for (const { key, value } of records) {
      if (key === null) continue;
      const row = value && decodeOrNull(topic, value);
      if (value !== null && row === null) continue;
      rows.delete(key);
      if (row !== null) rows.set(key, row);
    }
  }
  return rows;
}
