/** How a roll-out grows: from step to step once enough was seen in each without harm, and back to nothing with it. */
export interface Ramp {
  /** Shares of the units, growing; the last is where it ends. */
  readonly steps: readonly number[];
  /** Units of every arm that have to be seen in a step before the next. */
  readonly unitsPerStep: number;
}

export interface RampPlace {
  readonly step: number;
  /** Units of the smallest arm when the step began. */
  readonly unitsBefore: number;
}

/** `units`: of the smallest arm so far. The same place where it is not time yet. */
export function nextPlace(ramp: Ramp, place: RampPlace, units: number): RampPlace {
  const isLast = place.step >= ramp.steps.length - 1;
  if (isLast || units - place.unitsBefore < ramp.unitsPerStep) return place;
  return { step: place.step + 1, unitsBefore: units };
}

export function shareAt(ramp: Ramp, { step }: RampPlace): number {
  return ramp.steps[Math.min(step, ramp.steps.length - 1)]!;
}
