/** What the policy in force goes by, and what its clusters are about, from the newest requests: worked out once for all who ask. */
import { setImmediate as turnOfOthers } from 'node:timers/promises';
import { type PolicyFindings, studyPolicy } from '../../../lib/analytics/study-policy';
import type { Clock } from '../../../lib/ports/clock';
import { readOpened } from '../../../lib/replay/read-opened';
import { knownCollapse } from '../../../lib/routing/decide/collapse/collapses';
import { pinTuning } from '../../../lib/routing/open/pin-tuning';
import type { Tuning } from '../../../lib/topics/generated/messages';
import type { ShadowJudge } from './judge-shadows';

/** Each takes about a millisecond. */
const maxRequests = 500;
const dayMs = 86_400_000;
/** An answer is given again for so long: whoever watches asks again and again, and there may be many of them. */
const keptMs = 60_000;

export interface StudiedPolicy extends PolicyFindings {
  readonly policySha256: string;
  readonly atMs: number;
}

export interface PolicyStudyOptions
  extends Pick<
    ShadowJudge,
    'broker' | 'topicPrefix' | 'requestPathPartitions' | 'config' | 'knownWeights' | 'weightsOf'
  > {
  readonly clock: Clock;
  /** The learner's newest. */
  readonly tuning: () => Tuning | undefined;
}

/** Null where no policy is in force, or its weights cannot be had. */
export function createPolicyStudy(options: PolicyStudyOptions): () => Promise<StudiedPolicy | null> {
  const { clock } = options;
  let newest: { readonly startedMs: number; readonly studied: Promise<StudiedPolicy | null> } | null = null;
  let isRunning = false;
  return () => {
    if (newest !== null && (isRunning || clock.monotonicMs() < newest.startedMs + keptMs)) return newest.studied;
    isRunning = true;
    const studied = studyInForce(options).finally(() => {
      isRunning = false;
    });
    newest = { startedMs: clock.monotonicMs(), studied };
    // What has failed is tried again, and so is what was not there yet.
    const forget = (): void => {
      if (newest?.studied === studied) newest = null;
    };
    studied.then((found) => found === null && forget(), forget);
    return studied;
  };
}

async function studyInForce(options: PolicyStudyOptions): Promise<StudiedPolicy | null> {
  const config = options.config();
  const { inForce } = await options.knownWeights();
  if (config === null || inForce === null) return null;
  const learned = await options.weightsOf(inForce);
  if (!learned?.study) return null;
  const atMs = options.clock.nowMs();
  const giveWay = () => turnOfOthers();
  const requests = await readOpened({ ...options, sinceMs: atMs - dayMs, maxRequests, giveWay });
  const tuning = options.tuning();
  const findings = await studyPolicy({
    requests,
    ...{ learned, study: learned.study },
    tuningOf: ({ collapse, taskType }) => pinTuning(config, tuning, knownCollapse(collapse), taskType),
    giveWay,
  });
  return { ...findings, policySha256: inForce.policySha256, atMs };
}
