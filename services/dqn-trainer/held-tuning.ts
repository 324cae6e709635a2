/** The tuning while weights are held: the budget goes on being paced, what belongs to the weights in force stays with them. */
import type { Tuning } from '../../lib/topics/generated/messages';

/** `inForce`: of the weights that decide. Null: nothing is known of them, and the fold's own stands. */
export function heldTuning(ofFold: Tuning, inForce: Tuning | null): Tuning {
  if (!inForce) return ofFold;
  const { neuralWeight, driftOffsets, strategyWeights, strategyFactors, confidenceCurve, learnedRewards } = inForce;
  return {
    ...ofFold,
    neuralWeight,
    driftOffsets,
    strategyWeights,
    strategyFactors,
    confidenceCurve,
    // A fold that has seen less must not send the weights in force back to their cold start.
    learnedRewards: Math.max(learnedRewards, ofFold.learnedRewards),
  };
}
