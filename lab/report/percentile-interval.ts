/** The middle 95 % of resampled figures, in ascending order; of fewer than 40 it is not told. Throws RangeError then. */
export function percentileInterval(sorted: ArrayLike<number>): readonly [low: number, high: number] {
  const { length } = sorted;
  if (length < 40) throw new RangeError(`${length} resamples are too few for an interval: at least 40`);
  return [sorted[Math.floor(0.025 * length)]!, sorted[Math.ceil(0.975 * length) - 1]!];
}
