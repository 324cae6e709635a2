/**
 * Task types are callers' own words, and every one of them becomes a key of a profile. A row holds all models of a provider
 * and has to fit into one record, so the words are bounded: the most frequent keep statistics of their own, and all
 * others share one entry.
 */
import { dictionaryOf, ownEntry } from '../../lib/dictionary';
import type { DecayedStats, ModelObserved, ModelProfile } from '../../lib/topics/generated/messages';
import { afterObservation, noStats } from './observe';

/** What stands for all task types without an entry of their own. */
export const otherTasks = 'other';
/** Task types of one model, the shared entry included. */
export const maxTasksOfModel = 64;
/** Task types of all models of one provider: with the longest names some 600 kB. */
export const maxTasksOfProvider = 2_048;
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

/** All models within what one row holds: task types of the least weight go into their model's shared entry. */
export function boundTasks(given: Readonly<Record<string, ModelProfile>>): Record<string, ModelProfile> {
  const models = new Map(Object.entries(given));
  let count = 0;
  for (const { tasks } of models.values()) count += Object.keys(tasks).length;
  while (count > maxTasksOfProvider) {
    let holder: ModelProfile | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const profile of models.values()) {
      const own = Object.entries(profile.tasks).filter(([task]) => task !== otherTasks);
      // A model with one word of its own would have as many entries afterwards.
      if (own.length < (ownEntry(profile.tasks, otherTasks) ? 1 : 2)) continue;
      for (const [, { weight }] of own) {
        if (weight >= least) continue;
        least = weight;
        holder = profile;
      }
    }
    if (!holder) break;
    const tasks = dictionaryOf(Object.entries(holder.tasks));
    shareLightest(tasks, null);
    count += Object.keys(tasks).length - Object.keys(holder.tasks).length;
    models.set(holder.model, { ...holder, tasks });
  }
  return dictionaryOf(models);
}

/** Adds the entry of the least weight to the shared one, in place; of equals the one that has been there longest. */
function shareLightest(tasks: Record<string, DecayedStats>, kept: string | null): void {
  let lightest: string | undefined;
  for (const [task, { weight }] of Object.entries(tasks)) {
    if (task === otherTasks || task === kept) continue;
    if (lightest === undefined || weight < tasks[lightest]!.weight) lightest = task;
  }
  if (lightest === undefined) return;
  tasks[otherTasks] = together(ownEntry(tasks, otherTasks) ?? noStats(), tasks[lightest]!);
  delete tasks[lightest];
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
