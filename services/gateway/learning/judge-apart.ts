/** Judges other policies on the newest of what was learned from, in a process of its own, one question at a time: requests do not wait for it, and its memory ends with it. */

import type { Counterfactuals } from '../../../lib/analytics/counterfactuals';
import type { ShadowTargets } from '../../../lib/analytics/shadow-targets';
import type { Broker } from '../../../lib/ports/broker';
import { startProcess } from '../../../lib/start-process';
import type { UtilityScale } from '../../../lib/topics/generated/messages';
import { topics } from '../../../lib/topics/topics';
import { HttpError } from '../http/http-error';

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

/** What is asked of the process. */
export interface JudgeTask extends Pick<JudgedRange, 'fromMs' | 'toMs' | 'routerUsdPerDecision'> {
  readonly shadows: readonly ShadowTargets[];
  /** Left out: that of a configuration which says nothing. */
  readonly utilityScale?: UtilityScale;
}

/** The task comes first, then learning events as they are in the log, then the end of them. */
export type JudgeMessage =
  | { readonly kind: 'task'; readonly task: JudgeTask }
  | { readonly kind: 'records'; readonly records: readonly Uint8Array[] }
  | { readonly kind: 'end' };

export type JudgeReply = { readonly judged: Counterfactuals } | { readonly failed: string };

/** Rejects with an HttpError where too many questions wait, or one takes too much time or memory. */
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
    const scale = utilityScale();
    const judging = startJudge({
      ...{ fromMs, toMs, routerUsdPerDecision },
      shadows: await shadows(fromMs, withPrevious),
      ...(scale && { utilityScale: scale }),
    });
    try {
      if (from < end)
        for await (const chunk of broker.read(of, { from, to: end, maxRecords: chunkRecords }))
          await judging.take(chunk.flatMap(({ value }) => (value === null ? [] : [value])));
      return await judging.judged();
    } finally {
      judging.end();
    }
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

function startJudge(task: JudgeTask) {
  const child = startProcess(__dirname, 'judge-process', { maxHeapMb });
  // Whoever stops does not wait for it: without its caller it ends by itself.
  child.unref();
  child.channel?.unref();
  const answer = new Promise<Counterfactuals>((resolve, reject) => {
    const tooMuch = (): void =>
      reject(new HttpError('overloaded', 'judging these takes more time or memory than there is; ask for fewer'));
    const limit = setTimeout(tooMuch, maxJudgeMs);
    limit.unref();
    child.once('message', (reply: JudgeReply) => {
      if ('judged' in reply) resolve(reply.judged);
      else reject(new Error(`policies could not be judged: ${reply.failed}`));
    });
    child.on('error', reject);
    child.once('exit', (code, signal) => {
      clearTimeout(limit);
      // A full heap ends a process by a signal, and so does the system where its memory is full.
      if (signal !== null) tooMuch();
      else reject(new Error(`the process that judges policies ended with code ${code}`));
    });
  });
  // A failure while records are still sent is met where the answer is waited for.
  answer.catch(() => {});
  /** Resolves when the process has taken it, or will answer that it cannot: so only one chunk is in memory at a time. */
  const send = (message: JudgeMessage): Promise<void> =>
    new Promise((resolve) => {
      if (!child.connected) resolve();
      else child.send(message, () => resolve());
    });
  // Messages arrive in the order in which they are sent.
  void send({ kind: 'task', task });
  return {
    take: (records: readonly Uint8Array[]): Promise<void> => send({ kind: 'records', records }),
    judged(): Promise<Counterfactuals> {
      void send({ kind: 'end' });
      return answer;
    },
    end(): void {
      child.kill('SIGKILL');
    },
  };
}
