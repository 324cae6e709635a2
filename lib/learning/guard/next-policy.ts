/**
 * The policy to publish next, after the guard has looked at it. A refused one is repaired and looked at once more, so a
 * broken learner costs no publication. Every refusal in a row doubles the bounds of the next increment: whatever lasts
 * gets through in the end, and damage does not outlast the repair.
 */
import type { FoldParts } from '../fold/learner-state';
import { type ReplayRow, replaySize, rowAt } from '../fold/replay';
import { looksAhead, reachOf } from '../value/look-ahead';
import { createValues, type PolicyWeights } from '../value/policy';
import { type Alarm, alarmNames, isConverged, isRaised, observePublication } from './alarms';
import { checkIncrement, type IncrementFindings, type Judged } from './increment';
import { probeSet } from './probe-set';
import { repairHalves } from './repair';
import { assertSound } from './soundness';

/** Newest rows that speak for or against a large step. */
const evidenceRows = 256;
/** Rewards between two full checks where every reward is published: a check costs as much as folding ten of them. */
const rewardsBetweenChecks = 32;

export interface NextPolicy {
  readonly weights: PolicyWeights;
  /** Why it must not be served; null when it may. */
  readonly refused: string | null;
  /** Alarms that were not raised at the publication before. */
  readonly alarms: readonly Alarm[];
  /** How the learner is, for `WeightsPublished.metrics`. */
  readonly metrics: Readonly<Record<string, number>>;
}

/** `make` reads the weights from the state; `neuralWeight` says what the network counts. Changes the state when it repairs. */
export function nextPolicy(fold: FoldParts, make: () => PolicyWeights, neuralWeight: () => number): NextPolicy {
  const { state } = fold;
  const { guard } = state;
  let weights = make();
  let found = check(fold, weights, neuralWeight());
  // Once in a row of refusals: a learner that was just made anew gains nothing by being made anew again.
  if (found.refused !== null && guard.refusedInRow === 0) {
    repairHalves(fold, { linear: true, network: true }, `an increment was not fit to be served (${found.refused})`);
    weights = make();
    found = check(fold, weights, neuralWeight());
  }
  const alarms = observePublication(guard.health, found, guard.untold);
  guard.untold = [];
  if (found.refused === null) {
    guard.refusedInRow = 0;
    const drifts = new Map(state.models.map((model, arm) => [model, { ...state.drifts[arm]! }]));
    const { mix, rewardDeviation, toOffset } = state;
    guard.good = { mix: { ...mix }, drifts, rewardDeviation, toOffset };
  } else {
    guard.refusedInRow++;
    guard.refused++;
  }
  assertSound(fold);
  return { weights, refused: found.refused, alarms, metrics: metricsOf(fold, found) };
}

function check(fold: FoldParts, weights: PolicyWeights, neuralWeight: number): IncrementFindings {
  const { state, options, scratch } = fold;
  const { guard, replay } = state;
  const unknown: IncrementFindings = { refused: null, step: 0, churn: 0, outside: 0, errors: null };
  if (!isFinitePolicy(weights)) return { ...unknown, refused: 'a weight is not finite', churn: 1, outside: 1 };
  const lockstep = options.config.publish === 'lockstep';
  if (lockstep && state.policy && state.rewards - guard.rewardsAtCheck < rewardsBetweenChecks) return unknown;
  guard.rewardsAtCheck = state.rewards;
  const candidateValues = createValues(state.basis!.fitted, weights);
  const { served, servedModels } = scratch;
  const inForce: Judged | null = served && {
    models: servedModels,
    valuesOf: (features) => served(features, neuralWeight),
  };
  return checkIncrement({
    inForce,
    candidate: { models: weights.models, valuesOf: (features) => candidateValues(features, neuralWeight) },
    probes: probeSet(replay, options.seed),
    evidence: newestRows(fold),
    newFrom: guard.good?.toOffset ?? 0,
    reach: reachOf(fold),
    widening: 2 ** guard.refusedInRow,
  });
}

function isFinitePolicy({ armMeans, shared, linear, network }: PolicyWeights): boolean {
  return [armMeans, shared, linear, network].every((values) => values.every(Number.isFinite));
}

/** Of the newest rows those whose reward is all that a value should say. */
function newestRows(fold: FoldParts): ReplayRow[] {
  const { replay } = fold.state;
  const size = replaySize(replay);
  const count = Math.min(evidenceRows, size);
  const newest = Array.from({ length: count }, (_, i) => rowAt(replay, size - count + i));
  return newest.filter((row) => !looksAhead(fold, row));
}

function metricsOf({ state }: FoldParts, found: IncrementFindings): Record<string, number> {
  const { health, influence, refused, repairs } = state.guard;
  const metrics: Record<string, number> = {
    step: found.step,
    churn: found.churn,
    valueOutside: found.outside,
    errorFast: health.errorFast,
    errorSlow: health.errorSlow,
    gradientNorm: health.gradientNorm,
    converged: isConverged(health) ? 1 : 0,
    refused,
    repairs,
    passedOver: influence.passedOver,
  };
  for (const name of alarmNames) metrics[`alarm.${name}`] = isRaised(health, name) ? 1 : 0;
  return metrics;
}
