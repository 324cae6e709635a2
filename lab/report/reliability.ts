/** Whether what was predicted came about as often as it was said: the reliability table, and the error in one figure. */

export interface ReliabilityBin {
  /** Predictions from this... */
  readonly from: number;
  /** ...up to this one. */
  readonly to: number;
  readonly count: number;
  /** Means over them. */
  readonly predicted: number;
  readonly observed: number;
}

/** Predictions and observations are 0..1. Bins of equal width; empty ones are left out. */
export function reliabilityTable(
  predicted: readonly number[],
  observed: readonly number[],
  bins = 10,
): ReliabilityBin[] {
  if (predicted.length !== observed.length)
    throw new RangeError(`cannot pair ${predicted.length} predictions with ${observed.length} observations`);
  const sums = Array.from({ length: bins }, () => ({ count: 0, predicted: 0, observed: 0 }));
  predicted.forEach((value, i) => {
    const sum = sums[Math.min(bins - 1, Math.max(0, Math.floor(value * bins)))]!;
    sum.count++;
    sum.predicted += value;
    sum.observed += observed[i]!;
  });
  return sums.flatMap((sum, i) =>
    sum.count === 0
      ? []
      : [
          {
            from: i / bins,
            to: (i + 1) / bins,
            count: sum.count,
            predicted: sum.predicted / sum.count,
            observed: sum.observed / sum.count,
          },
        ],
  );
}

/** Mean distance between the two, weighted by how many predictions each bin has (Naeini et al. 2015); 0 of nothing. */
export function expectedCalibrationError(table: readonly ReliabilityBin[]): number {
  const all = table.reduce((sum, { count }) => sum + count, 0);
  if (all === 0) return 0;
  return table.reduce((sum, { count, predicted, observed }) => sum + (count / all) * Math.abs(predicted - observed), 0);
}
