/** One gradient step: what it is told, what it works on, and what it says. */

/**
 * How the target network follows: a `copy` every so many steps (Mnih et al. 2015), or at every step by a small `share`
 * of the difference, which makes it a running mean of the weights (Lillicrap et al. 2016; Polyak and Juditsky 1992).
 */
export type TargetUpdate =
  | { readonly kind: 'copy'; readonly everySteps: number }
  | { readonly kind: 'polyak'; readonly share: number };

export interface TrainerSettings {
  /** Step size of Adam. */
  readonly learningRate: number;
  /** Share of a weight lost per step and unit of learning rate. */
  readonly weightDecay: number;
  /** Errors beyond this, in units of the value, count linearly. */
  readonly huberDelta: number;
  /** Gradients with a larger Euclidean norm are shortened to it. */
  readonly gradientClip: number;
  readonly targetUpdate: TargetUpdate;
}

export interface Batch {
  readonly rows: number;
  /** rows x inputs... */
  readonly x: Float32Array;
  /** ...which times this (1 by default) are at about unit root mean square. */
  readonly inputScale?: number;
  /** rows x (actions * heads): what each head should say... */
  readonly targets: Float32Array;
  /** ...and how much that counts; 0 where nothing is known. */
  readonly weights: Float32Array;
}

export interface TrainingStep {
  readonly loss: number;
  /** Before clipping. */
  readonly gradientNorm: number;
  /** What the heads said before the step, rows x (actions * heads); 0 is allowed where a target has no weight. To be read before the next step. */
  readonly values: Float32Array;
}
