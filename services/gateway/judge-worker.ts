/** The thread that judges policies on a log: see judge-apart.ts. */
import { parentPort, workerData } from 'node:worker_threads';
import { counterfactualsOf } from '../../lib/analytics/counterfactuals';
import type { LearningEvent } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import type { JudgeTask } from './judge-apart';

const { records, fromMs, toMs, ...options } = workerData as JudgeTask;
const events = records.flatMap((bytes): LearningEvent[] => {
  try {
    const event = topics.learningEvents.codec.decode(Buffer.from(bytes));
    return event.openedAtMs >= fromMs && event.openedAtMs < toMs ? [event] : [];
  } catch {
    // Whoever may write the topic may have written anything.
    return [];
  }
});
parentPort!.postMessage(counterfactualsOf(events, options));
