/** What all static strategies share: predictions from the pinned profiles, on the one utility scale. */
import type { RouteOpened } from '../../../topics/generated/messages';
import { indexOfLargest } from '../distribution';
import type { Judgement } from '../strategy';
import { utilityOf, utilityWeightsOf } from '../utility';

/** At this many observations a profile is half trusted. */
const trustPseudoCount = 10;

/** Predicted quality per candidate, 0..1. Failed calls count in it already: they were judged 0. */
export function expectedQualities(opened: RouteOpened): number[] {
  return opened.candidates.map((candidate) => candidate.expectedQuality);
}

/** The judgement of a static strategy from its distribution; sure of itself as far as its favourite has been observed. */
export function staticJudgement(
  opened: RouteOpened,
  qualities: readonly number[],
  probabilities: readonly number[],
): Judgement {
  const favourite = opened.candidates[indexOfLargest(probabilities)];
  const observations = favourite?.observations ?? 0;
  return {
    probabilities,
    utilities: expectedUtilities(opened, qualities),
    qualities,
    confidence: observations / (observations + trustPseudoCount),
    policySha256: null,
    coldStart: false,
  };
}

/** Utility per candidate at the pinned cost and latency. */
export function expectedUtilities(opened: RouteOpened, qualities: readonly number[]): number[] {
  const weights = utilityWeightsOf(opened);
  return opened.candidates.map((candidate, i) =>
    utilityOf(weights, qualities[i]!, candidate.expectedCostUsd, candidate.expectedLatencyMs),
  );
}
