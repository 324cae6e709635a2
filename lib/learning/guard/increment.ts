/**
 * Whether a policy may follow the one in force. A small step may: it is finite, its values are possible, and on the probe
 * set it says nearly what the one before said. A large step needs evidence: it must not predict the newest rewards worse
 * than the policy in force does. So a changed world gets through at once, damage does not.
 */
import type { Features } from '../features/basis';
import type { ReplayRow } from '../fold/replay';
import type { Values } from '../value/policy';

/** A policy as far as the guard looks at it. */
export interface Judged {
  /** In the order of the values. */
  readonly models: readonly string[];
  /** Quality 0..1, without drift offsets. The arrays may be reused by the next call. */
  readonly valuesOf: (features: Features) => Pick<Values, 'means'>;
}

export interface IncrementCheck {
  /** Null: nothing was published yet. */
  readonly inForce: Judged | null;
  readonly candidate: Judged;
  readonly probes: readonly ReplayRow[];
  /** Newest rows, whose rewards speak for or against a large step. */
  readonly evidence: readonly ReplayRow[];
  /** Offset from which on rows are new to the policy in force. */
  readonly newFrom: number;
  /** Bounds of the step count this often; 1 unless increments were refused before. */
  readonly widening: number;
  /** How many rewards a value may sum up; 1 by default. */
  readonly reach?: number;
}

export interface IncrementFindings {
  /** Why it must not be served; null when it may. */
  readonly refused: string | null;
  /** Mean |value - value in force| on the probes; 0 without a policy in force. */
  readonly step: number;
  /** Share of the probes where the policy in force would lose something by the candidate's favourite. */
  readonly churn: number;
  /** Share of the values on the probes that are no possible reward. */
  readonly outside: number;
  /** Mean squared errors on the evidence; null where the step was small and nobody asked. */
  readonly errors: { readonly inForce: number; readonly candidate: number; readonly rewards: number } | null;
}

/** Rewards are within 0..1; a healthy value function oversteps that by this much, since it is linear at its edges. */
const rangeTolerance = 0.25;
/** Distance from the range at which a value is no overstepping but an explosion: ten times the range. */
export const explodedValue = 10;
/** Mean change of a value on the probes that needs no evidence. Healthy increments stay at .005 to .03 once warm. */
const freeStep = 0.05;
/** Share of favourites that may change without evidence. */
const freeChurn = 0.25;
/** Favourites whose values differ by less are as good as each other. */
const tie = 0.01;
/** Rewards without which a large step is neither supported nor refused. */
const leastRewards = 16;
/** How sure it must be that the candidate predicts worse, standard errors of the paired difference... */
const surelyWorse = 2;
/**
 * ...and how much worse, as a share of the error of the policy in force: on rewards that are new to it, and on all evidence. The
 * latter has to be large, since a policy of few rewards fits those it was made of better than a wiser one does: by a third.
 */
const muchWorse = { onNew: 0.2, onAll: 0.5 };

/** Judges one increment; pure. */
export function checkIncrement(check: IncrementCheck): IncrementFindings {
  const { inForce, candidate, probes, widening } = check;
  const onProbes = compare(inForce, candidate, probes, check.reach ?? 1);
  const { step, churn, outside, worst } = onProbes;
  const found = (refused: string | null, errors: IncrementFindings['errors'] = null): IncrementFindings => ({
    refused,
    step,
    churn,
    outside,
    errors,
  });
  if (!Number.isFinite(worst)) return { ...found('a value is not finite'), step: 0, churn: 1, outside: 1 };
  if (worst > explodedValue) return found(`a value is ${worst.toPrecision(3)} away from the possible rewards 0 .. 1`);
  if (!inForce || (step <= freeStep * widening && churn <= freeChurn * widening)) return found(null);
  const onAll = compareErrors(inForce, candidate, check.evidence);
  const newRows = check.evidence.filter(({ offset }) => offset >= check.newFrom);
  const onNew = compareErrors(inForce, candidate, newRows);
  const worseOnNew = isWorse(onNew, muchWorse.onNew);
  const errors = worseOnNew ? onNew : onAll;
  if (!worseOnNew && !isWorse(onAll, muchWorse.onAll)) return found(null, errors);
  const reason =
    `values moved by ${step.toFixed(3)} on average (free: ${(freeStep * widening).toFixed(3)}) and ` +
    `${(100 * churn).toFixed(0)} % of favourites changed, while the squared error on the newest ${errors.rewards} rewards went ` +
    `from ${errors.inForce.toFixed(4)} to ${errors.candidate.toFixed(4)}`;
  return found(reason, errors);
}

interface Comparison {
  step: number;
  churn: number;
  outside: number;
  /** Largest distance of a value from the possible rewards. */
  worst: number;
}

function compare(inForce: Judged | null, candidate: Judged, probes: readonly ReplayRow[], reach: number): Comparison {
  const armInForce = candidate.models.map((model) => inForce?.models.indexOf(model) ?? -1);
  const common = armInForce.filter((arm) => arm >= 0).length;
  const result: Comparison = { step: 0, churn: 0, outside: 0, worst: 0 };
  const values = probes.length * candidate.models.length;
  for (const { features } of probes) {
    const before = inForce?.valuesOf(features).means;
    const { means } = candidate.valuesOf(features);
    let favourite = -1;
    let best = -Infinity;
    for (let arm = 0; arm < means.length; arm++) {
      const value = means[arm]!;
      const distance = Math.max(0, 1 - reach - value, value - reach);
      if (!Number.isFinite(distance)) return { ...result, worst: distance };
      result.worst = Math.max(result.worst, distance);
      if (distance > rangeTolerance) result.outside += 1 / values;
      const other = armInForce[arm]!;
      if (!before || other < 0) continue;
      result.step += Math.abs(value - before[other]!) / (probes.length * common);
      if (means[arm]! > best) {
        best = means[arm]!;
        favourite = other;
      }
    }
    if (!before || favourite < 0) continue;
    let bestBefore = -Infinity;
    for (const arm of armInForce) if (arm >= 0) bestBefore = Math.max(bestBefore, before[arm]!);
    if (before[favourite]! < bestBefore - tie) result.churn += 1 / probes.length;
  }
  return result;
}

function isWorse(
  { rewards, difference, standardError, inForce }: ReturnType<typeof compareErrors>,
  share: number,
): boolean {
  return rewards >= leastRewards && difference > Math.max(surelyWorse * standardError, share * inForce);
}

/** Squared errors of both on rewards of models both know. */
function compareErrors(inForce: Judged, candidate: Judged, rows: readonly ReplayRow[]) {
  let rewards = 0;
  let before = 0;
  let after = 0;
  let sum = 0;
  let squares = 0;
  for (const { features, outcomes } of rows) {
    const means = candidate.valuesOf(features).means;
    const meansBefore = inForce.valuesOf(features).means;
    for (const { model, quality, drift } of outcomes) {
      const arm = candidate.models.indexOf(model);
      const armBefore = inForce.models.indexOf(model);
      if (arm < 0 || armBefore < 0) continue;
      const error = (quality - drift - means[arm]!) ** 2;
      const errorBefore = (quality - drift - meansBefore[armBefore]!) ** 2;
      rewards++;
      before += errorBefore;
      after += error;
      sum += error - errorBefore;
      squares += (error - errorBefore) ** 2;
    }
  }
  const n = Math.max(1, rewards);
  const difference = sum / n;
  const standardError = Math.sqrt(Math.max(0, squares / n - difference ** 2) / n);
  return { inForce: before / n, candidate: after / n, rewards, difference, standardError };
}
