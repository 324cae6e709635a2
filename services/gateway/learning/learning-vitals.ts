/** How learning is, as the newest reports of the processes say: the trainer may be any of them. */
import type { Broker } from '../../../lib/ports/broker';
import { decoded } from '../../../lib/replay/record-window';
import type { EngineVitals } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';

/** Processes report four times in so long. */
const heardWithinMs = 60_000;
const chunkRecords = 500;
/** Reports that are looked at: an answer takes no longer, whoever writes the topic. */
const maxRecords = 5_000;

export interface LearningVitals {
  /** Age of the oldest learning event that is not folded in; 0 without one. */
  readonly lagMs: number;
  /** Whether newer weights are kept back. */
  readonly weightsHeld: boolean;
  /** When that was said. */
  readonly atMs: number;
}

/** Null where nobody has said so within the last minute, or the log cannot be asked. */
export async function learningVitals(
  broker: Broker,
  topicPrefix: string,
  nowMs: number,
): Promise<LearningVitals | null> {
  const of = { topic: topicPrefix + topics.engineVitals.name, partition: 0 };
  const newest = new Map<string, EngineVitals>();
  try {
    const { earliest, end } = await broker.offsets(of);
    const from = Math.max(earliest, await broker.offsetAt(of, nowMs - heardWithinMs), end - maxRecords);
    if (from < end)
      for await (const chunk of broker.read(of, { from, to: end, maxRecords: chunkRecords }))
        for (const record of chunk) {
          const report = decoded(topics.engineVitals.codec, record);
          if (report && report.atMs >= nowMs - heardWithinMs) newest.set(report.process, report);
        }
  } catch {
    // It is a figure for people: what else was asked is answered all the same.
    return null;
  }
  const reports = [...newest.values()];
  if (reports.length === 0) return null;
  return {
    lagMs: Math.max(...reports.map(({ learningLagMs }) => learningLagMs)),
    weightsHeld: reports.some(({ weightsHeld }) => weightsHeld),
    atMs: Math.max(...reports.map(({ atMs }) => atMs)),
  };
}
