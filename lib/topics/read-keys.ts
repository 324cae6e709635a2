import type { Broker } from '../ports/broker';
import type { Topic } from './define-topic';

/** Keys of a topic of one partition, read once: of all its records, or of about the `newest`. */
export async function readKeys<T>(
  broker: Broker,
  topic: Topic<T>,
  topicPrefix: string,
  newest = Number.POSITIVE_INFINITY,
): Promise<Set<string>> {
  const of = { topic: topicPrefix + topic.name, partition: 0 };
  const { earliest, end } = await broker.offsets(of);
  const keys = new Set<string>();
  for await (const records of broker.read(of, { from: Math.max(earliest, end - newest), to: end })) {
    for (const { key } of records) if (key !== null) keys.add(key);
  }
  return keys;
}
