/** Judges other policies on the newest of what was learned from, in a thread of its own, one question at a time: requests do not wait for it. */

import type { Counterfactuals } from '../../lib/analytics/counterfactuals';
import type { ShadowTargets } from '../../lib/analytics/shadow-targets';
import type { Broker } from '../../lib/ports/broker';
import { startThread } from '../../lib/start-thread';
import type { UtilityScale } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { HttpError } from './http-error';

const maxJudgeMs = 60_000;
const maxHeapMb = 512;
const chunkRecords = 500;

export interface JudgedRange {
  readonly fromMs: number;
  readonly toMs: number;
  /** The same question with another time is asked anew. */
  readonly asOfMs: number;
  /** At most so many of the newest records are looked at. */
  readonly maxEvents: number;
  readonly routerUsdPerDecision: number;
  /** Whether the weights before those in force are judged, too. */
  readonly withPrevious: boolean;
}

/** What the thread is given. */
export interface JudgeTask extends Pick<JudgedRange, 'fromMs' | 'toMs' | 'routerUsdPerDecision'> {
  readonly shadows: readonly ShadowTargets[];
  /** Left out: that of a configuration which says nothing. */
  readonly utilityScale?: UtilityScale;
  /** Learning events as they are in the log. */
  readonly records: readonly Uint8Array[];
}

/** Rejects with an HttpError where too many questions wait, or one takes too long. */
export type PolicyJudge = (range: JudgedRange) => Promise<Counterfactuals>;

export function createPolicyJudge({
  broker,
  topicPrefix,
  shadows = async () => [],
  utilityScale = () => undefined,
  maxWaiting = 4,
}: {
  /** What shadows would have drawn with since a time. */
  readonly shadows?: (sinceMs: number, withPrevious: boolean) => Promise<readonly ShadowTargets[]>;
  readonly utilityScale?: () => UtilityScale | undefined;
  readonly broker: Broker;
  readonly topicPrefix: string;
  readonly maxWaiting?: number;
}): PolicyJudge {
  let waiting = 0;
  let newest: { readonly key: string; readonly judged: Promise<Counterfactuals> } | null = null;
  let turn: Promise<unknown> = Promise.resolve();
  const judge = async ({
    fromMs,
    toMs,
    maxEvents,
    routerUsdPerDecision,
    withPrevious,
  }: JudgedRange): Promise<Counterfactuals> => {
    const of = { topic: topicPrefix + topics.learningEvents.name, partition: 0 };
    const { earliest, end } = await broker.offsets(of);
    // Outcomes come after their decision, so nothing before this offset is of the range.
    const begun = await broker.offsetAt(of, fromMs);
    const from = Math.max(earliest, begun, end - maxEvents);
    const records: Uint8Array[] = [];
    if (from < end)
      for await (const chunk of broker.read(of, { from, to: end, maxRecords: chunkRecords }))
        for (const { value } of chunk) if (value !== null) records.push(value);
    const scale = utilityScale();
    return judgeInThread({
      ...{ records, fromMs, toMs, routerUsdPerDecision },
      shadows: await shadows(fromMs, withPrevious),
      ...(scale && { utilityScale: scale }),
    });
  };
  return (range) => {
    const key = JSON.stringify(range);
    if (newest?.key === key) return newest.judged;
    if (waiting >= maxWaiting)
      return Promise.reject(new HttpError('overloaded', 'other policies are being judged; try again later'));
    waiting++;
    const judged = turn.then(() => judge(range)).finally(() => waiting--);
    newest = { key, judged };
    // What has failed is tried again.
    turn = judged.catch(() => {
      if (newest?.key === key) newest = null;
    });
    return judged;
  };
}

function judgeInThread(task: JudgeTask): Promise<Counterfactuals> {
  const worker = startThread(__dirname, 'judge-worker', {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMb },
  });
  return new Promise<Counterfactuals>((resolve, reject) => {
    const tooLong = (): void => reject(new HttpError('overloaded', 'judging these takes too long; ask for fewer'));
    const limit = setTimeout(tooLong, maxJudgeMs);
    worker.once('message', resolve);
    worker.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? tooLong() : reject(error),
    );
    worker.once('exit', (code) => {
      clearTimeout(limit);
      reject(new Error(`the thread that judges policies ended with code ${code}`));
    });
  }).finally(() => void worker.terminate());
}
