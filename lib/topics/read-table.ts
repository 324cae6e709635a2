/** A table of one partition as it stands now, read once. To follow one, see `lib/runtime/view.ts`. */
import type { Broker } from '../ports/broker';
import type { Topic } from './define-topic';

/** By key, in the order of the last change. Throws for a record that cannot be decoded. */
export async function readTable<T>(broker: Broker, topic: Topic<T>, topicPrefix: string): Promise<Map<string, T>> {
  const of = { topic: topicPrefix + topic.name, partition: 0 };
  const { earliest, end } = await broker.offsets(of);
  const rows = new Map<string, Buffer>();
  for await (const records of broker.read(of, { from: earliest, to: end })) {
    for (const { key, value } of records) {
      if (key === null) continue;
      rows.delete(key);
      if (value !== null) rows.set(key, value);
    }
  }
  return new Map([...rows].map(([key, value]) => [key, topic.codec.decode(value)]));
}
