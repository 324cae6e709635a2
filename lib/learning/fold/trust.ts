/**
 * How far COMBINED should trust each strategy: every strategy's own value is estimated off-policy from the decisions
 * that were made anyway, and a strategy gains or loses weight as far as it is surely better or worse than the learner.
 */

import { type StrategyName, strategyNames } from '../../config/router-config';
import { dictionaryOf, ownEntry } from '../../dictionary';

/** Before experience the learned strategy decides nearly alone: mixing in a worse strategy costs quality at once. */
const learnedPrior = 0.95;
/** Together the others never get more than this, so the learner keeps seeing what its own choices bring. */
const mostOthers = 0.3;
/** Memory of the estimates, decisions. */
const memory = 1000;
/** Importance ratios are cut here: one lucky rare draw must not carry an estimate. */
const ratioCap = 20;
/** Evidence counts from minus to plus so many standard errors: weights change at most by factors e^-4 and e^3. */
const leastEvidence = -4;
const mostEvidence = 3;
/** Decisions before evidence counts at all. */
const leastDecisions = 100;

const alone = dictionaryOf(strategyNames.map((name) => [name, name === 'LEARNING_OPTIMIZED' ? 1 : 0] as const));

export interface Estimate {
  /** Decayed sums of ratio, ratio * utility, ratio^2, ratio^2 * utility, ratio^2 * utility^2. */
  sums: [number, number, number, number, number];
  decisions: number;
}

/** By strategy. */
export type Trust = Map<string, Estimate>;

export function createTrust(): Trust {
  return new Map();
}

/**
 * Folds in one decision that was not degraded: `strategyPropensities` is what each strategy would have given to the
 * called model, `propensity` what it was drawn with, `utility` what came of it.
 */
export function observeStrategies(
  trust: Trust,
  strategyPropensities: Readonly<Record<string, number>>,
  propensity: number,
  utility: number,
): void {
  if (!(propensity > 0)) return;
  for (const strategy of strategyNames) {
    const probability = ownEntry(strategyPropensities, strategy);
    if (probability === undefined) continue;
    const estimate = trust.get(strategy) ?? { sums: [0, 0, 0, 0, 0], decisions: 0 };
    trust.set(strategy, estimate);
    const ratio = Math.min(ratioCap, probability / propensity);
    const square = ratio * ratio;
    const terms = [ratio, ratio * utility, square, square * utility, square * utility * utility];
    const keep = 1 - 1 / memory;
    for (let i = 0; i < terms.length; i++) estimate.sums[i] = estimate.sums[i]! * keep + terms[i]!;
    estimate.decisions++;
  }
}

/** Self-normalised value of a strategy and its variance; null while there is too little to say. */
function estimatedValue(estimate: Estimate | undefined): { mean: number; variance: number } | null {
  if (!estimate || estimate.decisions < leastDecisions || !(estimate.sums[0] > 0)) return null;
  const [weight, weighted, square, squareUtility, squareSquare] = estimate.sums;
  const mean = weighted / weight;
  const variance = Math.max(0, squareSquare - 2 * mean * squareUtility + mean * mean * square) / weight ** 2;
  return { mean, variance };
}

/**
 * Weight per strategy; sums to 1. Under a budget the learner decides alone: its price of money is solved on its own votes,
 * and strategies that never look at cost would spend what it saves.
 */
export function strategyWeightsOf(trust: Trust, budgeted: boolean): Record<StrategyName, number> {
  if (budgeted) return alone;
  const learned = estimatedValue(trust.get('LEARNING_OPTIMIZED'));
  const others = strategyNames.filter((name) => name !== 'LEARNING_OPTIMIZED');
  const prior = (1 - learnedPrior) / others.length;
  const raw = others.map((name) => {
    const other = estimatedValue(trust.get(name));
    if (!learned || !other) return prior;
    const evidence = (other.mean - learned.mean) / Math.sqrt(other.variance + learned.variance + 1e-12);
    return prior * Math.exp(Math.max(leastEvidence, Math.min(mostEvidence, evidence)));
  });
  const total = raw.reduce((sum, weight) => sum + weight, 0);
  const shrink = total > mostOthers ? mostOthers / total : 1;
  const weights = { LEARNING_OPTIMIZED: 1 - total * shrink } as Record<StrategyName, number>;
  others.forEach((name, i) => {
    weights[name] = raw[i]! * shrink;
  });
  return weights;
}
