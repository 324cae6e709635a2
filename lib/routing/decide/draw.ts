/**
 * The one draw of a decision: a collapsed distribution is masked by eligibility, given the exploration floor and drawn
 * from with the pinned seed. The probabilities drawn from are exact and recorded; off-policy estimates live on them.
 */
import { zeros } from '../../doubles';
import { seededRandom } from '../../random/seeded';
import type { RouteOpened } from '../../topics/generated/messages';
import { indexOfLargest, uniform } from '../judge/distribution';
import { budgetedFloor } from './budgeted-floors';

export interface Draw {
  /** Exact probability of each candidate; sums to 1, 0 for the ineligible. */
  readonly propensities: readonly number[];
  /** Index of the drawn candidate. */
  readonly chosen: number;
  /** The masked distribution before the floor. */
  readonly masked: readonly number[];
  /** Whether another candidate was more probable. */
  readonly explored: boolean;
}

type Drawable = Pick<RouteOpened, 'candidates' | 'explorationFloor' | 'budgetUsdPerRequest' | 'seed'>;

/** Throws when no candidate is eligible: intake must not open such a request. */
export function drawModel(opened: Drawable, collapsed: readonly number[]): Draw {
  const masked = maskIneligible(opened, collapsed);
  const propensities = withFloor(opened, masked);
  const chosen = pick(propensities, seededRandom(opened.seed).next());
  return { propensities, chosen, masked, explored: masked[chosen]! < masked[indexOfLargest(masked)]! };
}

/** Renormalised over eligible candidates; uniform where nothing of the distribution is left. */
function maskIneligible({ candidates }: Drawable, collapsed: readonly number[]): number[] {
  const masked = zeros(candidates.length);
  let total = 0;
  for (let i = 0; i < masked.length; i++) {
    if (candidates[i]!.eligible) masked[i] = collapsed[i] ?? 0;
    total += masked[i]!;
  }
  if (total > 0) {
    for (let i = 0; i < masked.length; i++) masked[i] = masked[i]! / total;
    return masked;
  }
  const even = uniform(candidates);
  if (!even.some((share) => share > 0)) throw new Error('no eligible candidate to draw from');
  return even;
}

/** p = f + (1 - sum of all f) * q, where f is a candidate's own floor: explorationFloor / K over K eligible ones, less for the dear under a budget. */
function withFloor(
  { candidates, explorationFloor, budgetUsdPerRequest }: Drawable,
  masked: readonly number[],
): number[] {
  const floor = Math.min(1, Math.max(0, explorationFloor));
  const propensities = zeros(masked.length);
  let eligible = 0;
  for (let i = 0; i < propensities.length; i++) if (candidates[i]!.eligible) eligible++;
  let voted = 1;
  for (let i = 0; i < propensities.length; i++) {
    if (!candidates[i]!.eligible) continue;
    propensities[i] = budgetedFloor(floor, budgetUsdPerRequest, eligible, candidates[i]!.expectedCostUsd);
    voted -= propensities[i]!;
  }
  voted = Math.max(0, voted);
  for (let i = 0; i < propensities.length; i++)
    if (candidates[i]!.eligible) propensities[i] = propensities[i]! + voted * masked[i]!;
  return propensities;
}

/** The candidate at `point` (0 to 1, exclusive) of the cumulated probabilities. */
function pick(probabilities: readonly number[], point: number): number {
  let reached = 0;
  let last = -1;
  for (let i = 0; i < probabilities.length; i++) {
    if (probabilities[i]! <= 0) continue;
    reached += probabilities[i]!;
    last = i;
    if (point < reached) return i;
  }
  // Rounding may leave the sum a hair below 1.
  return last;
}
