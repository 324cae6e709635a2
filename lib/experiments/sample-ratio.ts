/**
 * Whether units arrive in the arms in the proportions they were assigned with. If not, something loses units of one arm, and every other
 * figure of the experiment is worthless. Valid at any time: the Bayes factor of a Dirichlet mixture against the intended shares
 * (Lindon, Malek, "Anytime-valid inference for multinomial count data", NeurIPS 2022).
 */
export interface ArmCounts {
  readonly counts: readonly number[];
  /** Logarithm of the Bayes factor now, and the largest so far. */
  readonly factor: number;
  readonly largest: number;
}

/** The mixture is as sure of the intended shares as if it had seen so many units: a ratio that is off by a per cent is of interest. */
const priorUnits = 1_000;

export function noCounts(arms: number): ArmCounts {
  return { counts: new Array<number>(arms).fill(0), factor: 0, largest: 0 };
}

/** `shares` of all arms, which sum to 1. */
export function withArm({ counts, factor, largest }: ArmCounts, arm: number, shares: readonly number[]): ArmCounts {
  const seen = counts.reduce((sum, count) => sum + count, 0);
  const share = shares[arm]!;
  const expected = (priorUnits * share + counts[arm]!) / (priorUnits + seen);
  const after = factor + Math.log(expected / share);
  return { counts: counts.with(arm, counts[arm]! + 1), factor: after, largest: Math.max(largest, after) };
}

/** Of the shares being as intended; valid at any time. */
export function ratioPValue({ largest }: ArmCounts): number {
  return Math.min(1, Math.exp(-largest));
}
