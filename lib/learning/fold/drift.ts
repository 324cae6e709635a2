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

/** Variance the offset gains with every reward of a model that has got worse: it may come back any time. */
const fallenWalkVariance = 0.01;
/** With an offset above minus so many deviations a model is no longer worse than it was. */
const recovered = 0.25;
/** Rewards it takes to see that a fallen model has recovered... */
const recoveryRewards = 6;
/** ...and the share of the draws that is spent on it at most. */
const mostWatched = 0.1;

/** Per model, in units of the standardised reward. */
export interface Drift {
  offset: number;
  /** Variance of the offset in units of the residual variance. */
  variance: number;
  up: number;
  down: number;
  /** Rewards of all models when it was found to have got worse; null while it is not known to be worse. */
  fallenAt: number | null;
}

export function createDrift(): Drift {
  return { offset: 0, variance: 0, up: 0, down: 0, fallenAt: null };
}

/** Folds in one innovation (standardised reward minus prediction, offset included). Returns whether the alarm was raised. */
export function observeInnovation(
  drift: Drift,
  innovation: number,
  residualVariance: number,
  rewards: number,
): boolean {
  const deviation = Math.sqrt(residualVariance);
  const standard = Math.max(-innovationClip, Math.min(innovationClip, innovation / deviation));
  drift.variance += drift.fallenAt === null ? walkVariance : fallenWalkVariance;
  const gain = drift.variance / (drift.variance + 1);
  drift.offset += gain * standard * deviation;
  drift.variance *= 1 - gain;
  drift.up = Math.max(0, drift.up + standard - slack);
  drift.down = Math.max(0, drift.down - standard - slack);
  if (drift.offset > -recovered * deviation) drift.fallenAt = null;
  if (drift.up < alarmLevel && drift.down < alarmLevel) return false;
  if (drift.down >= alarmLevel) drift.fallenAt = rewards;
  drift.up = 0;
  drift.down = 0;
  drift.variance = alarmVariance;
  return true;
}

/**
 * Least share of the draws for a fallen model, `rewards` (of all models) being counted now; 0 for the others. Looking costs
 * share * time, a recovery goes unseen for recoveryRewards / share: when it has lasted t already and may last as long
 * again, sqrt(recoveryRewards / t) makes the sum least.
 */
export function watchedShare({ fallenAt }: Drift, rewards: number): number {
  return fallenAt === null ? 0 : Math.min(mostWatched, Math.sqrt(recoveryRewards / Math.max(1, rewards - fallenAt)));
}
