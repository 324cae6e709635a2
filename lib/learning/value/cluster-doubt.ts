/**
 * How unsure the heads are of each model within each cluster of requests. A model that is known well on the whole may hardly
 * have been called for one kind of request: whoever is ahead there by luck would stay ahead, since the heads' own noise is a
 * quarter of what is unknown and narrows with all rewards, wherever they came from. Each published head therefore takes
 * the model's weight of each cluster to be off by a draw, the wider the less was seen of that model in that cluster.
 */
import { seededRandom } from '../../random/seeded';
import type { FoldParts } from '../fold/learner-state';
import { headCount, type LinearArm, type LinearHalf, triangle, weightRows } from './linear-half';

/** Of the deviation of a reward that is not predicted: .3 loses on streams of many models that are told apart already. */
const doubtShare = 0.2;
/** Rewards that every cluster counts as having seen: the clusters of two models that differ are mostly alike. */
const assumedRewards = 5;

/**
 * Adds draws to the heads' weights of the clusters in use; `linear` is models x weightRows x size. Nothing without a linear half.
 * Task types have no doubt of their own: requests of a type are in few clusters, so they would be doubted twice.
 */
export function doubtClusters(fold: FoldParts, linear: Float32Array, size: number): void {
  const { state, options } = fold;
  const { linear: half, basis } = state;
  if (!half) return;
  // A stream of its own: publishing draws nothing from the fold's.
  const random = seededRandom(options.seed, 'cluster doubt', state.toOffset);
  const draws = new Float64Array(headCount);
  half.arms.forEach((model, arm) => {
    // The bias is first.
    for (let place = 1; place <= basis!.fitted.clusters; place++) {
      const deviation = doubtShare * Math.sqrt(half.noise / (rewardsSeen(half, model, place) + assumedRewards));
      let mean = 0;
      for (let m = 0; m < headCount; m++) {
        draws[m] = deviation * random.normal();
        mean += draws[m]! / headCount;
      }
      for (let m = 0; m < headCount; m++) {
        const at = (arm * weightRows + m + 1) * size + place;
        // The heads' mean stays what was learned.
        linear[at] = linear[at]! + draws[m]! - mean;
      }
    }
  });
}

/** How many rewards of the model the variance of one of its weights stands for, beyond the prior. */
function rewardsSeen({ noise, precision }: LinearHalf, { covariance }: LinearArm, place: number): number {
  const seen = noise * (1 / covariance[triangle(place) + place]! - precision);
  // A variance that is broken says nothing; the half is repaired elsewhere.
  return Number.isFinite(seen) ? Math.max(0, seen) : 0;
}
