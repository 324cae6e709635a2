/**
 * The one draw of a decision: a collapsed distribution is masked by eligibility, given the exploration floor and drawn
 * from with the pinned seed. The probabilities drawn from are exact and recorded; off-policy estimates live on them.
 */
import { seededRandom } from '../../random/seeded';
import type { RouteOpened } from '../../topics/generated/messages';
import { indexOfLargest, normalised, uniform } from '../judge/distribution';
import { budgetedFloors } from './budgeted-floors';

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
  const masked = candidates.map((candidate, i) => (candidate.eligible ? (collapsed[i] ?? 0) : 0));
  const total = masked.reduce((sum, share) => sum + share, 0);
  if (total > 0) return normalised(masked);
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
  const eligible = candidates.filter((candidate) => candidate.eligible);
  const floors = budgetedFloors(
    floor,
    budgetUsdPerRequest,
    eligible.map((candidate) => candidate.expectedCostUsd),
  );
  let voted = 1;
  for (const own of floors) voted -= own;
  voted = Math.max(0, voted);
  let at = 0;
  return masked.map((share, i) => (candidates[i]!.eligible ? floors[at++]! + voted * share : 0));
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
