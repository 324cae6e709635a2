/** What every judgement of a policy needs of a log and no policy changes: worked out once, used for any number of policies. */
import { feedbackRates } from './feedback-rates';
import type { LoggedDecision } from './logged-decision';
import { crossFittedRewards } from './reward-model';

export interface PreparedLog {
  readonly decisions: readonly LoggedDecision[];
  /** Decisions whose reward is known. */
  readonly judged: number;
  /** Places a row in the matrices below: the most candidates of any decision. */
  readonly stride: number;
  /** Probability that each candidate was drawn *and* judged. Rows x stride, row-major. */
  readonly seen: Float64Array;
  /** Reward each candidate would probably have brought, from a fit that never saw the row. Rows x stride. */
  readonly predicted: Float64Array;
  /** Candidates seen with a smaller probability than this are so rare that nine of ten such logs hold no draw of any of them. */
  readonly leastSeen: number;
  /** Least and largest reward; [0, 0] where none is known. */
  readonly rewardRange: readonly [number, number];
}

/** 100,000 decisions of 12 candidates and 100 features take a few seconds; no randomness. */
export function prepareLog(decisions: readonly LoggedDecision[]): PreparedLog {
  let stride = 0;
  let judged = 0;
  let least = Number.POSITIVE_INFINITY;
  let most = Number.NEGATIVE_INFINITY;
  for (const { models, reward } of decisions) {
    stride = Math.max(stride, models.length);
    if (reward === null) continue;
    judged++;
    least = Math.min(least, reward);
    most = Math.max(most, reward);
  }
  const rewardRange: [number, number] = judged > 0 ? [least, most] : [0, 0];
  const rateOf = feedbackRates(decisions);
  const seen = new Float64Array(decisions.length * stride);
  decisions.forEach(({ models, propensities, task }, row) => {
    for (let i = 0; i < models.length; i++) seen[row * stride + i] = propensities[i]! * rateOf(models[i]!, task);
  });
  const predicted = crossFittedRewards(decisions, stride, rewardRange);
  return { decisions, judged, stride, seen, predicted, leastSeen: leastSeenOf(seen), rewardRange };
}

/** Expected draws below which there is probably none. */
const hardlyAnyDraws = 0.1;

/** The probability up to which, from the smallest on, all candidates of all decisions together hardly expected a draw. */
function leastSeenOf(seen: Float64Array): number {
  const ascending = seen.slice().sort();
  let draws = 0;
  for (const probability of ascending) {
    draws += probability;
    if (draws > hardlyAnyDraws) return probability;
  }
  return Number.POSITIVE_INFINITY;
}
