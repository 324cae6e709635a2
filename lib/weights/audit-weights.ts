/** Has other weights put in force, with a record of it in the audit trail. */
import { createAuditTrail, writeAudit } from '../audit/audit-trail';
import type { Broker } from '../ports/broker';
import type { Clock } from '../ports/clock';
import type { WeightsAnswer, WeightsCommand } from '../topics/generated/messages';
import { readWeights } from './read-weights';

export interface AuditedOptions {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly topicPrefix: string;
}

/** Does what `ask` does. The record is there before it resolves, also of what was refused or not answered in time. */
export async function askAudited(
  { broker, clock, topicPrefix }: AuditedOptions,
  command: WeightsCommand,
  ask: () => Promise<WeightsAnswer | null>,
): Promise<WeightsAnswer | null> {
  const producer = broker.producer(`audit-${command.commandId}`);
  try {
    const trail = createAuditTrail({ broker, clock, topicPrefix });
    const before = (await readWeights(broker, topicPrefix)).inForce?.policySha256 ?? null;
    const answer = await ask();
    await writeAudit(producer, trail, {
      who: command.requestedBy,
      action: command.kind === 'PROMOTE' ? 'weights.promote' : 'weights.rollback',
      target: command.policySha256 ?? '',
      before: { policySha256: before },
      after: { policySha256: answer?.status === 'DONE' ? answer.policySha256 : before },
      note: answer ? `${answer.status}: ${answer.why}` : 'not answered in time; it may be carried out later',
    });
    return answer;
  } finally {
    await producer.close();
  }
}
