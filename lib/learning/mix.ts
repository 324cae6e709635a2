/**
 * How much the neural half counts: the weight that would have minimised the squared error of the mixture of both
 * halves' predictions, each made before its reward was seen.
 */

/** Rate of the error averages: a memory of about 200 rewards. */
const errorRate = 0.005;
/** Below this weight the network is not worth its serving time. */
export const leastServedWeight = 0.05;

export interface Mix {
  /** Mean squared error of the linear half, of the neural half, and mean of their product. */
  linear: number;
  neural: number;
  product: number;
  rewards: number;
}

export function createMix(): Mix {
  return { linear: 0, neural: 0, product: 0, rewards: 0 };
}

export function observeErrors(mix: Mix, linearError: number, neuralError: number): void {
  mix.rewards++;
  const rate = Math.max(errorRate, 1 / mix.rewards);
  mix.linear += rate * (linearError ** 2 - mix.linear);
  mix.neural += rate * (neuralError ** 2 - mix.neural);
  mix.product += rate * (linearError * neuralError - mix.product);
}

/** Weight of the neural half, 0..1. */
export function neuralWeightOf(mix: Mix): number {
  const spread = mix.linear + mix.neural - 2 * mix.product;
  if (mix.rewards === 0) return 0.5;
  if (!(spread > 1e-12)) return 0;
  return Math.max(0, Math.min(1, (mix.linear - mix.product) / spread));
}
