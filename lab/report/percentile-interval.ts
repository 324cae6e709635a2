/** Resampled figures that an interval takes at least. */
export const leastResamples = 40;

/** The middle 95 % of resampled figures, in ascending order; of fewer than `leastResamples` it is not told. Throws RangeError then. */
export function percentileInterval(sorted: ArrayLike<number>): readonly [low: number, high: number] {
  const { length } = sorted;
  if (length < leastResamples)
    throw new RangeError(`${length} resamples are too few for an interval: at least ${leastResamples}`);
  return [sorted[Math.floor(0.025 * length)]!, sorted[Math.ceil(0.975 * length) - 1]!];
}
