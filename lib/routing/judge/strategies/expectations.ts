/** What all static strategies share: predictions from the pinned profiles, on the one utility scale. */
import { zeros } from '../../../doubles';
import type { RouteOpened } from '../../../topics/generated/messages';
import { indexOfLargest } from '../distribution';
import type { Judgement } from '../strategy';
import { utilityOf, utilityWeightsOf } from '../utility';

/** At this many observations a profile is half trusted. */
const trustPseudoCount = 10;

interface Expectations {
  readonly opened: RouteOpened;
  readonly qualities: readonly number[];
  readonly utilities: readonly number[];
}

/** Of the request that was asked about last: its strategies ask one after the other. */
let last: Expectations | null = null;

function expectationsOf(opened: RouteOpened): Expectations {
  if (last?.opened !== opened) {
    const { candidates } = opened;
    const qualities = zeros(candidates.length);
    for (let i = 0; i < candidates.length; i++) qualities[i] = candidates[i]!.expectedQuality;
    last = { opened, qualities, utilities: utilitiesOf(opened, qualities) };
  }
  return last;
}

/**
 * Predicted quality per candidate, 0..1. Failed calls count in it already: they were judged 0. All strategies of a request
 * share it: change nothing of it.
 */
export function expectedQualities(opened: RouteOpened): readonly number[] {
  return expectationsOf(opened).qualities;
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

/** Utility per candidate at the pinned cost and latency. Shared like `expectedQualities`, where the qualities are those. */
export function expectedUtilities(opened: RouteOpened, qualities: readonly number[]): readonly number[] {
  const expected = expectationsOf(opened);
  return qualities === expected.qualities ? expected.utilities : utilitiesOf(opened, qualities);
}

function utilitiesOf(opened: RouteOpened, qualities: readonly number[]): readonly number[] {
  const { candidates } = opened;
  const weights = utilityWeightsOf(opened);
  const utilities = zeros(candidates.length);
  for (let i = 0; i < candidates.length; i++) {
    const { expectedCostUsd, expectedLatencyMs } = candidates[i]!;
    utilities[i] = utilityOf(weights, qualities[i]!, expectedCostUsd, expectedLatencyMs);
  }
  return utilities;
}
