/**
 * What the learner says of its own health. Single bad figures are normal in a healthy DQN (values a little out of range,
 * flips of favourites from one step to the next), so divergence is an alarm only when it lasts over several publications;
 * convergence is claimed only with figures that show it.
 */
import type { IncrementFindings } from './increment';

export const alarmNames = ['values-outside-range', 'error-trend', 'gradient-norm', 'refused', 'repaired'] as const;
export type AlarmName = (typeof alarmNames)[number];

/** An alarm that was not raised at the publication before. */
export interface Alarm {
  readonly name: AlarmName;
  /** What was found, in words. */
  readonly text: string;
}

/** Plain JSON, saved in checkpoints. */
export interface Health {
  /** Running means of squared prediction errors, made before the reward was seen, in units of quality. */
  errorFast: number;
  errorSlow: number;
  rewards: number;
  /** Running mean and running median of the gradient's norm, before clipping. */
  gradientNorm: number;
  gradientMedian: number;
  gradientSteps: number;
  /** Step and churn of the newest publications, oldest first. */
  publications: { step: number; churn: number }[];
  /** Publications in a row at which each alarm's condition held. */
  lasting: Record<AlarmName, number>;
}

/** Rates of the error means: memories of 100 and 1,000 rewards. */
const fastRate = 0.01;
const slowRate = 0.001;
/** Rewards before errors have a trend, gradient steps before norms have a median. */
const leastRewards = 200;
const leastSteps = 100;
/** An error this much above its own long run is a trend. */
const errorGrowth = 1.5;
/** ...and one within this share of it is flat. */
const flatShare = 0.2;
/** A gradient this many times its own median is no noise; healthy ones stay below 2. */
const gradientGrowth = 5;
const gradientRate = 0.05;
/** The running median moves by this share of itself a step. */
const medianRate = 0.01;
/** Share of values out of range that is no longer a few. */
const mostOutside = 0.25;
/** Publications in a row that make an alarm of a bad figure. */
const persistence = 3;
/** Publications that convergence is judged by. */
const window = 8;
/** Mean step and churn over the window below which a policy stands still. */
const stillStep = 0.015;
const stillChurn = 0.05;

export function createHealth(): Health {
  return {
    errorFast: 0,
    errorSlow: 0,
    rewards: 0,
    gradientNorm: 0,
    gradientMedian: 0,
    gradientSteps: 0,
    publications: [],
    lasting: { 'values-outside-range': 0, 'error-trend': 0, 'gradient-norm': 0, refused: 0, repaired: 0 },
  };
}

/** Folds in the error of one prediction that was made before its reward, in units of quality. */
export function observeError(health: Health, error: number): void {
  health.rewards++;
  const square = error * error;
  health.errorFast += Math.max(fastRate, 1 / health.rewards) * (square - health.errorFast);
  health.errorSlow += Math.max(slowRate, 1 / health.rewards) * (square - health.errorSlow);
}

/** Folds in the gradient's norm of one training step. */
export function observeGradient(health: Health, norm: number): void {
  health.gradientSteps++;
  if (health.gradientSteps === 1) health.gradientMedian = norm;
  health.gradientNorm += Math.max(gradientRate, 1 / health.gradientSteps) * (norm - health.gradientNorm);
  health.gradientMedian *= norm > health.gradientMedian ? 1 + medianRate : 1 - medianRate;
}

/** Whether the newest publications and errors show that learning has come to rest. */
export function isConverged({ publications, rewards, errorFast, errorSlow }: Health): boolean {
  if (publications.length < window || rewards < leastRewards) return false;
  const mean = (field: 'step' | 'churn'): number =>
    publications.reduce((sum, one) => sum + one[field], 0) / publications.length;
  return (
    mean('step') <= stillStep && mean('churn') <= stillChurn && Math.abs(errorFast - errorSlow) <= flatShare * errorSlow
  );
}

/** Folds in what was found at a publication. Returns the alarms that were not raised at the one before. */
export function observePublication(health: Health, found: IncrementFindings, repairs: readonly string[]): Alarm[] {
  if (found.refused === null) {
    const { step, churn } = found;
    health.publications = [...health.publications, { step, churn }].slice(-window);
  }
  const { errorFast, errorSlow, gradientNorm, gradientMedian } = health;
  const share = (value: number): string => `${(100 * value).toFixed(0)} %`;
  const conditions: Record<AlarmName, string | null> = {
    'values-outside-range':
      found.outside > mostOutside
        ? `${share(found.outside)} of the values on the probe set are no possible reward`
        : null,
    'error-trend':
      health.rewards >= leastRewards && errorFast > errorGrowth * errorSlow
        ? `squared prediction errors are ${errorFast.toFixed(4)}, ${errorSlow.toFixed(4)} in the long run`
        : null,
    'gradient-norm':
      health.gradientSteps >= leastSteps && gradientNorm > gradientGrowth * gradientMedian
        ? `gradient norms are ${gradientNorm.toPrecision(3)}, their median is ${gradientMedian.toPrecision(3)}`
        : null,
    refused: found.refused,
    repaired: repairs.length > 0 ? repairs.join('; ') : null,
  };
  const raised: Alarm[] = [];
  for (const name of alarmNames) {
    const text = conditions[name];
    health.lasting[name] = text === null ? 0 : health.lasting[name] + 1;
    // What was refused or repaired is a fact, not a tendency.
    const needed = name === 'refused' || name === 'repaired' ? 1 : persistence;
    if (text !== null && health.lasting[name] === needed) raised.push({ name, text });
  }
  return raised;
}

/** Whether an alarm is on since the newest publication. */
export function isRaised(health: Health, name: AlarmName): boolean {
  return health.lasting[name] >= (name === 'refused' || name === 'repaired' ? 1 : persistence);
}
