/**
 * How much the neural half counts. Only differences between models decide anything, so the weight is the one that would
 * have minimised the squared error of what the mixture says of them; how hard a request is for all models says nothing.
 * Every prediction was made before its reward was seen. A few dozen rewards leave that weight open by more than its whole range,
 * and a network believed by luck chooses what it is then tried on: so the weight has a prior, at 0, and earns what it gets.
 */

/** Rate of the error averages: a memory of about 200 rewards. */
const errorRate = 0.005;
/** Rate of the averages that make the weight. Differences are small against the noise of a reward: 200 would leave it open. */
const differenceRate = 0.001;
/**
 * Variance of the weight under its prior: a deviation of a half. Against noise the prior counts for some dozens of rewards; where the halves
 * differ by more than the noise, as where rewards are certain, for a handful.
 */
const priorVariance = 0.25;
/** Below this weight the network is not worth its serving time. */
export const leastServedWeight = 0.05;

export interface Mix {
  /** Mean squared error of the linear half and of the neural half. */
  linear: number;
  neural: number;
  /** Mean squared target: the error of saying no more than the model's mean. */
  plain: number;
  /** Mean of (what the neural half says of the model's difference - what the linear half does) * error of the linear half. */
  gain: number;
  /** Mean square of that first factor. */
  gap: number;
  rewards: number;
}

/** What one half says of one request, in standardised rewards minus each model's mean. */
export interface Prediction {
  /** Of the model that was called. */
  readonly called: number;
  /** Mean over all models. */
  readonly mean: number;
}

export function createMix(): Mix {
  return { linear: 0, neural: 0, plain: 0, gain: 0, gap: 0, rewards: 0 };
}

/** Folds in one reward; `linear` null for the Q-network alone. */
export function observePredictions(mix: Mix, target: number, linear: Prediction | null, neural: Prediction): void {
  const weight = neuralWeightOf(mix);
  mix.rewards++;
  const rate = Math.max(errorRate, 1 / mix.rewards);
  mix.neural += rate * ((target - neural.called) ** 2 - mix.neural);
  mix.plain += rate * (target ** 2 - mix.plain);
  if (linear === null) return;
  mix.linear += rate * ((target - linear.called) ** 2 - mix.linear);
  const difference = linear.called - linear.mean;
  const gap = neural.called - neural.mean - difference;
  const forAll = (1 - weight) * linear.mean + weight * neural.mean;
  const slow = Math.max(differenceRate, 1 / mix.rewards);
  mix.gain += slow * (gap * (target - forAll - difference) - mix.gain);
  mix.gap += slow * (gap ** 2 - mix.gap);
}

/** Weight of the neural half, 0..1: the mean of its posterior, cut to what a weight can be. */
export function neuralWeightOf({ gain, gap, linear, rewards }: Mix): number {
  if (!(gap > 1e-12)) return 0;
  const remembered = Math.min(rewards, 1 / differenceRate);
  return Math.max(0, Math.min(1, gain / (gap + linear / (priorVariance * remembered))));
}

/** Share of what the models' means leave open that the neural half has foretold, 0..1. */
export function explainedShare({ neural, plain }: Mix): number {
  return plain > 0 ? Math.max(0, Math.min(1, 1 - neural / plain)) : 0;
}
