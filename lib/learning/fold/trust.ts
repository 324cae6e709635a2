/**
 * How far each strategy is to be trusted, all in all and with each of the commonest task types: every strategy's own value is
 * estimated off-policy from the decisions that were made anyway, and a strategy gains or loses weight as far as it is surely
 * better or worse than the learner. What is known of one task counts beside what is known of all, the more the more it is.
 */

import { type StrategyName, strategyNames } from '../../config/router-config';
import { dictionaryOf, ownEntry } from '../../dictionary';
import { allTasks, mostOthers } from '../../routing/judge/task-trust';
import type { Tuning } from '../../topics/generated/messages';

/** Before experience the learned strategy decides nearly alone: mixing in a worse strategy costs quality at once. */
const learnedPrior = 0.95;
/** Memory of the estimates, decisions. */
const memory = 1000;
/** Importance ratios are cut here: one lucky rare draw must not carry an estimate. */
const ratioCap = 20;
/** Evidence counts from minus to plus so many standard errors: weights change at most by factors e^-4 and e^3. */
const leastEvidence = -4;
const mostEvidence = 3;
/** Decisions before evidence counts at all. */
const leastDecisions = 100;
/** What is known of all tasks counts like so many decisions of one. */
const overallDecisions = 300;
/** Task types are callers' words: the commonest are told apart, the others are as all are. */
const mostTasks = 12;

const alone = dictionaryOf(strategyNames.map((name) => [name, name === 'LEARNING_OPTIMIZED' ? 1 : 0] as const));

export interface Estimate {
  /** Decayed sums of ratio, ratio * utility, ratio^2, ratio^2 * utility, ratio^2 * utility^2. */
  sums: [number, number, number, number, number];
  decisions: number;
}

/** By strategy. */
type Estimates = Map<string, Estimate>;

export interface Trust {
  readonly overall: Estimates;
  /** By task type. */
  readonly tasks: Map<string, Estimates>;
}

export function createTrust(): Trust {
  return { overall: new Map(), tasks: new Map() };
}

/**
 * Folds in one decision that was not degraded: `strategyPropensities` is what each strategy would have given to the
 * called model, `propensity` what it was drawn with, `utility` what came of it.
 */
export function observeStrategies(
  trust: Trust,
  taskType: string,
  strategyPropensities: Readonly<Record<string, number>>,
  propensity: number,
  utility: number,
): void {
  if (!(propensity > 0)) return;
  observe(trust.overall, strategyPropensities, propensity, utility);
  if (taskType !== allTasks) observe(estimatesOf(trust.tasks, taskType), strategyPropensities, propensity, utility);
}

/** A task type that is not known takes the place of the one with the fewest decisions: the commonest stay, whatever else comes. */
function estimatesOf(tasks: Trust['tasks'], taskType: string): Estimates {
  const known = tasks.get(taskType);
  if (known) return known;
  if (tasks.size >= mostTasks) {
    const [rarest] = [...tasks].reduce((least, task) => (decisionsOf(task[1]) < decisionsOf(least[1]) ? task : least));
    tasks.delete(rarest);
  }
  const estimates: Estimates = new Map();
  tasks.set(taskType, estimates);
  return estimates;
}

function decisionsOf(estimates: Estimates): number {
  return Math.max(0, ...[...estimates.values()].map(({ decisions }) => decisions));
}

function observe(
  estimates: Estimates,
  strategyPropensities: Readonly<Record<string, number>>,
  propensity: number,
  utility: number,
): void {
  for (const strategy of strategyNames) {
    const probability = ownEntry(strategyPropensities, strategy);
    if (probability === undefined) continue;
    const estimate = estimates.get(strategy) ?? { sums: [0, 0, 0, 0, 0], decisions: 0 };
    estimates.set(strategy, estimate);
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

/** Standard errors by which a strategy is better than the learner, within bounds; null while there is too little to say. */
function evidenceOf(estimates: Estimates, name: StrategyName): number | null {
  const learned = estimatedValue(estimates.get('LEARNING_OPTIMIZED'));
  const other = estimatedValue(estimates.get(name));
  if (!learned || !other) return null;
  const evidence = (other.mean - learned.mean) / Math.sqrt(other.variance + learned.variance + 1e-12);
  return Math.max(leastEvidence, Math.min(mostEvidence, evidence));
}

/**
 * By what experience multiplies the weight that each strategy has before it, by task type and for all tasks. A task is told apart once
 * it says something of its own; then its evidence is shrunk to that of all tasks.
 */
export function strategyFactorsOf({ overall, tasks }: Trust): Tuning['strategyFactors'] {
  const factorsOf = (evidence: (name: StrategyName) => number) =>
    dictionaryOf(
      strategyNames.map((name) => [name, name === 'LEARNING_OPTIMIZED' ? 1 : Math.exp(evidence(name))] as const),
    );
  const ofAll = (name: StrategyName): number => evidenceOf(overall, name) ?? 0;
  const factors: Tuning['strategyFactors'] = dictionaryOf([[allTasks, factorsOf(ofAll)] as const]);
  for (const [task, estimates] of tasks) {
    const own = new Map(strategyNames.map((name) => [name, evidenceOf(estimates, name)]));
    if ([...own.values()].every((evidence) => evidence === null)) continue;
    factors[task] = factorsOf((name) => {
      const evidence = own.get(name) ?? null;
      if (evidence === null) return ofAll(name);
      const decisions = Math.min(memory, estimates.get(name)!.decisions);
      return (overallDecisions * ofAll(name) + decisions * evidence) / (overallDecisions + decisions);
    });
  }
  return factors;
}

/**
 * Weight per strategy in COMBINED over all tasks; sums to 1. Under a budget the learner decides alone: its price of money is solved on its own votes,
 * and strategies that never look at cost would spend what it saves.
 */
export function strategyWeightsOf(trust: Trust, budgeted: boolean): Record<StrategyName, number> {
  if (budgeted) return alone;
  const others = strategyNames.filter((name) => name !== 'LEARNING_OPTIMIZED');
  const prior = (1 - learnedPrior) / others.length;
  const raw = others.map((name) => prior * Math.exp(evidenceOf(trust.overall, name) ?? 0));
  const total = raw.reduce((sum, weight) => sum + weight, 0);
  const shrink = total > mostOthers ? mostOthers / total : 1;
  const weights = { LEARNING_OPTIMIZED: 1 - total * shrink } as Record<StrategyName, number>;
  others.forEach((name, i) => {
    weights[name] = raw[i]! * shrink;
  });
  return weights;
}
