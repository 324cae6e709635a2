/** Whether a candidate may take over from the policy in force, on the evidence of a log. In doubt nothing changes. */
import type { TargetPolicy } from './logged-decision';
import { compareValues, type PolicyDifference } from './policy-value';
import type { PreparedLog } from './prepared-log';
import type { SupportLimits } from './support';

export interface GateOptions {
  /** How much worse the candidate may be at worst, in units of the reward. Default .01, a hundredth of a reward of 0..1. */
  readonly margin?: number;
  /** Level of the two-sided interval whose lower end decides. Default .95: a candidate just at the margin passes 1 time in 40. */
  readonly level?: number;
  readonly limits?: Partial<SupportLimits>;
}

export interface Verdict {
  /** `refuse`: the log cannot tell; `keep`: it can, and the candidate has not shown enough. */
  readonly verdict: 'promote' | 'keep' | 'refuse';
  /** For a person to read. */
  readonly reason: string;
  /** Candidate minus current; null when refused. Plain data, to be kept with the lineage. */
  readonly evidence: PolicyDifference | null;
}

const defaultMargin = 0.01;

/**
 * Promotes when the lower confidence bound of the doubly robust difference is at least -margin. Weights are never
 * capped here: the bound would then hide a bias. The candidate must not have been chosen by looking at this same log.
 */
export function gate(
  log: PreparedLog,
  candidate: TargetPolicy,
  current: TargetPolicy,
  options: GateOptions = {},
): Verdict {
  const { margin = defaultMargin, ...rest } = options;
  if (!(margin >= 0)) throw new RangeError(`the margin must be at least 0, not ${margin}`);
  const evidence = compareValues(log, candidate, current, rest);
  if (evidence.kind === 'refused') {
    const reason = evidence.reason.replace(/^first policy/, 'candidate').replace(/^second policy/, 'current policy');
    return { verdict: 'refuse', reason, evidence: null };
  }
  const { value, low, high } = evidence.dr;
  const found = `candidate - current = ${signed(value)} (${signed(low)} … ${signed(high)})`;
  if (low >= -margin) return { verdict: 'promote', reason: `${found}: not worse by more than ${margin}`, evidence };
  const why = high < 0 ? 'worse' : `may be worse by more than ${margin}`;
  return { verdict: 'keep', reason: `${found}: ${why}`, evidence };
}

function signed(value: number): string {
  return `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(4)}`;
}
