/** Values that move along a straight line while the agent gets older: exploration, learning rate, importance weights. */

export interface Schedule {
  readonly from: number;
  readonly to: number;
  /** Steps of the agent until `to` is reached; 0: at once. */
  readonly overSteps: number;
}

export function constant(value: number): Schedule {
  return { from: value, to: value, overSteps: 0 };
}

/** The value after `step` steps; stays at `to`. */
export function valueAt({ from, to, overSteps }: Schedule, step: number): number {
  return step >= overSteps ? to : from + (to - from) * (step / overSteps);
}
