/**
 * Notices when a model becomes better or worse than it was: its quality offset is a random walk tracked by a scalar
 * Kalman filter, and a two-sided CUSUM of the innovations opens the filter when they pile up on one side.
 */

/** Variance the offset gains with every reward of its model, in units of the residual variance. */
const walkVariance = 2e-5;
/** Innovations are cut at this many deviations: one absurd reward is no drift. */
const innovationClip = 3;
/** CUSUM: drift per reward that is ignored, and the sum that raises the alarm, in deviations. */
const slack = 0.5;
const alarmLevel = 14;
/** Variance of the offset after an alarm, in units of the residual variance. */
const alarmVariance = 0.25;

/** Per model, in units of the standardised reward. */
export interface Drift {
  offset: number;
  /** Variance of the offset in units of the residual variance. */
  variance: number;
  up: number;
  down: number;
}

export function createDrift(): Drift {
  return { offset: 0, variance: 0, up: 0, down: 0 };
}

/** Folds in one innovation (standardised reward minus prediction, offset included). Returns whether the alarm was raised. */
export function observeInnovation(drift: Drift, innovation: number, residualVariance: number): boolean {
  const deviation = Math.sqrt(residualVariance);
  const standard = Math.max(-innovationClip, Math.min(innovationClip, innovation / deviation));
  drift.variance += walkVariance;
  const gain = drift.variance / (drift.variance + 1);
  drift.offset += gain * standard * deviation;
  drift.variance *= 1 - gain;
  drift.up = Math.max(0, drift.up + standard - slack);
  drift.down = Math.max(0, drift.down - standard - slack);
  if (drift.up < alarmLevel && drift.down < alarmLevel) return false;
  drift.up = 0;
  drift.down = 0;
  drift.variance = alarmVariance;
  return true;
}
