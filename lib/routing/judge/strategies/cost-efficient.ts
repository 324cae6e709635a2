/**
 * COST_EFFICIENT minimises expected cost among the candidates that are good enough: nine tenths of the best one's quality.
 * The cheapest of them gets everything; what latency costs the request does not count.
 */
import { certain, indexOfBest } from '../distribution';
import type { Strategy } from '../strategy';
import { expectedQualities, staticJudgement } from './expectations';

/** Good enough: at least this share of the best candidate's quality. */
const goodEnoughShare = 0.9;

export const costEfficient: Strategy = (opened) => {
  const { candidates } = opened;
  const qualities = expectedQualities(opened);
  const best = indexOfBest(candidates, qualities);
  if (best < 0) throw new Error('no eligible candidate');
  const goodEnough = qualities[best]! * goodEnoughShare;
  let cheapest = best;
  for (let i = 0; i < candidates.length; i++) {
    if (!candidates[i]!.eligible || qualities[i]! < goodEnough) continue;
    if (candidates[i]!.expectedCostUsd < candidates[cheapest]!.expectedCostUsd) cheapest = i;
  }
  return staticJudgement(opened, qualities, certain(candidates.length, cheapest));
};
