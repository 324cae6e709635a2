/** Which judgements reach the learner: impossible ones never, those of a source that says too much only up to its share. */
import type { LearningEvent } from '../../topics/generated/messages';
import type { FoldParts } from '../fold/learner-state';
import { neuralWeightOf } from '../value/mix';
import { featuresOf } from '../value/policy';
import { admitJudgement, compareJudgement, isComparable } from './influence';

/**
 * The event with no more judgement than is to be believed: what it says of costs and spending always counts. Recorded data
 * (FULL) is handed over by whoever runs the engine and is not limited.
 */
export function believed(fold: FoldParts, event: LearningEvent, offset: number): LearningEvent {
  const { guard } = fold.state;
  if (event.kind !== 'EXPERIENCE' || event.quality === null || event.model === null) return event;
  const { quality, model, source } = event;
  if (quality >= 0 && quality <= 1) {
    if (isComparable(guard.influence, source)) {
      const expected = expectedQuality(fold, event);
      if (expected !== null) compareJudgement(guard.influence, source, model, { quality, expected });
    }
    if (admitJudgement(guard.influence, source, model)) return event;
  }
  if (event.revision > 0) guard.passedCorrections.push(offset);
  return { ...event, quality: null };
}

/** What the policy in force and the drift seen since expect of the called model; null when they do not know it. */
function expectedQuality({ state, scratch }: FoldParts, event: LearningEvent): number | null {
  const served = scratch.servedModels.indexOf(event.model!);
  const drift = state.drifts[state.models.indexOf(event.model!)];
  if (!scratch.served || served < 0 || !drift) return null;
  const weight = neuralWeightOf(state.mix);
  return scratch.served(featuresOf(event), weight).means[served]! + drift.offset * state.rewardDeviation;
}

/** For a replay that is read again: whether the judgement at this offset was passed over. */
export function wasPassedOver(fold: FoldParts, offset: number): boolean {
  return fold.state.guard.passedCorrections.includes(offset);
}

/** Forgets passed-over corrections that a restart, which reads from `fromOffset` on, will not meet again. */
export function forgetPassedOver({ state: { guard } }: FoldParts, fromOffset: number): void {
  guard.passedCorrections = guard.passedCorrections.filter((offset) => offset >= fromOffset);
}
