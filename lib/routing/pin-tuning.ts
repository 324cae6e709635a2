/** The tuning as it is pinned in `route.opened`: the learner's newest, or what stands in for it before the first. */
import type { CollapseName, RouterConfig } from '../config/router-config';
import type { Tuning } from '../topics/generated/messages';

/**
 * `strategyWeights` are those the asked collapse is to use: WEIGHTED always takes the operator's; COMBINED (and the
 * others, which ignore them) the learner's trust, and the operator's as prior until the learner has published some.
 */
export function pinTuning(config: RouterConfig, learned: Tuning | undefined, collapse: CollapseName): Tuning {
  const tuning = learned ?? untuned;
  const keepsLearned = collapse !== 'WEIGHTED' && Object.keys(tuning.strategyWeights).length > 0;
  return keepsLearned ? tuning : { ...tuning, strategyWeights: { ...config.strategyWeights } };
}

/** Before the learner has published any. */
export const untuned: Tuning = {
  version: 0,
  learnedRewards: 0,
  costPricePerUsd: 0,
  costRatios: {},
  driftOffsets: {},
  neuralWeight: 0.5,
  strategyWeights: {},
  eventOffset: 0,
};
