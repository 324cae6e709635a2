/**
 * What the learned strategy makes of its values of a request: shares of the votes of its heads, under the prices, drifts, beliefs and
 * guarantees that the request pins. Values of the weights come in here as well as those that the routing cache has kept.
 */
import { ownEntry } from '../../dictionary';
import { zeros } from '../../doubles';
import {
  believingHeads,
  conserve,
  declaredChoice,
  declaredError,
  declaredShare,
  writeBelieved,
} from '../../routing/judge/declared';
import type { Judgement } from '../../routing/judge/strategy';
import { utilityOf, utilityWeightsOf } from '../../routing/judge/utility';
import type { Candidate, RouteOpened, Tuning } from '../../topics/generated/messages';
import { type Guarantees, guarantee, newcomer } from '../budget/guarantees';
import { mostCostUsd } from '../fold/check-event';
import { coldStartJudgement, coldStartRewards, isColdStart } from '../fold/cold-start';
import { headCount } from './linear-half';

/** Values of all known models for one request. The arrays are reused by the next call. */
export interface Values {
  /** models x headCount, quality without drift offset. */
  readonly heads: Float64Array;
  /** Mean predicted quality per model, without drift offset. */
  readonly means: Float64Array;
  /** Expected cost relative to the model's mean. */
  readonly costFactors: Float64Array;
}

/** What a policy says of its models whatever is asked. */
export interface PolicyFacts {
  readonly policySha256: string;
  /** In the order of the values. */
  readonly models: readonly string[];
  /** False for the Q-network alone. */
  readonly hasLinear: boolean;
  /** Mean quality of all rewards. */
  readonly rewardMean: number;
  readonly guarantees: Guarantees;
}

/** `valuesOf` is asked only where the weights have a say, and at most once for a request. */
export function createJudge(
  facts: PolicyFacts,
  valuesOf: (opened: RouteOpened) => Values,
): (opened: RouteOpened) => Judgement {
  const scratch = createScratch(facts.models.length);
  return (opened) => judge(opened, facts, valuesOf, scratch);
}

/** Reused from one request to the next; per candidate unless it says otherwise. */
interface Scratch {
  /** The names of the candidates before, so that most are told by identity. */
  names: (string | undefined)[];
  /** Its arm, -1 for a stranger. */
  arms: Int32Array;
  /** Utility lost to cost and latency. */
  penalties: Float64Array;
  /** Expected for this request. */
  costsUsd: Float64Array;
  /** Drift offset of its quality. */
  drifts: Float64Array;
  /** What is believed of it. */
  beliefs: Beliefs;
  /** Of each head: the candidate that is best so far, and what it is worth to the request. */
  readonly best: Int32Array;
  readonly bestUtilities: Float64Array;
  /** Of which tuning the two columns below are. */
  tuning: Tuning | null;
  /** Per arm: drift offset. */
  readonly armDrifts: Float64Array;
  /** Per arm: whether there is a learned cost ratio, and what it is. */
  readonly armHasRatio: Uint8Array;
  readonly armRatios: Float64Array;
}

function createScratch(arms: number): Scratch {
  return {
    names: [],
    arms: new Int32Array(0),
    penalties: new Float64Array(0),
    costsUsd: new Float64Array(0),
    drifts: new Float64Array(0),
    best: new Int32Array(headCount),
    bestUtilities: new Float64Array(headCount),
    tuning: null,
    beliefs: { shares: new Float64Array(0), qualities: new Float64Array(0) },
    armDrifts: new Float64Array(arms),
    armHasRatio: new Uint8Array(arms),
    armRatios: new Float64Array(arms),
  };
}

