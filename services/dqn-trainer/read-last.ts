/** The newest value of a table that has one key: what a restart goes on from. */
import type { Broker } from '../../lib/ports/broker';
import { decodeOrNull } from '../../lib/topics/decode-or-null';
import type { Topic } from '../../lib/topics/define-topic';

/** Offsets read at a time, from the end backwards. */
const windowOffsets = 32;

/** Null when nothing was ever written. What cannot be decoded was not written by us, and is passed over. */
export async function readLast<T>(broker: Broker, topic: Topic<T>, topicPrefix: string): Promise<T | null> {
  const of = { topic: topicPrefix + topic.name, partition: 0 };
  const { earliest, end } = await broker.offsets(of);
  for (let to = end; to > earliest; to -= windowOffsets) {
    let last: T | null = null;
    for await (const records of broker.read(of, { from: Math.max(earliest, to - windowOffsets), to })) {
      for (const { value } of records) last = (value && decodeOrNull(topic, value)) ?? last;
    }
    if (last) return last;
  }
  return null;
}
