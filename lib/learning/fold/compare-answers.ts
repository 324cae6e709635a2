/** What the answers of one event say about sets of risk: each beside what was predicted of all its candidates before. */
import type { LearningEvent } from '../../topics/generated/messages';
import { headCount, predictTargets } from '../value/linear-half';
import { neuralWeightOf } from '../value/mix';
import { observeAnswers } from '../value/set-gaps';
import type { FoldParts } from './learner-state';
import type { Outcome } from './replay';

/** To be called before the rewards are learned; `heads` is what the network says of the request in scratch space. */
export function compareAnswers(
  fold: FoldParts,
  { models, eligible, provisional }: LearningEvent,
  outcomes: readonly Outcome[],
  heads: Float32Array,
): void {
  if (provisional) return;
  const { state } = fold;
  const candidates = models.filter((_, i) => eligible[i]);
  const answers = outcomes
    .map(({ model, quality }) => ({ candidate: candidates.indexOf(model), quality }))
    .filter(({ candidate }) => candidate >= 0);
  if (answers.length === 0) return;
  const linear = state.linear && predictTargets(state.linear, fold.scratch.widePhi);
  const predicted = candidates.map((model) => predictedQuality(fold, heads, linear, state.models.indexOf(model)));
  observeAnswers(state.setGaps, predicted, answers);
}

/** Expected quality of a model, drift counted, 0..1: what a policy published now would say. */
function predictedQuality({ state }: FoldParts, heads: Float32Array, linear: Float64Array | null, arm: number): number {
  const weight = linear ? neuralWeightOf(state.mix) : 1;
  let neural = 0;
  for (let m = 0; m < headCount; m++) neural += heads[arm * headCount + m]! / headCount;
  const own = linear ? (1 - weight) * linear[arm]! : 0;
  const standardised = state.armMeans[arm]! + own + weight * neural + state.drifts[arm]!.offset;
  return Math.max(0, Math.min(1, state.rewardMean + state.rewardDeviation * standardised));
}
