/**
 * What the configuration declares, as a prior: it routes the first request, counts as so many observations of each model later,
 * and names the choice that exploration must not fall far behind.
 */
import { zeros } from '../../doubles';
import { seededRandom } from '../../random/seeded';
import type { Candidate, RouteOpened } from '../../topics/generated/messages';
import { certain } from './distribution';
import { utilityOf, utilityWeightsOf } from './utility';

/** Declared qualities that differ by less say nothing. */
const leastDifference = 1e-9;
/** An average over all tasks counts like this many observations of one task. */
export const taskPseudoCount = 8;
/** How far a declared quality is thought to be off at least, and before any model was observed, as a deviation... */
export const leastDeclaredError = 0.1;
/** ...which counts like what is known of so many models. */
const priorModels = 8;
/** That of two qualities which have nothing to do with each other. */
const mostDeclaredError = 0.4;
/** Variance of one judged answer around what answers of the model to that task are worth: the most that a quality from 0 to 1 can have. */
const answerVariance = 0.25;
/** A draw of another model than the declared choice risks this much utility besides what it is expected to lose. */
const riskPerDraw = 0.1;
/** The middle of each tenth of the normal distribution. */
const tenths = [-1.645, -1.036, -0.674, -0.385, -0.126, 0.126, 0.385, 0.674, 1.036, 1.645];

type Beliefs = Pick<
  RouteOpened,
  'candidates' | 'preference' | 'utilityScale' | 'tuning' | 'budgetUsdPerRequest' | 'priorObservations'
>;

/**
 * Index of the eligible candidate with the highest utility by what is declared of quality, price, length and latency. -1 where declared
 * qualities do not differ, where they count for nothing, and under a budget: what a budget leaves is no question of belief.
 */
export function declaredChoice(opened: Beliefs): number {
  if (lastChoice?.opened !== opened) lastChoice = { opened, index: choose(opened) };
  return lastChoice.index;
}

/** Of the request that was asked about last: whoever judges, explains and rewards it asks one after the other. */
let lastChoice: { readonly opened: Beliefs; readonly index: number } | null = null;

function choose(opened: Beliefs): number {
  const { candidates, budgetUsdPerRequest, priorObservations } = opened;
  if (budgetUsdPerRequest !== null || !(priorObservations > 0)) return -1;
  let least = Infinity;
  let most = -Infinity;
  for (const { eligible, declared } of candidates) {
    if (!eligible) continue;
    if (declared === null) return -1;
    if (declared.quality < least) least = declared.quality;
    if (declared.quality > most) most = declared.quality;
  }
  if (!(most - least > leastDifference)) return -1;
  const weights = utilityWeightsOf(opened as RouteOpened);
  let best = -1;
  let bestUtility = 0;
  for (let i = 0; i < candidates.length; i++) {
    const { eligible, declared } = candidates[i]!;
    if (!eligible || declared === null) continue;
    const utility = utilityOf(weights, declared.quality, declared.costUsd, declared.latencyMs);
    if (best >= 0 && !(utility > bestUtility)) continue;
    best = i;
    bestUtility = utility;
  }
  return best;
}

/**
 * By how much what is declared of the candidates is off, as a deviation of quality, judged by those that were observed: where they
 * turned out otherwise than declared, the others may be otherwise, too, and deserve to be tried. `leastDeclaredError` where nothing speaks against it.
 */
export function declaredError({ candidates }: Pick<Beliefs, 'candidates'>): number {
  let squares = priorModels * leastDeclaredError ** 2;
  let models = priorModels;
  for (const { declared, expectedQuality, observations } of candidates) {
    if (declared === null || !(observations >= 1)) continue;
    // The expected quality has moved from the declared one by this share of the way to what was observed.
    const known = observations / (observations + taskPseudoCount);
    const error = (expectedQuality - declared.quality) / known;
    // Luck alone puts the mean of few answers elsewhere: so much is no evidence.
    squares += known * (error ** 2 - answerVariance / observations);
    models += known;
  }
  return Math.min(mostDeclaredError, Math.sqrt(Math.max(leastDeclaredError ** 2, squares / models)));
}