/** Fits the scratch space to a request: its size, the columns of its tuning, the arm of every candidate. */
function prepareScratch(scratch: Scratch, models: readonly string[], { candidates, tuning }: RouteOpened): void {
  const count = candidates.length;
  if (scratch.arms.length !== count) {
    scratch.names = new Array<string | undefined>(count).fill(undefined);
    scratch.arms = new Int32Array(count).fill(-1);
    scratch.penalties = new Float64Array(count);
    scratch.costsUsd = new Float64Array(count);
    scratch.drifts = new Float64Array(count);
  }
  if (scratch.tuning !== tuning) {
    for (let arm = 0; arm < models.length; arm++) {
      scratch.armDrifts[arm] = ownEntry(tuning.driftOffsets, models[arm]!) ?? 0;
      const ratio = ownEntry(tuning.costRatios, models[arm]!);
      scratch.armHasRatio[arm] = ratio === undefined ? 0 : 1;
      scratch.armRatios[arm] = ratio ?? 0;
    }
    scratch.tuning = tuning;
  }
  const { names, arms, drifts } = scratch;
  for (let i = 0; i < count; i++) {
    const { model } = candidates[i]!;
    if (names[i] !== model) {
      names[i] = model;
      // Candidates are in config order and so, as a rule, are arms.
      arms[i] = models[i] === model ? i : models.indexOf(model);
    }
    const arm = arms[i]!;
    drifts[i] = arm < 0 ? (ownEntry(tuning.driftOffsets, model) ?? 0) : scratch.armDrifts[arm]!;
  }
}

function judge(
  opened: RouteOpened,
  facts: PolicyFacts,
  valuesOf: (opened: RouteOpened) => Values,
  scratch: Scratch,
): Judgement {
  const { policySha256 } = facts;
  if (isColdStart(opened)) return coldStartJudgement(opened, policySha256);
  const { candidates, tuning } = opened;
  const values = valuesOf(opened);
  const utility = utilityWeightsOf(opened);
  prepareScratch(scratch, facts.models, opened);
  const { arms, drifts, costsUsd, penalties } = scratch;
  const qualities = zeros(candidates.length);
  const utilities = zeros(candidates.length);
  const strangers = strangersQuality(facts, values, arms);
  const beliefs = beliefsOf(opened, facts.hasLinear, scratch);
  for (let i = 0; i < candidates.length; i++) {
    const candidate = candidates[i]!;
    const arm = arms[i]!;
    const quality = arm < 0 ? strangers : values.means[arm]! + drifts[i]!;
    const declared = beliefs === null ? 0 : beliefs.shares[i]!;
    const believed = clipped((1 - declared) * quality + declared * candidate.expectedQuality);
    const costUsd = expectedCostUsd(candidate, arm, values, opened, scratch);
    qualities[i] = believed;
    costsUsd[i] = costUsd;
    penalties[i] = utilityOf(utility, 0, costUsd, candidate.expectedLatencyMs);
    utilities[i] = utilityOf(utility, believed, costUsd, candidate.expectedLatencyMs);
  }
  const voted = votes(candidates, values, utility.quality, scratch, beliefs);
  keepGuarantees(voted, opened, facts.guarantees, scratch);
  const probabilities = beliefs === null ? voted : conserve(opened, voted, utilities);
  let top = 0;
  for (const probability of probabilities) if (probability > top) top = probability;
  const n = tuning.learnedRewards;
  return {
    probabilities,
    utilities,
    qualities,
    // Agreement of the heads, discounted while there is little evidence: half of it at the end of the cold start.
    confidence: (top * n) / (n + coldStartRewards(candidates.length, opened.rewardsPerModel)),
    policySha256,
    coldStart: false,
  };
}

function clipped(quality: number): number {
  return Math.max(0, Math.min(1, quality));
}

/** What is believed of each candidate beside what was learned, and how much it counts. A candidate has a quality for each head. */
interface Beliefs {
  readonly shares: Float64Array;
  readonly qualities: Float64Array;
}

/** Null where no declared beliefs differ, and for the Q-network alone, whose values look ahead. */
function beliefsOf(opened: RouteOpened, hasLinear: boolean, scratch: Scratch): Beliefs | null {
  if (!hasLinear || declaredChoice(opened) < 0) return null;
  const { candidates } = opened;
  const count = candidates.length;
  if (scratch.beliefs.shares.length !== count)
    scratch.beliefs = { shares: new Float64Array(count), qualities: new Float64Array(count * believingHeads) };
  const { shares, qualities } = scratch.beliefs;
  const error = declaredError(opened);
  for (let i = 0; i < count; i++) {
    shares[i] = declaredShare(candidates[i]!, opened);
    writeBelieved(candidates[i]!, opened, error, qualities, i * believingHeads);
  }
  return scratch.beliefs;
}

