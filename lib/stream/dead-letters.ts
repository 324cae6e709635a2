/** Records that can never be handled: what is written about them, and when they are too many. */
import { createHash } from 'node:crypto';
import { codecOf } from '../avro/codec';
import type { LogRecord, OutgoingRecord, TopicSettings } from '../ports/broker';
import type { Clock } from '../ports/clock';
import { type AnyTopic, settingsOf } from '../topics/define-topic';
import type { DeadLetter } from '../topics/generated/messages';
import { deadLetterTopicName } from '../topics/topics';

const codec = codecOf<DeadLetter>('DeadLetter');
const maxReasonLength = 1_000;
const maxFieldLength = 200;
/** Longest key that a dead letter carries twice. Of a longer key it carries the beginning, where the whole key does not fit. */
const maxShortenedKeyLength = 200;
/** Room for everything in a dead letter but the original value and key: names, reason and field at their longest, headers. */
const envelopeBytes = 8_192;
const keptWhereTableKeepsForGoodMs = 30 * 24 * 3_600_000;

/** What is put aside: a record of the log, or (offset -1) a row of a table. */
export type PutAside = Pick<LogRecord, 'topic' | 'partition' | 'offset' | 'key' | 'value'> & Partial<LogRecord>;

export interface Failure {
  readonly group: string;
  readonly reason: string;
  readonly field: string | null;
  readonly failedAtMs: number;
  /** Of the dead-letter topic. */
  readonly maxRecordBytes: number;
}

/**
 * The dead letter of one record, for the partition of the same number. It always fits: it has the original bytes, or
 * their hash where they are too many, and then of a key that is too long as well its beginning. `input`: the topic whose
 * dead letters it joins, where that is another than the record's own.
 */
export function deadLetterOf(aside: PutAside, failure: Failure, input = aside.topic): OutgoingRecord {
  const { topic, partition, offset, value } = aside;
  const valueBytes = value?.length ?? 0;
  const keyBytes = aside.key === null ? 0 : Buffer.byteLength(aside.key);
  const room = failure.maxRecordBytes - envelopeBytes;
  const fits = valueBytes + 2 * keyBytes <= room;
  const key = 2 * keyBytes <= room ? aside.key : shortened(aside.key!, keyBytes);
  const letter: DeadLetter = {
    topic,
    partition,
    offset,
    group: failure.group,
    reason: failure.reason.slice(0, maxReasonLength),
    field: failure.field?.slice(0, maxFieldLength) ?? null,
    key,
    value: fits ? value : null,
    valueSha256: fits || !value ? null : createHash('sha256').update(value).digest('hex'),
    valueBytes,
    failedAtMs: failure.failedAtMs,
  };
  return { topic: deadLetterTopicName(input), partition, key, value: codec.encode(letter) };
}

function shortened(key: string, keyBytes: number): string {
  return `${key.slice(0, maxShortenedKeyLength)}… (${keyBytes} bytes)`;
}

/** The dead-letter topic of an input: same partitions and retention, so the same access rules can hold. */
export function deadLetterSettings(topic: AnyTopic, requestPathPartitions: number): TopicSettings {
  return {
    ...settingsOf(topic, requestPathPartitions),
    name: deadLetterTopicName(topic.name),
    cleanup: 'delete',
    retentionMs: topic.retentionMs ?? keptWhereTableKeepsForGoodMs,
  };
}

/**
 * Says loudly when both count and ratio of dead letters within a window pass their limit. It does not stop the service: what
 * is already in the log stays there, so a service that refused to pass it would stand still for everybody, and the dead
 * letters hold the originals, so what a bad deploy drained can be produced again.
 */
export interface DeadLetterAlarm {
  batch(handled: number, dead: number): void;
}

export function createDeadLetterAlarm(
  limits: { readonly count: number; readonly ratio: number; readonly windowMs: number },
  clock: Clock,
  ring: (on: boolean, facts: { readonly dead: number; readonly handled: number; readonly windowMs: number }) => void,
): DeadLetterAlarm {
  let startedMs = clock.monotonicMs();
  let handled = 0;
  let dead = 0;
  let ringing = false;
  let rangInWindow = false;
  const tell = (on: boolean): void => {
    ringing = on;
    ring(on, { dead, handled, windowMs: limits.windowMs });
  };
  return {
    batch(handledNow, deadNow) {
      const nowMs = clock.monotonicMs();
      if (nowMs - startedMs >= limits.windowMs) {
        if (ringing && !rangInWindow) tell(false);
        startedMs = nowMs;
        handled = 0;
        dead = 0;
        rangInWindow = false;
      }
      handled += handledNow;
      dead += deadNow;
      if (rangInWindow || dead <= limits.count || dead <= limits.ratio * handled) return;
      rangInWindow = true;
      tell(true);
    },
  };
}
