/** What a lineage that leaves judgements out has changed: how many they were, and what is expected of each model instead. */
import { checkEvent } from '../../lib/learning/fold/check-event';
import { openedOfEvent } from '../../lib/learning/fold/opened-of-event';
import { parsePolicy } from '../../lib/learning/value/policy';
import type { LearnedPolicy } from '../../lib/routing/judge/strategy';
import { untuned } from '../../lib/routing/open/pin-tuning';
import type {
  ForgottenJudgements,
  LearningEvent,
  Tuning,
  WeightsPublished,
  WeightsVersion,
} from '../../lib/topics/generated/messages';
import type { BlobStore } from '../../lib/weights/blob-store';
import { forgottenFigure } from './fold/fold-inline';
import type { FoldSettings } from './fold/fold-settings';
import { type EventLog, readEvents } from './read-events';
import { blobsOf } from './trial-keeper';

/** Newest decisions that both policies are asked about; some milliseconds of the thread. */
const mostDecisions = 128;

export interface ForgottenAt extends EventLog {
  readonly blobs: BlobStore;
  readonly settings: FoldSettings;
  /** Next offset to fold in. */
  readonly position: number;
  /** Offsets of events that no fold takes. */
  readonly skipped: ReadonlySet<number>;
}

/** `inForce`: what the candidate would follow, with its tuning. Throws where the blob of one of them is in no store. */
export async function reportForgotten(
  { weights, tuning }: WeightsVersion,
  inForce: { readonly weights: WeightsPublished; readonly tuning: Tuning | null },
  at: ForgottenAt,
): Promise<ForgottenJudgements> {
  const policyOf = async (of: WeightsPublished): Promise<LearnedPolicy> => {
    const blobs = await blobsOf(at.blobs, of);
    return parsePolicy(blobs.basis, blobs.policy, blobs);
  };
  const before = await policyOf(inForce.weights);
  const after = await policyOf(weights);
  const sums = new Map<string, { decisions: number; before: number; after: number }>();
  const events = await newest(at);
  for (const event of events) {
    const qualities = [
      before.judge(openedOf(event, inForce.tuning, at.settings)).qualities,
      after.judge(openedOf(event, tuning, at.settings)).qualities,
    ];
    event.models.forEach((model, i) => {
      const [was, is] = qualities.map((of) => of?.[i]);
      if (was === undefined || is === undefined || !event.eligible[i]) return;
      const sum = sums.get(model) ?? { decisions: 0, before: 0, after: 0 };
      sums.set(model, { decisions: sum.decisions + 1, before: sum.before + was, after: sum.after + is });
    });
  }
  return {
    judgements: weights.metrics[forgottenFigure] ?? 0,
    policySha256: inForce.weights.policySha256,
    decisions: events.length,
    models: [...sums].map(([model, sum]) => ({
      model,
      before: sum.before / sum.decisions,
      after: sum.after / sum.decisions,
    })),
  };
}

async function newest({ position, skipped, settings, ...log }: ForgottenAt): Promise<LearningEvent[]> {
  const found: LearningEvent[] = [];
  // Twice as many events: further reports of a decision, and what was closed without any, are events as well.
  for await (const batch of readEvents(log, Math.max(0, position - 2 * mostDecisions), position))
    for (const { event, offset } of batch) {
      const isOfEncoder = event.callerFeatures !== null || event.encoderVersion === settings.encoderVersion;
      if (event.pace || skipped.has(offset) || event.revision > 0 || !isOfEncoder) continue;
      if (checkEvent(event).fault === null) found.push(event);
    }
  return found.slice(-mostDecisions);
}

function openedOf(event: LearningEvent, tuning: Tuning | null, settings: FoldSettings) {
  const { utilityScale, explorationFloor, budgetUsdPerRequest } = settings;
  return openedOfEvent(event, {
    tuning: tuning ?? untuned,
    utilityScale,
    explorationFloor,
    budgetUsdPerRequest,
    expectedLatencyMs: () => 0,
  });
}
