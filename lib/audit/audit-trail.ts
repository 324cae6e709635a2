/**
 * The audit trail: every change that somebody makes is a record of its topic, with who, what, before and after. It is written
 * by whatever makes the change (lib/config/apply-config.ts, lib/access/key-desk.ts, lib/weights/audit-weights.ts), so that no
 * command and no route can change something without it.
 */
import { createHash } from 'node:crypto';
import type { Broker, OutgoingRecord, Producer } from '../ports/broker';
import type { Clock } from '../ports/clock';
import { ensureSinglePartitionTopic } from '../topics/ensure-topic';
import type { AuditRecord } from '../topics/generated/messages';
import { readRow } from '../topics/read-row';
import { topics } from '../topics/topics';

export interface Change {
  readonly who: string;
  readonly action: string;
  readonly target: string;
  /** Anything that JSON can say; null for nothing. */
  readonly before: unknown;
  readonly after: unknown;
  readonly note?: string;
}

export interface AuditTrail {
  /** The record of a change, to be written together with the change itself. The topic is there when it resolves. */
  recordOf(change: Change): Promise<OutgoingRecord>;
}

/** Values longer than this, as JSON, are not kept: a record has room for both, and says so. */
const maxValueChars = 100_000;

export function createAuditTrail(options: {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly topicPrefix: string;
}): AuditTrail {
  const { broker, clock, topicPrefix } = options;
  let ensured: Promise<string> | null = null;
  const topicName = (): Promise<string> => {
    ensured ??= ensureSinglePartitionTopic(broker, topics.audit, topicPrefix).catch((error) => {
      // Asked again at the next change.
      ensured = null;
      throw error;
    });
    return ensured;
  };
  return {
    async recordOf({ who, action, target, before, after, note = '' }) {
      const said = {
        atMs: clock.nowMs(),
        who,
        action,
        target,
        before: jsonOf(before),
        after: jsonOf(after),
        note,
      };
      const record: AuditRecord = { auditId: idOf(said), ...said };
      const { codec, keyOf } = topics.audit;
      return { topic: await topicName(), key: keyOf(record), value: codec.encode(record) };
    },
  };
}

/** Writes one record by itself, where the change is made by somebody else. */
export async function writeAudit(producer: Producer, trail: AuditTrail, change: Change): Promise<void> {
  await producer.send([await trail.recordOf(change)]);
}

const idChars = 32;

/** What is said twice has one id, so a change that is written again after a crash can be told from a second one. */
function idOf(said: Omit<AuditRecord, 'auditId'>): string {
  return createHash('sha256').update(JSON.stringify(said)).digest('hex').slice(0, idChars);
}

function jsonOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  const text = JSON.stringify(value);
  return text.length <= maxValueChars ? text : JSON.stringify({ tooLong: `${text.length} characters of JSON` });
}

/** Records looked at for one answer: gaps of the log and records of no use count too. */
const maxScanned = 20_000;
const chunk = 1_000;

/** The newest `limit` records, newest first; empty where nothing was ever changed. */
export async function readAudit(broker: Broker, topicPrefix: string, limit: number): Promise<AuditRecord[]> {
  const topic = topicPrefix + topics.audit.name;
  if (!(await broker.listTopics()).some(({ name }) => name === topic)) return [];
  const { earliest, end } = await broker.offsets({ topic, partition: 0 });
  const found: AuditRecord[] = [];
  for (let to = end; to > Math.max(earliest, end - maxScanned) && found.length < limit; to -= chunk) {
    const from = Math.max(earliest, to - chunk);
    const part: AuditRecord[] = [];
    for await (const records of broker.read({ topic, partition: 0 }, { from, to }))
      for (const record of records) {
        const read = readRow(topics.audit, record);
        if (read.kind === 'row') part.push(read.value);
      }
    found.push(...part.reverse());
  }
  return found.slice(0, limit);
}
