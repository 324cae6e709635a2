/** Records that can never be handled: what is written about them, and how many are too many. */
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

/** Too many of a service's records could not be handled; it stays stopped until somebody has looked. */
export class DeadLetterLimitError extends Error {
  constructor(group: string, dead: number, handled: number, windowMs: number) {
    super(
      `service ${group} stopped: ${dead} of its last ${handled} records (within ${windowMs} ms) became dead letters; ` +
        'look at the .dlq topics of its inputs, repair the producer or the service, then start it again',
    );
    this.name = 'DeadLetterLimitError';
  }
}

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

/** Counts what a service handled; throws once both count and ratio of dead letters within a window pass their limit. */
export interface DeadLetterGuard {
  batch(group: string, handled: number, dead: number): void;
}

export function createDeadLetterGuard(
  limits: { readonly count: number; readonly ratio: number; readonly windowMs: number },
  clock: Clock,
): DeadLetterGuard {
  let startedMs = clock.monotonicMs();
  let handledInWindow = 0;
  let deadInWindow = 0;
  return {
    batch(group, handled, dead) {
      const nowMs = clock.monotonicMs();
      if (nowMs - startedMs >= limits.windowMs) {
        startedMs = nowMs;
        handledInWindow = 0;
        deadInWindow = 0;
      }
      handledInWindow += handled;
      deadInWindow += dead;
      if (deadInWindow > limits.count && deadInWindow > limits.ratio * handledInWindow) {
        throw new DeadLetterLimitError(group, deadInWindow, handledInWindow, limits.windowMs);
      }
    },
  };
}
