/** What a record of a table says, whoever wrote it: a topic takes records from everybody who may write, and not all are rows. */
import type { LogRecord } from '../ports/broker';
import type { Log } from '../telemetry/log';
import type { Topic } from './define-topic';

export type RowRecord<T> =
  | { readonly kind: 'row'; readonly key: string; readonly value: T }
  | { readonly kind: 'deleted'; readonly key: string }
  /** None of ours: what was there before stays in force. */
  | { readonly kind: 'foreign'; readonly reason: string };

/** Says to whoever looks after the engine that a record of a table was passed over. */
export type OnForeign = (record: LogRecord, reason: string) => void;

export interface ReadOptions<T> {
  /** Absent where the services that follow the table say it already. */
  readonly onForeign?: OnForeign;
  /** Throws for a value that is of the type and still cannot be used. */
  readonly accepts?: (value: T) => void;
}

const maxReasonLength = 300;

/** Never throws. */
export function readRow<T>(topic: Topic<T>, record: LogRecord, accepts?: (value: T) => void): RowRecord<T> {
  const { key, value } = record;
  if (key === null) return { kind: 'foreign', reason: 'it has no key' };
  if (value === null) {
    if (!topic.keepsRows) return { kind: 'deleted', key };
    return { kind: 'foreign', reason: `it deletes what ${topic.name} never deletes` };
  }
  try {
    const row = (record.decoded as T | undefined) ?? topic.codec.decode(value);
    accepts?.(row);
    return { kind: 'row', key, value: row };
  } catch (error) {
    return { kind: 'foreign', reason: (error as Error).message.slice(0, maxReasonLength) };
  }
}

/** An `OnForeign` that writes an error with topic, partition and offset, and nothing of the record but why. */
export function logForeign(log: Pick<Log, 'error'>): OnForeign {
  return ({ topic, partition, offset }, reason) =>
    log.error('a record of a table is none of ours and is passed over; what was there before stays in force', {
      topic,
      partition,
      offset,
      reason,
    });
}
