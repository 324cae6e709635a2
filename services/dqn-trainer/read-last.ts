/** The newest value of a table that has one key: what a restart goes on from. */
import type { Broker } from '../../lib/ports/broker';
import type { Topic } from '../../lib/topics/define-topic';

/** Offsets read at a time, from the end backwards. */
const windowOffsets = 32;

/** Null when nothing was ever written. Throws for a record that cannot be decoded: guessing would fork the lineage. */
export async function readLast<T>(broker: Broker, topic: Topic<T>, topicPrefix: string): Promise<T | null> {
  const of = { topic: topicPrefix + topic.name, partition: 0 };
  const { earliest, end } = await broker.offsets(of);
  for (let to = end; to > earliest; to -= windowOffsets) {
    let last: Buffer | null = null;
    for await (const records of broker.read(of, { from: Math.max(earliest, to - windowOffsets), to })) {
      for (const { value } of records) last = value ?? last;
    }
    if (last) return topic.codec.decode(last);
  }
  return null;
}
