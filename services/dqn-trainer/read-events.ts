/** Learning events of a range, as the fold takes them. */
import { UndecodableError } from '../../lib/avro/codec';
import type { Broker, LogRecord } from '../../lib/ports/broker';
import type { LearningEvent } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import type { FoldBatch } from './fold/fold-settings';

/** Events read and decoded in one go: requests may be waiting for the same thread meanwhile. */
const chunkEvents = 100;

export interface EventLog {
  readonly broker: Broker;
  readonly topicPrefix?: string;
  /** What the fold counts above the offsets of the log: see place-in-log.ts; default 0. */
  readonly shift?: number;
}

/**
 * Events of [from, to), as the fold counts them, that are still there, in order. What cannot be decoded is left out: it
 * never was folded either.
 */
export async function* readEvents(
  { broker, topicPrefix = '', shift = 0 }: EventLog,
  from: number,
  to: number,
): AsyncGenerator<FoldBatch> {
  const of = { topic: topicPrefix + topics.learningEvents.name, partition: 0 };
  const { earliest, end } = await broker.offsets(of);
  const first = Math.max(from - shift, earliest);
  const last = Math.min(to - shift, end);
  if (first >= last) return;
  for await (const records of broker.read(of, { from: first, to: last, maxRecords: chunkEvents })) {
    const batch = records.flatMap((record) => {
      const event = decoded(record);
      return event === null ? [] : [{ event, offset: record.offset + shift }];
    });
    if (batch.length > 0) yield batch;
  }
}

function decoded({ value }: LogRecord): LearningEvent | null {
  try {
    return value && topics.learningEvents.codec.decode(value);
  } catch (error) {
    // The runtime made a dead letter of it when it came.
    if (error instanceof UndecodableError) return null;
    throw error;
  }
}
