/** Folds the rewards of one event in: errors of both halves first, then the update of the linear half, then the replay. */
import { ratioAt } from '../../reward/price-unit';
import type { LearningEvent } from '../../topics/generated/messages';
import { keepFeatures } from '../features/kept-features';
import { observePrediction } from '../guard/soundness';
import { correctLinear } from '../value/correct-linear';
import { headCount, type LinearHalf, predictCost, predictTargets, updateLinear } from '../value/linear-half';
import { looksAhead } from '../value/look-ahead';
import { neuralWeightOf, observePredictions, type Prediction } from '../value/mix';
import { featuresOf } from '../value/policy';
import { compareAnswers } from './compare-answers';
import { observeInnovation } from './drift';
import { describeRow, type FoldParts } from './learner-state';
import { addRow, type Outcome, type Replay, type ReplayRow } from './replay';

/** Folds the rewards of one event in. Returns whether a drift alarm was raised. */
export function learn(fold: FoldParts, event: LearningEvent, offset: number): boolean {
  const { state } = fold;
  const outcomes = outcomesOf(event, (model) => driftQuality(fold, state.models.indexOf(model)));
  if (outcomes.length === 0) return false;
  if ((event.revision > 0 || event.replaces) && correct(fold, event)) return false;
  // Judged before, but no longer remembered: what it was cannot be taken back.
  if (event.replaces && event.replaces.quality !== null) return false;
  const row = rowOf(fold, event, offset, outcomes);
  addRow(state.replay, row, sessionOf(event));
  let alarm = false;
  if (state.basis) describeRow(fold, state.basis, row);
  const heads = state.basis && state.neural!.predict(fold.scratch.x, state.basis.fitted.networkScale);
  const ahead = looksAhead(fold, row);
  if (heads && !ahead) compareAnswers(fold, event, outcomes, heads);
  for (const outcome of outcomes) {
    const arm = state.models.indexOf(outcome.model);
    state.pulls[arm]!++;
    state.rewards++;
    if (!heads) continue;
    const live = event.kind === 'EXPERIENCE' && !ahead;
    if (learnOutcome(fold, arm, outcome, { heads, live, ahead })) alarm = true;
  }
  return alarm;
}

/** Errors first, then the update; `heads` is what the network says. Returns whether a drift alarm was raised. */
function learnOutcome(
  fold: FoldParts,
  arm: number,
  outcome: Outcome,
  { heads, live, ahead }: { readonly heads: Float32Array; readonly live: boolean; readonly ahead: boolean },
): boolean {
  const { state } = fold;
  const target = targetOf(fold, arm, outcome);
  const neural = neuralPrediction(heads, arm);
  const linear = state.linear && linearPrediction(fold, state.linear, arm);
  const weight = linear ? neuralWeightOf(state.mix) : 1;
  const predicted = (1 - weight) * (linear?.called ?? 0) + weight * neural.called;
  observePredictions(state.mix, target, linear, neural);
  observePrediction(fold, ahead ? null : target, predicted, {
    linear: linear?.called ?? null,
    network: neural.called,
  });
  const alarm =
    live && observeInnovation(state.drifts[arm]!, target - predicted, state.linear?.noise ?? 1, state.rewards);
  if (state.linear)
    updateLinear(state.linear, arm, fold.scratch.widePhi, target, costTarget(fold, outcome), state.random);
  return alarm;
}

function neuralPrediction(heads: Float32Array, arm: number): Prediction {
  let called = 0;
  let total = 0;
  for (let m = 0; m < headCount; m++) called += heads[arm * headCount + m]! / headCount;
  for (const head of heads) total += head;
  return { called, mean: total / heads.length };
}

function linearPrediction({ scratch }: FoldParts, half: LinearHalf, arm: number): Prediction {
  const predicted = predictTargets(half, scratch.widePhi);
  let mean = 0;
  for (const value of predicted) mean += value / predicted.length;
  return { called: predicted[arm]!, mean };
}

/** Standardised reward without drift, minus the model's mean. */
export function targetOf(fold: FoldParts, arm: number, outcome: Outcome): number {
  const { rewardMean, rewardDeviation, armMeans } = fold.state;
  return (outcome.quality - outcome.drift - rewardMean) / rewardDeviation - armMeans[arm]!;
}

export function costTarget(fold: FoldParts, outcome: Outcome): number | null {
  const { costs, priceFactors } = fold.state.pacer;
  const mean = costs.get(outcome.model)?.ratio ?? 0;
  if (outcome.costRatio === null || mean <= 0) return null;
  const ratio = ratioAt(outcome.costRatio, outcome.priceFactor, priceFactors.get(outcome.model) ?? outcome.priceFactor);
  return Math.min(ratio / mean, 4) - 1;
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
    const priceFactor = event.priceFactors[i] ?? 1;
    const costRatio = costUsd === null ? null : costUsd / priceFactor;
    outcomes.push({ model, quality, drift: driftOf(model), costRatio, priceFactor });
  });
  return outcomes;
}

/**
 * Takes an earlier judgement of the same decision back: the weights become what they were had this one come first. False
 * when there is none in the replay. Drift, the means of rewards and costs, and both halves' errors stay as they are until
 * newer rewards or the next refit.
 */
function correct(fold: FoldParts, event: LearningEvent): boolean {
  const { state, scratch } = fold;
  const judged = rejudge(state.replay, event);
  if (!judged) return false;
  const { row, before, outcome } = judged;
  if (!state.linear || !state.basis) return true;
  const arm = state.models.indexOf(outcome.model);
  describeRow(fold, state.basis, row);
  const phi = scratch.widePhi;
  const cost = costTarget(fold, outcome);
  // A cost not known before was learned as what was predicted.
  const costBefore = costTarget(fold, before) ?? predictCost(state.linear, arm, phi);
  correctLinear(state.linear, arm, {
    phi,
    target: targetOf(fold, arm, outcome) - targetOf(fold, arm, before),
    cost: cost === null ? 0 : cost - costBefore,
    rebuilt: row.offset < state.offsetAtRefit,
  });
  return true;
}

/** Replaces an earlier judgement of the same decision in the replay; null when there is none. */
export function rejudge(
  replay: Replay,
  event: LearningEvent,
): { readonly row: ReplayRow; readonly before: Outcome; readonly outcome: Outcome } | null {
  const row = replay.byDecision.get(event.decisionId);
  const outcome = row?.outcomes.find(({ model }) => model === event.model);
  if (!row || !outcome) return null;
  const [judged] = outcomesOf(event, () => outcome.drift);
  if (!judged) return null;
  const before = { ...outcome };
  outcome.quality = judged.quality;
  if (judged.costRatio !== null) {
    outcome.costRatio = judged.costRatio;
    outcome.priceFactor = judged.priceFactor;
  }
  return { row, before, outcome };
}

/** The event as a row of the replay, not linked yet. */
export function rowOf(
  { state }: FoldParts,
  event: LearningEvent,
  offset: number,
  outcomes: readonly Outcome[],
): ReplayRow {
  const { decisionId, openedAtMs, models } = event;
  // The learner's own strings for the names: a record's are new ones.
  const eligible = (): string[] => state.models.filter((model) => event.eligible[models.indexOf(model)]);
  return {
    offset,
    decisionId,
    features: keepFeatures(featuresOf(event)),
    outcomes,
    openedAtMs,
    eligible: sessionOf(event) === null ? null : eligible(),
    next: null,
    described: null,
    firstHeads: null,
  };
}

/** The session in which one model was called and another request followed. */
export function sessionOf(event: LearningEvent): string | null {
  return event.kind === 'EXPERIENCE' ? event.sessionId : null;
}
