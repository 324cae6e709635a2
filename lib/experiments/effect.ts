/**
 * The difference that an arm of an experiment makes to a metric, as a mean of one number per unit. Each unit contributes the
 * difference of what was predicted for it in both arms, corrected by how far its own arm's prediction missed and weighted by the
 * probability of its arm (the augmented inverse-propensity score). Predictions are made from units before it alone, so
 * whatever they are worth the numbers' mean is the true difference, and a covariate known before assignment takes its part of the
 * variance away: CUPED (Deng, Xu, Kohavi, Walker, WSDM 2013), one unit at a time.
 */
import { evidenceAgainst, type Interval, intervalOf } from './confidence-sequence';
import { type Moments, noMoments, withValue } from './moments';

/** What one arm's units had of the metric, and how it goes with their covariate. */
export interface ArmFigures {
  readonly value: Moments;
  readonly covariate: Moments;
  /** Sum of products of the distances of value and covariate from their means. */
  readonly products: number;
}

export interface Effect {
  readonly control: ArmFigures;
  readonly treated: ArmFigures;
  /** One number per unit whose mean is the difference. */
  readonly scores: Moments;
  /** The largest logarithm so far of the likelihood ratio against no difference. */
  readonly evidence: number;
}

export interface Unit {
  readonly isTreated: boolean;
  readonly value: number;
  /** Known before the unit was assigned; null where nothing is. */
  readonly covariate: number | null;
}

/** Units of either arm that are only learned from: predictions before that are worth nothing. */
const warmUp = 10;

const noFigures: ArmFigures = { value: noMoments, covariate: noMoments, products: 0 };

export const noEffect: Effect = { control: noFigures, treated: noFigures, scores: noMoments, evidence: 0 };

/** `treatedShare`: probability that a unit of these two arms is in the treated one. */
export function withUnit(effect: Effect, unit: Unit, treatedShare: number, scale: number): Effect {
  const { control, treated, scores, evidence } = effect;
  const arms = unit.isTreated
    ? { control, treated: withFigure(treated, unit) }
    : { control: withFigure(control, unit), treated };
  if (control.value.count < warmUp || treated.value.count < warmUp) return { ...effect, ...arms };
  const slope = slopeOf(control, treated);
  const [ifControl, ifTreated] = [predicted(control, slope, unit), predicted(treated, slope, unit)];
  const miss = unit.isTreated
    ? (unit.value - ifTreated) / treatedShare
    : -(unit.value - ifControl) / (1 - treatedShare);
  const after = withValue(scores, ifTreated - ifControl + miss);
  return { ...arms, scores: after, evidence: Math.max(evidence, evidenceAgainst(0, after, scale)) };
}

/** Of the difference, treated less control. */
export function intervalOfEffect({ scores }: Effect, alpha: number, scale: number): Interval {
  return intervalOf(scores, alpha, scale);
}

/** Of no difference; valid at any time. */
export function pValueOf({ evidence }: Effect): number {
  return Math.min(1, Math.exp(-evidence));
}

function withFigure({ value, covariate, products }: ArmFigures, unit: Unit): ArmFigures {
  const x = unit.covariate ?? covariate.mean;
  const distance = x - covariate.mean;
  const after = withValue(value, unit.value);
  return {
    value: after,
    covariate: withValue(covariate, x),
    products: products + distance * (unit.value - after.mean),
  };
}

/** Of both arms together: one slope is known sooner than two. */
function slopeOf(control: ArmFigures, treated: ArmFigures): number {
  const squares = control.covariate.squares + treated.covariate.squares;
  return squares > 0 ? (control.products + treated.products) / squares : 0;
}

function predicted({ value, covariate }: ArmFigures, slope: number, unit: Unit): number {
  return value.mean + slope * ((unit.covariate ?? covariate.mean) - covariate.mean);
}