/** Share of what was declared in what is believed of a candidate: 1 before the first observation, 0 where nothing was pinned. */
export function declaredShare(
  { observations }: Candidate,
  { priorObservations }: Pick<Beliefs, 'priorObservations'>,
): number {
  return priorObservations > 0 ? priorObservations / (priorObservations + observations) : 0;
}

/** Heads that believe something of a candidate by its profile and by what was declared of it. */
export const believingHeads = tenths.length;

/** Writes what each head believes of a candidate's quality, from `at` on; `error` as of `declaredError`. Not clipped. */
export function writeBelieved(
  candidate: Candidate,
  opened: Pick<Beliefs, 'priorObservations'>,
  error: number,
  into: Float64Array,
  at: number,
): void {
  const deviation = error * Math.sqrt(declaredShare(candidate, opened));
  const doubt = doubtsOf(candidate.model);
  for (let head = 0; head < believingHeads; head++)
    into[at + head] = candidate.expectedQuality + deviation * doubt[head]!;
}

/** Reused from one request to the next: what each head believes of a candidate, which one is best so far, and what that is worth. */
const headScratch = {
  beliefs: new Float64Array(believingHeads),
  best: new Int32Array(believingHeads),
  bestUtilities: new Float64Array(believingHeads),
};

/**
 * Shares of the votes of ten heads that know profiles and declared beliefs alone: the learned strategy's distribution until it
 * has learned something.
 */
export function believedShares(opened: Beliefs): number[] {
  const { candidates } = opened;
  const weights = utilityWeightsOf(opened as RouteOpened);
  const { beliefs, best, bestUtilities } = headScratch;
  best.fill(-1);
  const error = declaredError(opened);
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[i]!;
    if (!candidate.eligible) continue;
    writeBelieved(candidate, opened, error, beliefs, 0);
    for (let head = 0; head < believingHeads; head++) {
      const utility = utilityOf(weights, beliefs[head]!, candidate.expectedCostUsd, candidate.expectedLatencyMs);
      if (best[head]! >= 0 && !(utility > bestUtilities[head]!)) continue;
      best[head] = i;
      bestUtilities[head] = utility;
    }
  }
  const shares = zeros(candidates.length);
  for (const winner of best) if (winner >= 0) shares[winner] = shares[winner]! + 1 / believingHeads;
  return shares;
}

/**
 * Mixes a distribution with the declared choice, so that what a draw is expected to lose against it, by `utilities`, stays
 * within the allowance the learner has published. The distribution itself where there is no limit or no declared choice.
 */
export function conserve(
  opened: Beliefs,
  probabilities: readonly number[],
  utilities: readonly number[],
): readonly number[] {
  const { regretAllowance } = opened.tuning;
  if (regretAllowance === null) return probabilities;
  const safe = declaredChoice(opened);
  if (safe < 0) return probabilities;
  let expected = 0;
  for (let i = 0; i < probabilities.length; i++) expected += probabilities[i]! * utilities[i]!;
  const loss = Math.max(0, utilities[safe]! - expected) + riskPerDraw * (1 - probabilities[safe]!);
  const share = loss > 0 ? Math.max(0, Math.min(1, regretAllowance / loss)) : 1;
  if (share === 1) return probabilities;
  const declared = certain(probabilities.length, safe);
  for (let i = 0; i < declared.length; i++) declared[i] = (1 - share) * declared[i]! + share * probabilities[i]!;
  return declared;
}

const mostDoubts = 4_096;
const doubts = new Map<string, readonly number[]>();

/** The tenths in an order of the model's own, so that every model has heads that believe in it and heads that do not. */
function doubtsOf(model: string): readonly number[] {
  const known = doubts.get(model);
  if (known) return known;
  const random = seededRandom(model, 'declared');
  const order = [...tenths];
  for (let i = order.length - 1; i > 0; i--) {
    const j = random.integer(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  if (doubts.size >= mostDoubts) doubts.clear();
  doubts.set(model, order);
  return order;
}
