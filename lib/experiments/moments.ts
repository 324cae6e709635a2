/** Running mean and variance of a stream, by Welford's update: exact to rounding, and never below zero. */
export interface Moments {
  readonly count: number;
  readonly mean: number;
  /** Sum of squared distances from the mean. */
  readonly squares: number;
}

export const noMoments: Moments = { count: 0, mean: 0, squares: 0 };

export function withValue({ count, mean, squares }: Moments, value: number): Moments {
  const distance = value - mean;
  const after = mean + distance / (count + 1);
  return { count: count + 1, mean: after, squares: squares + distance * (value - after) };
}

/** Of the sample; 0 with fewer than two values. */
export function varianceOf({ count, squares }: Moments): number {
  return count < 2 ? 0 : squares / (count - 1);
}
