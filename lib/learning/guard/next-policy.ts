/**
 * The policy to publish next, after the guard has looked at it. A refused one is repaired and looked at once more, so a
 * broken learner costs no publication. Every refusal in a row doubles the bounds of the next increment: whatever lasts
 * gets through in the end, and damage does not outlast the repair.
 */
import { type Basis, describeX, type Features } from '../features/basis';
import type { FoldParts } from '../fold/learner-state';
import { describedIn, type ReplayRow, replaySize, rowAt } from '../fold/replay';
import { looksAhead, reachOf } from '../value/look-ahead';
import { type Described, meansOfRows } from '../value/means-of-rows';
import type { PolicyWeights } from '../value/policy';
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
  const probes = probeSet(replay, options.seed);
  const evidence = newestRows(fold);
  const current = state.basis!;
  const inForce = scratch.inForce;
  return checkIncrement({
    inForce: inForce && judged(fold, inForce.basis, inForce.weights, neuralWeight, [probes, evidence]),
    candidate: judged(fold, current.fitted, weights, neuralWeight, [probes, evidence]),
    probes,
    evidence,
    newFrom: guard.good?.toOffset ?? 0,
    reach: reachOf(fold),
    widening: 2 ** guard.refusedInRow,
  });
}

/** What a policy says of the rows of some sets, a whole set at a time when one of its rows is first asked for. */
function judged(
  { state }: FoldParts,
  basis: Basis,
  weights: PolicyWeights,
  neuralWeight: number,
  sets: readonly (readonly ReplayRow[])[],
): Judged {
  const known = new Map<Features, { readonly means: Float64Array }>();
  const describe = (row: ReplayRow): Described => {
    if (basis === state.basis!.fitted) return describedIn(state.basis!, row);
    const x = new Float32Array(basis.xSize);
    return { x, isKnown: describeX(basis, row.features, x) };
  };
  return {
    models: weights.models,
    valuesOf(features) {
      const rows = known.has(features) ? [] : (sets.find((set) => set.some((row) => row.features === features)) ?? []);
      const means = rows.length > 0 ? meansOfRows(basis, weights, rows.map(describe), neuralWeight) : [];
      rows.forEach((row, i) => {
        known.set(row.features, { means: means[i]! });
      });
      return known.get(features)!;
    },
  };
}

function isFinitePolicy({ armMeans, shared, linear, network }: PolicyWeights): boolean {
  return [armMeans, shared, linear, network].every(isFiniteArray);
}

/** One number that is not finite makes the sum so; a sum of float32 numbers in float64 is finite otherwise. */
function isFiniteArray(values: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return Number.isFinite(sum);
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
