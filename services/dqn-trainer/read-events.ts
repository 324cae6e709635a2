/** Learning events of a range, as the fold takes them. */
import type { Broker } from '../../lib/ports/broker';
import { decodeOrNull } from '../../lib/topics/decode-or-null';
import { topics } from '../../lib/topics/topics';
import type { FoldBatch } from './fold';

/** Events read at a time. */
const chunkEvents = 500;

export interface EventLog {
  readonly broker: Broker;
  readonly topicPrefix?: string;
}

/** Events of [from, to) that are still there, in order. What cannot be decoded is no event: whoever read it first made a dead letter of it. */
export async function* readEvents(
  { broker, topicPrefix = '' }: EventLog,
  from: number,
  to: number,
): AsyncGenerator<FoldBatch> {
  const of = { topic: topicPrefix + topics.learningEvents.name, partition: 0 };
  const { earliest } = await broker.offsets(of);
  const first = Math.max(from, earliest);
  if (first >= to) return;
  for await (const records of broker.read(of, { from: first, to, maxRecords: chunkEvents })) {
    yield records.flatMap(({ value, offset }) => {
      const event = value && decodeOrNull(topics.learningEvents, value);
      return event ? [{ event, offset }] : [];
    });
  }
}
