/**
 * Corrects a reward that the linear half has folded in already. The weights of a Bayesian linear regression are
 * covariance * (prior + sum of phi * target / noise), and the covariance knows no targets: when one target was off by
 * delta, every weight row is off by covariance * phi * delta / noise, whenever the reward came. That is exact, to the rounding of the covariance's float32, while the
 * noise stays what it is, from one rebuild to the next, and draws no randomness.
 */
import { addScaled } from './linear-algebra';
import { costRow, covarianceTimes, type LinearArm, type LinearHalf, priorPrecisionOf } from './linear-half';

/** What a reward should have been, minus what it was when it was folded in. */
export interface LinearCorrection {
  readonly phi: Float64Array;
  /** In standardised rewards. */
  readonly target: number;
  /** In costs relative to the model's mean. */
  readonly cost: number;
  /** Whether the reward was part of the last rebuild; otherwise it came after it, one by one. */
  readonly rebuilt: boolean;
}

/**
 * Shifts the weights as if the reward had come right. A target counts twice: in the regression shared by all models, and in
 * what that leaves to the model's own. A rebuild solves the shared one first and takes it out of every reward, so there a
 * shift of it moves all models the other way; rewards folded in one by one take out what it was before them. Exact right after
 * a rebuild and for the newest reward; of what was folded in since, only the own part is, which leaves about a tenth of the
 * shift in large streams and up to half in tiny ones, until the next rebuild.
 */
export function correctLinear(half: LinearHalf, arm: number, correction: LinearCorrection): void {
  const { size, noise } = half;
  const { phi, target, cost, rebuilt } = correction;
  const shared = shiftOf(half.shared, phi, size, target / noise);
  addScaled(half.shared.weights, 0, 1, shared, 0, size);
  const model = half.arms[arm]!;
  const own = shiftOf(model, phi, size, 1 / noise);
  for (let row = 0; row < costRow; row++) addScaled(model.weights, row * size, target, own, 0, size);
  if (cost !== 0) addScaled(model.weights, costRow * size, cost, own, 0, size);
  if (rebuilt) takeOut(half, shared);
}

/**
 * Takes a shift of the shared weights out of every model: -covariance * gram * shift / noise. The gram matrix of a model's
 * rewards is not kept, but gram / noise is the precision minus the prior's, so this is covariance * prior * shift - shift.
 */
function takeOut(half: LinearHalf, shift: Float64Array): void {
  const { size, precision } = half;
  const weighted = shift.map((value, i) => value * priorPrecisionOf(i, precision));
  for (const model of half.arms) {
    const left = shiftOf(model, weighted, size, 1);
    addScaled(left, 0, -1, shift, 0, size);
    for (let row = 0; row < costRow; row++) addScaled(model.weights, row * size, 1, left, 0, size);
  }
}

function shiftOf(arm: LinearArm, vector: Float64Array, size: number, factor: number): Float64Array {
  return covarianceTimes(arm, vector, size).map((value) => factor * value);
}
