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

/**
 * The place on a ramp whose steps may have been changed since `share` was reached: the last step that lets in no more. It has to be
 * earned anew from there, so that a ramp that is shortened and made longer again, or gets other steps, leaps over none.
 */
export function placeOn(ramp: Ramp, place: RampPlace, share: number | null, units: number): RampPlace {
  if (share === null || ramp.steps[place.step] === share) return place;
  return {
    step: Math.max(
      0,
      ramp.steps.findLastIndex((step) => step <= share),
    ),
    unitsBefore: units,
  };
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
