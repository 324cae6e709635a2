/**
 * Reward centring (Naik, Wan, Tomar and Sutton 2024): take the mean reward per step off every reward. In a world without
 * end values then need not climb to mean / (1 - discount) before their differences show. Not for episodes that end:
 * there it would pay the agent for their length.
 *
 * This is the paper's simple form, a running mean of the rewards learned from. Its other form follows the TD error; how
 * much of the mean that finds depends on how fast the values move, and Adam moves them so fast that nothing is left.
 */

/** Share of a batch in the mean: a memory of about 100 gradient steps. */
const rate = 0.01;

export interface RewardCentre {
  /** Mean reward per step. */
  mean: number;
  batches: number;
}

export function createRewardCentre(): RewardCentre {
  return { mean: 0, batches: 0 };
}

/** Takes in a batch of discounted sums of rewards and the discounted number of steps each spans. */
export function observeRewards(
  centre: RewardCentre,
  batch: readonly { readonly reward: number; readonly rewardWeight: number }[],
): void {
  let reward = 0;
  let steps = 0;
  for (const row of batch) {
    reward += row.reward;
    steps += row.rewardWeight;
  }
  centre.batches++;
  centre.mean += Math.max(rate, 1 / centre.batches) * (reward / steps - centre.mean);
}
