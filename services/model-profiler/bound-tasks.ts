/**
 * Task types are callers' own words, and every one of them becomes a key of a profile. A row holds all models of a provider
 * and has to fit into one record, so the words are bounded: the most frequent keep statistics of their own, and all
 * others share one entry.
 */
import { dictionaryOf, ownEntry } from '../../lib/dictionary';
import type { DecayedStats, ModelObserved, ModelProfile } from '../../lib/topics/generated/messages';
import { afterObservation, noStats } from './observe';

/** What stands for all task types without an entry of their own. */
const otherTasks = 'other';
/** Task types of one model, the shared entry included. */
const maxTasksOfModel = 64;
/** Task types of all models of one provider: with the longest names some 400 kB, beside 500 kB of the models themselves. */
export const maxTasksOfProvider = 1_536;
/** Longer words, in characters, share the entry for others; the router itself infers or takes none that is longer. */
const maxTaskLength = 64;

/** The statistics per task type after one observation of this model. */
export function tasksAfter(
  tasks: Readonly<Record<string, DecayedStats>>,
  observed: ModelObserved,
  decay: number,
): Record<string, DecayedStats> {
  const task = observed.taskType.length > maxTaskLength ? otherTasks : observed.taskType;
  const next = dictionaryOf(Object.entries(tasks));
  next[task] = afterObservation(ownEntry(tasks, task) ?? noStats(), observed, decay);
  // The word just seen stays: the next new one shows whether it was worth it.
  while (Object.keys(next).length > maxTasksOfModel) shareLightest(next, task);
  return next;
}

/**
 * All models within what one row holds: task types of the least weight go into their model's shared entry. The one just
 * seen stays here, too, or a new one would never get the weight of those that have been there for long.
 */
export function boundTasks(
  given: Readonly<Record<string, ModelProfile>>,
  seen: Pick<ModelObserved, 'model' | 'taskType'>,
): Record<string, ModelProfile> {
  const models = new Map(Object.entries(given));
  let excess = -maxTasksOfProvider;
  for (const { tasks } of models.values()) excess += Object.keys(tasks).length;
  if (excess <= 0) return dictionaryOf(models);
  // Once for all of them: a row of an earlier version may have thousands too many.
  const lightestFirst = [...models]
    .flatMap(([name, { tasks }]) => Object.entries(tasks).map(([task, { weight }]) => ({ name, task, weight })))
    .filter(({ name, task }) => task !== otherTasks && (name !== seen.model || task !== seen.taskType))
    .sort((a, b) => a.weight - b.weight);
  const bounded = new Map<string, Record<string, DecayedStats>>();
  for (const { name, task } of lightestFirst) {
    if (excess <= 0) break;
    const tasks = bounded.get(name) ?? dictionaryOf(Object.entries(models.get(name)!.tasks));
    const before = Object.keys(tasks).length;
    // A model with one word of its own would have as many entries afterwards.
    if (before === 1) continue;
    share(tasks, task);
    bounded.set(name, tasks);
    excess += Object.keys(tasks).length - before;
  }
  for (const [name, tasks] of bounded) models.set(name, { ...models.get(name)!, tasks });
  return dictionaryOf(models);
}

/** Adds the entry of the least weight to the shared one, in place; of equals the one that has been there longest. */
function shareLightest(tasks: Record<string, DecayedStats>, kept: string): void {
  let lightest: string | undefined;
  for (const [task, { weight }] of Object.entries(tasks)) {
    if (task === otherTasks || task === kept) continue;
    if (lightest === undefined || weight < tasks[lightest]!.weight) lightest = task;
  }
  if (lightest !== undefined) share(tasks, lightest);
}

/** Adds one entry to the shared one, in place. */
function share(tasks: Record<string, DecayedStats>, rare: string): void {
  tasks[otherTasks] = together(ownEntry(tasks, otherTasks) ?? noStats(), ownEntry(tasks, rare)!);
  delete tasks[rare];
}

/** Means by their weights. */
function together(a: DecayedStats, b: DecayedStats): DecayedStats {
  const mean = (x: number, xWeight: number, y: number, yWeight: number): number =>
    xWeight + yWeight > 0 ? (x * xWeight + y * yWeight) / (xWeight + yWeight) : 0;
  return {
    weight: a.weight + b.weight,
    errorRate: mean(a.errorRate, a.weight, b.errorRate, b.weight),
    quality: mean(a.quality, a.qualityWeight, b.quality, b.qualityWeight),
    qualityWeight: a.qualityWeight + b.qualityWeight,
    latencyMs: mean(a.latencyMs, a.latencyWeight, b.latencyMs, b.latencyWeight),
    latencyWeight: a.latencyWeight + b.latencyWeight,
    costUsd: mean(a.costUsd, a.costWeight, b.costUsd, b.costWeight),
    costWeight: a.costWeight + b.costWeight,
    outputTokens: mean(a.outputTokens, a.outputTokensWeight, b.outputTokens, b.outputTokensWeight),
    outputTokensWeight: a.outputTokensWeight + b.outputTokensWeight,
  };
}
