/** The constants of Adam (Kingma and Ba 2015) and what may change from step to step. */

/** Memory of the mean gradient: about 10 steps. */
export const beta1 = 0.9;
/** Memory of its square: about 1,000 steps. */
export const beta2 = 0.999;
/** Keeps the division finite where gradients are 0; far below any gradient that matters. */
export const epsilon = 1e-8;

export interface AdamRates {
  readonly learningRate: number;
  /** Share of a parameter lost per step and unit of learning rate. */
  readonly weightDecay: number;
}
