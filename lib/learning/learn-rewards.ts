/** Folds the rewards of one event in: errors of both halves first, then the update of the linear half, then the replay. */
import type { LearningEvent } from '../topics/generated/messages';
import { describe, type Features } from './basis';
import { observeInnovation } from './drift';
import type { FoldParts } from './learner-state';
import { headCount, predictTarget, updateLinear } from './linear-half';
import { neuralWeightOf, observeErrors } from './mix';
import { featuresOf } from './policy';
import { addRow, type Outcome, type Replay } from './replay';

/** Folds the rewards of one event in. Returns whether a drift alarm was raised. */
export function learn(fold: FoldParts, event: LearningEvent, offset: number): boolean {
  const { state } = fold;
  const outcomes = outcomesOf(event, (model) => driftQuality(fold, state.models.indexOf(model)));
  if (outcomes.length === 0) return false;
  if (event.revision > 0 && correct(state.replay, event)) return false;
  const features = ownedFeatures(event);
  addRow(
    state.replay,
    { offset, decisionId: event.decisionId, features, outcomes, next: null, x: null, xBasis: -1 },
    event.sessionId,
  );
  let alarm = false;
  if (state.basis) {
    describe(state.basis.fitted, features, fold.scratch.x, fold.scratch.phi);
    fold.scratch.widePhi.set(fold.scratch.phi);
  }
  for (const outcome of outcomes) {
    const arm = state.models.indexOf(outcome.model);
    state.pulls[arm]!++;
    state.rewards++;
    if (state.basis && learnOutcome(fold, arm, outcome, event.kind === 'EXPERIENCE')) alarm = true;
  }
  return alarm;
}

/** Errors first, then the update. Returns whether a drift alarm was raised. */
function learnOutcome(fold: FoldParts, arm: number, outcome: Outcome, live: boolean): boolean {
  const { state } = fold;
  const target = targetOf(fold, arm, outcome);
  const heads = state.neural!.predict(fold.scratch.x, state.basis!.fitted.networkScale);
  let neural = 0;
  for (let m = 0; m < headCount; m++) neural += heads[arm * headCount + m]! / headCount;
  let predicted = neural;
  if (state.linear) {
    const linear = predictTarget(state.linear, arm, fold.scratch.widePhi);
    const weight = neuralWeightOf(state.mix);
    predicted = (1 - weight) * linear + weight * neural;
    observeErrors(state.mix, target - linear, target - neural);
  }
  const alarm = live && observeInnovation(state.drifts[arm]!, target - predicted, state.linear?.noise ?? 1);
  if (state.linear)
    updateLinear(state.linear, arm, fold.scratch.widePhi, target, costTarget(fold, outcome), state.random);
  return alarm;
}

/** Standardised reward without drift, minus the model's mean. */
export function targetOf(fold: FoldParts, arm: number, outcome: Outcome): number {
  const { rewardMean, rewardDeviation, armMeans } = fold.state;
  return (outcome.quality - outcome.drift - rewardMean) / rewardDeviation - armMeans[arm]!;
}

export function costTarget(fold: FoldParts, outcome: Outcome): number | null {
  const mean = fold.state.pacer.costs.get(outcome.model)?.ratio ?? 0;
  return outcome.costRatio === null || mean <= 0 ? null : Math.min(outcome.costRatio / mean, 4) - 1;
}

export function driftQuality(fold: FoldParts, arm: number): number {
  return fold.state.drifts[arm]!.offset * fold.state.rewardDeviation;
}

/** What was judged. A null quality is unknown, never 0; a model the event does not list cannot have been decided. */
export function outcomesOf(event: LearningEvent, driftOf: (model: string) => number): Outcome[] {
  const outcomes: Outcome[] = [];
  event.models.forEach((model, i) => {
    const full = event.kind === 'FULL';
    if (!full && model !== event.model) return;
    const quality = full ? (event.fullQualities[i] ?? null) : event.quality;
    if (quality === null) return;
    const costUsd = full ? (event.fullCostsUsd[i] ?? null) : event.costUsd;
    const costRatio = costUsd === null ? null : costUsd / (event.priceFactors[i] ?? 1);
    outcomes.push({ model, quality, drift: driftOf(model), costRatio });
  });
  return outcomes;
}

/** Replaces an earlier judgement of the same decision. The linear half follows at the next refit. False when there was none. */
export function correct(replay: Replay, event: LearningEvent): boolean {
  const row = replay.byDecision.get(event.decisionId);
  const outcome = row?.outcomes.find(({ model }) => model === event.model);
  if (!outcome || event.quality === null) return false;
  outcome.quality = event.quality;
  return true;
}

/** The event's features on memory of their own: a record's bytes may be a slice of a whole batch. */
export function ownedFeatures(event: LearningEvent): Features {
  const features = featuresOf(event);
  return {
    sketch: features.sketch.slice(),
    sketchScale: features.sketchScale,
    hand: features.hand.slice(),
    caller: features.caller?.slice() ?? null,
    task: features.task,
  };
}