/** What to expect of a model the policy has never seen: the mean of the others among the candidates. */
function strangersQuality({ rewardMean }: PolicyFacts, values: Values, arms: Int32Array): number {
  let total = 0;
  let known = 0;
  for (let i = 0; i < arms.length; i++) {
    const arm = arms[i]!;
    if (arm < 0) continue;
    total += values.means[arm]!;
    known++;
  }
  return known > 0 ? total / known : rewardMean;
}

function expectedCostUsd(
  candidate: Candidate,
  arm: number,
  values: Values,
  { tuning, warmCache }: RouteOpened,
  { armHasRatio, armRatios }: Scratch,
): number {
  // What is pinned has in it what a warm prompt cache saves, what is learned has not.
  const savedUsd = warmCache?.model === candidate.model ? warmCache.savedUsd : 0;
  // Under an absurd price the product need not be a number that can be compared.
  if (arm >= 0) {
    if (armHasRatio[arm] === 0) return candidate.expectedCostUsd;
    return Math.max(
      0,
      Math.min(mostCostUsd, armRatios[arm]! * candidate.priceFactor * values.costFactors[arm]!) - savedUsd,
    );
  }
  const ratio = ownEntry(tuning.costRatios, candidate.model);
  if (ratio === undefined) return candidate.expectedCostUsd;
  return Math.max(0, Math.min(mostCostUsd, ratio * candidate.priceFactor) - savedUsd);
}

/** Share of heads whose best eligible candidate is each. Strangers take no part: they get their share afterwards. */
function votes(
  candidates: readonly Candidate[],
  { heads }: Values,
  perQuality: number,
  scratch: Scratch,
  beliefs: Beliefs | null,
): number[] {
  const { arms, drifts, penalties, best, bestUtilities } = scratch;
  const shares = zeros(candidates.length);
  best.fill(-1);
  bestUtilities.fill(-Infinity);
  for (let i = 0; i < candidates.length; i++) {
    const arm = arms[i]!;
    if (arm < 0 || !candidates[i]!.eligible) continue;
    const drift = drifts[i]!;
    const penalty = penalties[i]!;
    const share = beliefs === null ? 0 : beliefs.shares[i]!;
    for (let m = 0, at = arm * headCount; m < headCount; m++, at++) {
      const learned = heads[at]! + drift;
      const quality =
        beliefs === null ? learned : learned + share * (beliefs.qualities[i * believingHeads + m]! - learned);
      const value = perQuality * quality + penalty;
      if (value > bestUtilities[m]!) {
        bestUtilities[m] = value;
        best[m] = i;
      }
    }
  }
  for (let m = 0; m < headCount; m++) {
    const winner = best[m]!;
    if (winner >= 0) shares[winner] = shares[winner]! + 1 / headCount;
  }
  return shares;
}

/** Gives strangers, newcomers and the watched their shares, and the rest to the others. */
function keepGuarantees(
  shares: number[],
  { candidates, budgetUsdPerRequest }: RouteOpened,
  guarantees: Guarantees,
  scratch: Scratch,
): void {
  if (guarantees.size === 0 && !scratch.arms.includes(-1)) return;
  const eligible: number[] = [];
  candidates.forEach((candidate, i) => {
    if (candidate.eligible) eligible.push(i);
  });
  const some = eligible.map((i) => ({
    guarantee: scratch.arms[i]! < 0 ? newcomer : (guarantees.get(candidates[i]!.model) ?? null),
    costUsd: scratch.costsUsd[i]!,
  }));
  const kept = eligible.map((i) => shares[i]!);
  guarantee(kept, some, budgetUsdPerRequest);
  eligible.forEach((at, i) => {
    shares[at] = kept[i]!;
  });
}
