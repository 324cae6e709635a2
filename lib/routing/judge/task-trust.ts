/**
 * How far strategies are trusted with one task type: what the learner has found out about each of them there, on top of what
 * is said of all tasks. Intake pins the result, so that collapse needs to know of no task.
 */
import { dictionaryOf, ownEntry } from '../../dictionary';
import { learnedStrategy } from './strategies/strategies';

/** By strategy. */
export type StrategyWeights = Readonly<Record<string, number>>;

/** By task type, `allTasks` for all of them; by strategy: how many times as good a name it has as before experience, the learned one always 1. */
export type StrategyFactors = Readonly<Record<string, StrategyWeights>>;

/** No task type has an empty name. */
export const allTasks = '';

/** In COMBINED all but the learned strategy get no more than this together, so the learner keeps seeing what its own choices bring. */
export const mostOthers = 0.3;

/** An operator's weight is multiplied or divided by this at most: it is a wish, and experience only tells how to read it. */
const mostCorrection = 4;

/** COMBINED: what is learned of all tasks, moved by as much as this task differs. Sums to what it summed to. */
export function combinedFor(weights: StrategyWeights, factors: StrategyFactors, taskType: string): StrategyWeights {
  const [ofAll, ofTask] = [ownEntry(factors, allTasks), ownEntry(factors, taskType)];
  const total = Object.values(weights).reduce((sum, weight) => sum + weight, 0);
  if (!ofAll || !ofTask || ownEntry(weights, learnedStrategy) === undefined) return weights;
  const others = Object.keys(weights).filter((name) => name !== learnedStrategy);
  const moved = others.map((name) => weights[name]! * (factorOf(ofTask, name) / factorOf(ofAll, name)));
  const given = moved.reduce((sum, weight) => sum + weight, 0);
  const shrink = given > mostOthers * total ? (mostOthers * total) / given : 1;
  const result = dictionaryOf(others.map((name, i) => [name, moved[i]! * shrink] as const));
  result[learnedStrategy] = total - given * shrink;
  return result;
}

/** WEIGHTED: the operator's weights, corrected by experience with the task, or with all where the task is not known. */
export function weightedFor(weights: StrategyWeights, factors: StrategyFactors, taskType: string): StrategyWeights {
  const known = ownEntry(factors, taskType) ?? ownEntry(factors, allTasks);
  if (!known) return weights;
  return dictionaryOf(
    Object.entries(weights).map(([name, weight]) => {
      const factor = Math.min(mostCorrection, Math.max(1 / mostCorrection, factorOf(known, name)));
      return [name, weight * factor] as const;
    }),
  );
}

/** What others have written into a topic may be anything. */
function factorOf(factors: StrategyWeights, name: string): number {
  const factor = ownEntry(factors, name);
  return factor !== undefined && factor > 0 && Number.isFinite(factor) ? factor : 1;
}
