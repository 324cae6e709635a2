/** What is fitted now and then, by a fixed rule of counts: scales, the basis, and the linear half anew from the replay. */

import {
  type Basis,
  type Features,
  fitBasis,
  inputsSince,
  kindOf,
  maxFitRows,
  phiSize,
  writeBasis,
} from '../features/basis';
import { rearrangeInputs } from '../rl/rearrange-inputs';
import { type LinearHalf, type LinearRow, rebuildLinear } from '../value/linear-half';
import { createNeuralHalf, type NeuralHalf, neuralShape } from '../value/neural-half';
import { sha256Of } from './blob';
import { nextRefit } from './cadence';
import { costTarget, targetOf } from './learn-rewards';
import { describeRow, type FoldParts, makeRoom } from './learner-state';
import { forgetModels } from './meet-models';
import { replaySize, rowAt } from './replay';

/** A model's standardised mean is shrunk towards 0 as by so many average rewards. */
export const meanShrinkage = 2;
/** The smallest deviation a reward is standardised by; below it all rewards are alike. */
const leastDeviation = 1e-3;
/** Predictions before their mean squared error says anything. */
export const leastErrors = 20;

/** Basis, scales and the linear half anew, when the rewards have grown enough. */
export function refitWhenDue(fold: FoldParts): void {
  const { state, options } = fold;
  if (state.rewards < nextRefit(state.rewardsAtRefit) || replaySize(state.replay) === 0) return;
  state.rewardsAtRefit = state.rewards;
  state.offsetAtRefit = state.toOffset;
  forgetModels(fold);
  standardize(fold);
  refitBasis(fold);
  const { fitted } = state.basis!;
  if (options.config.pipeline === 'full') state.linear = rebuild(fold, fitted);
  state.neural ??= createNeuralHalf(neuralShape(fitted.xSize, state.models.length), state.random);
}

function refitBasis(fold: FoldParts): void {
  const { state, options } = fold;
  const before = state.basis?.fitted ?? null;
  const fitted = fitBasis(fitRows(fold), options.encoderVersion, before, state.random);
  const bytes = writeBasis(fitted);
  state.basis = { fitted, bytes, sha256: sha256Of(bytes), number: (state.basis?.number ?? 0) + 1, published: false };
  makeRoom(fold, fitted);
  if (state.neural && before) state.neural = carryOver(state.neural, before, fitted);
}

/** The network on a new basis; null when it has to start from nothing. */
function carryOver(neural: NeuralHalf, before: Basis, basis: Basis): NeuralHalf | null {
  const inputs = inputsSince(before, basis);
  if (inputs === null) {
    neural.dispose();
    return null;
  }
  const unchanged = inputs.length === neural.shape.inputs && inputs.every((from, i) => from === i);
  return unchanged ? neural : rearrangeInputs(neural, inputs);
}

/** Random rows of the newest row's kind, each at most once. */
function fitRows(fold: FoldParts): Features[] {
  const { replay, random } = fold.state;
  const newest = rowAt(replay, replaySize(replay) - 1).features;
  const rows: Features[] = [];
  for (let i = 0; i < replaySize(replay); i++) {
    const { features } = rowAt(replay, i);
    if (kindOf(features) === kindOf(newest) && features.caller?.length === newest.caller?.length) rows.push(features);
  }
  for (let i = 0; i < Math.min(maxFitRows, rows.length - 1); i++) {
    const j = i + random.integer(rows.length - i);
    [rows[i], rows[j]] = [rows[j]!, rows[i]!];
  }
  return rows.slice(0, maxFitRows);
}

/** Mean and deviation of the rewards in the replay, and of each model. Drift offsets keep their size in quality. */
function standardize(fold: FoldParts): void {
  const { state } = fold;
  let count = 0;
  let sum = 0;
  let squares = 0;
  const sums = state.models.map(() => 0);
  const counts = state.models.map(() => 0);
  const arms = new Map(state.models.map((model, arm) => [model, arm]));
  for (let i = 0; i < replaySize(state.replay); i++) {
    for (const outcome of rowAt(state.replay, i).outcomes) {
      const value = outcome.quality - outcome.drift;
      const arm = arms.get(outcome.model)!;
      count++;
      sum += value;
      squares += value * value;
      sums[arm]! += value;
      counts[arm]!++;
    }
  }
  const before = state.rewardDeviation;
  state.rewardMean = sum / count;
  state.rewardDeviation = Math.max(leastDeviation, Math.sqrt(Math.max(0, squares / count - state.rewardMean ** 2)));
  state.armMeans = sums.map(
    (total, arm) => (total - counts[arm]! * state.rewardMean) / state.rewardDeviation / (counts[arm]! + meanShrinkage),
  );
  for (const drift of state.drifts) drift.offset *= before / state.rewardDeviation;
}

/** The linear half made anew from the replay. Overwrites the scratch X and phi. */
export function rebuild(fold: FoldParts, basis: Basis): LinearHalf {
  const { state } = fold;
  const size = phiSize(basis);
  const count = replaySize(state.replay);
  const phis = new Float32Array(count * size);
  const rows: LinearRow[] = [];
  const arms = new Map(state.models.map((model, arm) => [model, arm]));
  for (let i = 0; i < count; i++) {
    const row = rowAt(state.replay, i);
    describeRow(fold, { fitted: basis, number: state.basis!.number }, row);
    phis.set(fold.scratch.phi, i * size);
    for (const outcome of row.outcomes) {
      const arm = arms.get(outcome.model)!;
      rows.push({ phi: i, arm, target: targetOf(fold, arm, outcome), costTarget: costTarget(fold, outcome) });
    }
  }
  const squaredError = state.mix.rewards < leastErrors ? 1 : state.mix.linear;
  return rebuildLinear(
    phis,
    size,
    rows,
    state.models.length,
    squaredError,
    state.random,
    state.linear?.precision ?? null,
  );
}
