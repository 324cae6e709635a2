/** Notices at the first use that a half of the value function is broken, before anything is made of what it says. */

import type { FoldParts } from '../fold/learner-state';
import type { TrainingStep } from '../rl/training-step';
import { observeError, observeGradient } from './alarms';
import { explodedValue } from './increment';

/**
 * Takes down the error of a prediction that was made before its reward, and whether a half has said the impossible. All in
 * standardised units. `target` null: not comparable, the prediction says what follows, too; `linear` null: there is no
 * linear half.
 */
export function observePrediction(fold: FoldParts, target: number | null, predicted: number, halves: Halves): void {
  const { state, scratch } = fold;
  if (target !== null && !Number.isFinite(target)) assertSound(fold);
  const exploded = (value: number): boolean => !(Math.abs(value * state.rewardDeviation) <= explodedValue);
  const { linear, network } = halves;
  if (linear !== null && exploded(linear)) scratch.broken.linear = true;
  if (exploded(network)) scratch.broken.network = true;
  if (target === null || scratch.broken.linear || scratch.broken.network) return;
  observeError(state.guard.health, (target - predicted) * state.rewardDeviation);
}

interface Halves {
  readonly linear: number | null;
  readonly network: number;
}

/** Takes down one training step. False when it has destroyed the network. */
export function observeTraining(fold: FoldParts, { loss, gradientNorm }: TrainingStep): boolean {
  if (Number.isFinite(loss) && Number.isFinite(gradientNorm)) {
    observeGradient(fold.state.guard.health, gradientNorm);
    return true;
  }
  fold.scratch.broken.network = true;
  return false;
}

/**
 * Throws when a number that nothing can be rebuilt from is not finite: checkpoint and log are then the only way back.
 * `but`: what is about to be replaced.
 */
export function assertSound(fold: FoldParts, but: readonly string[] = []): void {
  // Asked after every event: the sum of all of them says in a moment that all is well.
  if (!Number.isFinite(sumOfAll(fold))) nameWrong(fold, but);
}

function sumOfAll({ state }: FoldParts): number {
  const { rewardMean, rewardDeviation, armMeans, drifts, mix, pacer } = state;
  let sum = rewardMean + rewardDeviation + pacer.costPricePerUsd;
  sum += mix.linear + mix.neural + mix.plain + mix.gain + mix.gap;
  for (const mean of armMeans) sum += mean;
  for (const drift of drifts) sum += drift.offset + drift.variance + drift.up + drift.down;
  for (const cost of pacer.costs.values()) sum += cost.ratio;
  return sum;
}

function nameWrong({ state }: FoldParts, but: readonly string[]): void {
  const { rewardMean, rewardDeviation, armMeans, drifts, mix, pacer } = state;
  const numbers: Record<string, readonly number[]> = {
    rewardMean: [rewardMean],
    rewardDeviation: [rewardDeviation],
    armMeans,
    drifts: drifts.flatMap(({ offset, variance, up, down }) => [offset, variance, up, down]),
    mix: [mix.linear, mix.neural, mix.plain, mix.gain, mix.gap],
    costPricePerUsd: [pacer.costPricePerUsd],
    costs: [...pacer.costs.values()].map(({ ratio }) => ratio),
  };
  for (const [name, values] of Object.entries(numbers)) {
    const wrong = values.find((value) => !Number.isFinite(value));
    if (wrong !== undefined && !but.includes(name))
      throw new Error(`the learner's ${name} is ${wrong}: it has to start again from its checkpoint and the log`);
  }
}
