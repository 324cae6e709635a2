/** Makes and ends silences, in the log: every gateway agrees, and a restart remembers. The one place that writes them. */
import { createAuditTrail } from '../audit/audit-trail';
import type { Broker, OutgoingRecord } from '../ports/broker';
import type { Clock } from '../ports/clock';
import { ensureSinglePartitionTopic } from '../topics/ensure-topic';
import type { AlertSilence } from '../topics/generated/messages';
import { readTable } from '../topics/read-table';
import { topics } from '../topics/topics';

/** What is wrong with a wish, for people. */
export class SilenceRefusedError extends Error {
  constructor(
    readonly reason: 'not-found' | 'too-many',
    message: string,
  ) {
    super(message);
    this.name = 'SilenceRefusedError';
  }
}

export interface SilenceDesk {
  /** `who`: for the audit trail. */
  add(silence: AlertSilence, who: string): Promise<void>;
  /** Over at once. */
  end(silenceId: string, who: string): Promise<void>;
  close(): Promise<void>;
}

export interface SilenceDeskOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly topicPrefix: string;
  /** Unique per process. */
  readonly name: string;
}

/** Silences there may be: alerts look at all of them. */
const maxSilences = 200;
/** Those that are over are shown for so long. */
const keptMs = 24 * 3_600_000;

export function createSilenceDesk({ broker, clock, topicPrefix, name }: SilenceDeskOptions): SilenceDesk {
  const producer = broker.producer(`silences-${name}`);
  const trail = createAuditTrail({ broker, clock, topicPrefix });
  const { codec, keyOf } = topics.alertSilences;
  // One after another: each looks at what the one before has written.
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(task: () => Promise<T>): Promise<T> => {
    const result = turn.then(task);
    turn = result.catch(() => {});
    return result;
  };
  const ready = () => ensureSinglePartitionTopic(broker, topics.alertSilences, topicPrefix);
  const read = () => readTable(broker, topics.alertSilences, topicPrefix);
  const recordOf = (topic: string, silence: AlertSilence): OutgoingRecord => ({
    topic,
    key: keyOf(silence),
    value: codec.encode(silence),
  });
  return {
    add: (silence, who) =>
      inTurn(async () => {
        const topic = await ready();
        const rows = await read();
        const over = [...rows.values()].filter(({ untilMs }) => untilMs < clock.nowMs() - keptMs);
        if (rows.size - over.length >= maxSilences)
          throw new SilenceRefusedError('too-many', `there are ${maxSilences} silences already: end some`);
        await producer.send([
          await trail.recordOf({
            who,
            action: 'alerts.silence',
            target: silence.silenceId,
            before: null,
            after: silence,
          }),
          recordOf(topic, silence),
          ...over.map((old) => ({ topic, key: keyOf(old), value: null })),
        ]);
      }),
    end: (silenceId, who) =>
      inTurn(async () => {
        const topic = await ready();
        const before = (await read()).get(silenceId);
        if (!before)
          throw new SilenceRefusedError('not-found', `there is no silence ${JSON.stringify(silenceId.slice(0, 60))}`);
        if (before.untilMs <= clock.nowMs()) return;
        const after: AlertSilence = { ...before, untilMs: clock.nowMs() };
        await producer.send([
          await trail.recordOf({ who, action: 'alerts.unsilence', target: silenceId, before, after }),
          recordOf(topic, after),
        ]);
      }),
    async close() {
      await turn;
      await producer.close();
    },
  };
}
