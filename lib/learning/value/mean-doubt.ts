/**
 * How unsure the heads are of each model's mean. All heads share one estimate of it, so a model that was unlucky in its
 * first thirty rewards would hardly be tried again. Each published head therefore takes the mean to be a draw from its
 * posterior, much as Thompson sampling for a table of means does; every publication draws anew. The noise that tells heads
 * apart within phi stays small (see linear-half.ts): there are a hundred weights there, and one mean here.
 */
import { seededRandom } from '../../random/seeded';
import type { FoldParts, LearnerState } from '../fold/learner-state';
import { leastErrors, meanShrinkage } from '../fold/refit';
import { outputBiasAt } from '../rl/network';
import { headCount, noiseWithin, weightRows } from './linear-half';

/**
 * Up to so many models, one for each head, are doubted by all of the posterior's deviation beside a linear half: with .6 of it one that had bad luck
 * in its first ten rewards stayed out for hundreds. Where there are more, luck favours another one in every head, every time, and the stream
 * goes into trying them; so the doubts of all of them together (the sum of their variances) are no more than those of this many. Models that have left
 * the configuration cannot be drawn, and do not count.
 */
const fullyDoubted = headCount;
/** The Q-network alone doubts its means less: its heads disagree more by themselves. */
const doubtShareAlone = 0.6;

/**
 * Adds draws to the biases of the heads: those of `linear` (models x weightRows x size), whose doubt counts in full whatever
 * the network's share, or without a linear half those of `network` (its parameters).
 */
export function doubtMeans(fold: FoldParts, linear: Float32Array, size: number, network: Float32Array): void {
  const { state, options } = fold;
  // A stream of its own: publishing draws nothing from the fold's.
  const random = seededRandom(options.seed, 'mean doubt', state.toOffset);
  const variance = residualVariance(state);
  const biases = outputBiasAt(state.neural!.shape);
  const share = state.linear ? Math.min(1, Math.sqrt(fullyDoubted / state.configured.length)) : doubtShareAlone;
  const draws = new Float64Array(headCount);
  for (let arm = 0; arm < state.models.length; arm++) {
    const deviation = share * Math.sqrt(variance / (state.pulls[arm]! + meanShrinkage));
    let mean = 0;
    for (let m = 0; m < headCount; m++) {
      draws[m] = deviation * random.normal();
      mean += draws[m]! / headCount;
    }
    for (let m = 0; m < headCount; m++) {
      // The heads' mean stays what was learned.
      const draw = draws[m]! - mean;
      const weights = state.linear ? linear : network;
      const bias = state.linear ? (arm * weightRows + m + 1) * size : biases + arm * headCount + m;
      weights[bias] = weights[bias]! + draw;
    }
  }
}

/** What of a standardised reward is not predicted. */
function residualVariance({ linear, mix }: LearnerState): number {
  if (linear) return linear.noise;
  return mix.rewards < leastErrors ? 1 : noiseWithin(mix.neural);
}
