/** Records that can never be handled: what is written about them, and when they are too many. */
import { createHash } from 'node:crypto';
import { codecOf } from '../avro/codec';
import type { LogRecord, OutgoingRecord, TopicSettings } from '../ports/broker';
import type { Clock } from '../ports/clock';
import { settingsOf, type Topic } from '../topics/define-topic';
import type { DeadLetter } from '../topics/generated/messages';
import { deadLetterTopicName } from '../topics/topics';

const codec = codecOf<DeadLetter>('DeadLetter');
const maxReasonLength = 1_000;
/** Room for everything but the original value in a dead letter. */
const envelopeBytes = 8_192;
const keptWhereTableKeepsForGoodMs = 30 * 24 * 3_600_000;

/** The dead letter of one record, for the partition of the same number. Original bytes, or their hash when they do not fit. */
export function deadLetterOf(
  record: LogRecord,
  failure: { group: string; reason: string; field: string | null; failedAtMs: number; maxRecordBytes: number },
): OutgoingRecord {
  const valueBytes = record.value?.length ?? 0;
  const keyBytes = record.key === null ? 0 : Buffer.byteLength(record.key);
  const fits = valueBytes + 2 * keyBytes + envelopeBytes <= failure.maxRecordBytes;
  const letter: DeadLetter = {
    topic: record.topic,
    partition: record.partition,
    offset: record.offset,
    group: failure.group,
    reason: failure.reason.slice(0, maxReasonLength),
    field: failure.field,
    key: record.key,
    value: fits ? record.value : null,
    valueSha256: fits || !record.value ? null : createHash('sha256').update(record.value).digest('hex'),
    valueBytes,
    failedAtMs: failure.failedAtMs,
  };
  return {
    topic: deadLetterTopicName(record.topic),
    partition: record.partition,
    key: record.key,
    value: codec.encode(letter),
  };
}

/** The dead-letter topic of an input: same partitions and retention, so the same access rules can hold. */
export function deadLetterSettings(topic: Topic<never>, requestPathPartitions: number): TopicSettings {
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
