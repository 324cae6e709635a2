/** What a policy would have been worth, or how it differs from another, judged on decisions a third one made; or why that cannot be said. */
import { dictionaryOf } from '../../dictionary';
import { type EstimatorName, estimatorNames } from './estimators';
import { importanceWeights } from './importance-weights';
import { type Estimate, type Estimated, estimate, estimateAll } from './interval';
import type { TargetPolicy } from './logged-decision';
import type { PreparedLog } from './prepared-log';
import { defaultSupportLimits, type Refused, refusalOf, type Support, type SupportLimits, supportOf } from './support';

export interface ValueOptions {
  /** Probability that an interval holds the truth; default .95. */
  readonly level?: number;
  /** Largest importance weight; default none. What it cuts off is a bias, see `biasAtMost`. */
  readonly cap?: number;
  readonly limits?: Partial<SupportLimits>;
}

export interface PolicyValue {
  readonly kind: 'value';
  readonly ips: Estimate;
  readonly snips: Estimate;
  readonly dr: Estimate;
  /**
   * Best single guess: DR with its correction shrunk by how well it is known, at most half a standard error from `dr`.
   * For reading; no interval of its own.
   */
  readonly blend: number;
  /** What the cap alone can do to each estimate, from the range of the logged rewards; 0 without a cap. Not part of the intervals. */
  readonly biasAtMost: Readonly<Record<EstimatorName, number>>;
  readonly support: Support;
}

export interface PolicyDifference {
  readonly kind: 'difference';
  /** Value of the first policy minus that of the second, on the same draws: luck they share cancels. */
  readonly ips: Estimate;
  readonly snips: Estimate;
  readonly dr: Estimate;
  readonly first: PolicyValue;
  readonly second: PolicyValue;
}

const defaultLevel = 0.95;

/** Throws RangeError where the target's probabilities are no distribution over the candidates. */
export function estimateValue(
  log: PreparedLog,
  target: TargetPolicy,
  options: ValueOptions = {},
): PolicyValue | Refused {
  const estimated = estimateSupported(log, target, options);
  return 'kind' in estimated ? estimated : valueFrom(log, estimated, options);
}

/** Throws like `estimateValue`; refused when either policy is. */
export function compareValues(
  log: PreparedLog,
  first: TargetPolicy,
  second: TargetPolicy,
  options: ValueOptions = {},
): PolicyDifference | Refused {
  const a = estimateSupported(log, first, options);
  if ('kind' in a) return { kind: 'refused', reason: `first policy: ${a.reason}` };
  const b = estimateSupported(log, second, options);
  if ('kind' in b) return { kind: 'refused', reason: `second policy: ${b.reason}` };
  return {
    kind: 'difference',
    ...estimates(log, a, b, options),
    first: valueFrom(log, a, options),
    second: valueFrom(log, b, options),
  };
}

function estimateSupported(log: PreparedLog, target: TargetPolicy, options: ValueOptions): Estimated | Refused {
  const weights = importanceWeights(log, target, options.cap);
  const support = supportOf(log, weights);
  return refusalOf(support, { ...defaultSupportLimits, ...options.limits }) ?? estimateAll(log, weights, support);
}

function estimates(
  log: PreparedLog,
  policy: Estimated,
  rival: Estimated | null,
  { level = defaultLevel }: ValueOptions,
): Record<EstimatorName, Estimate> {
  const of = (name: EstimatorName): [EstimatorName, Estimate] => [name, estimate(log, name, policy, rival, level)];
  return dictionaryOf(estimatorNames.map(of));
}

function valueFrom(log: PreparedLog, estimated: Estimated, options: ValueOptions): PolicyValue {
  const found = estimates(log, estimated, null, options);
  const [least, most] = log.rewardRange;
  const { clippedMass } = estimated.support;
  return {
    kind: 'value',
    ...found,
    blend: blendOf(estimated, found.dr),
    biasAtMost: {
      ips: clippedMass * Math.max(Math.abs(least), Math.abs(most)),
      snips: clippedMass * (most - least),
      // A residual reaches from minus to plus the range.
      dr: 2 * clippedMass * (most - least),
    },
    support: estimated.support,
  };
}

/**
 * The mixture a of DR and the direct method of least estimated squared error, variance a² s² and bias (1 - a) c, as in
 * MAGIC (Thomas and Brunskill 2016) for one step: c is the correction, s its standard error, so a = c² / (c² + s²).
 */
function blendOf({ total }: Estimated, dr: Estimate): number {
  const correction = total.corrected / total.weight;
  const square = correction ** 2;
  const variance = dr.standardError ** 2;
  return square === 0 ? dr.value : dr.value - (correction * variance) / (square + variance);
}
