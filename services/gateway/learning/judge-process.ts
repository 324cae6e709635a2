/** The process that judges policies on a log: see judge-apart.ts. */
import { setPriority } from 'node:os';
import { counterfactualsOf } from '../../../lib/analytics/counterfactuals';
import type { LearningEvent } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import type { JudgeMessage, JudgeReply, JudgeTask } from './judge-apart';

/** Decisions come first where there is too little of the machine. */
const niceness = 10;

const events: LearningEvent[] = [];

function take(records: readonly Uint8Array[], { fromMs, toMs }: JudgeTask): void {
  for (const bytes of records) {
    try {
      const event = topics.learningEvents.codec.decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      if (event.openedAtMs >= fromMs && event.openedAtMs < toMs) events.push(event);
    } catch {
      // Whoever may write the topic may have written anything.
    }
  }
}

function reply(message: JudgeReply): void {
  process.send!(message, () => process.disconnect());
}

let task: JudgeTask | null = null;

setPriority(niceness);
// Whoever asked is gone, and with it the channel: nothing keeps this process alive.
process.on('message', (message: JudgeMessage) => {
  try {
    if (message.kind === 'task') task = message.task;
    else if (message.kind === 'records') take(message.records, task!);
    else reply({ judged: counterfactualsOf(events, task!) });
  } catch (error) {
    reply({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
});
