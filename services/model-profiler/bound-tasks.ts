/**
 * Task types are callers' own words, and every one of them becomes a key of a profile. A row holds all models of a provider
 * and has to fit into one record, so the words are bounded: the most frequent keep statistics of their own, and all
 * others share one entry.
 */
import { dictionaryOf, ownEntry } from '../../lib/dictionary';
import { maxBins, withTimesOf } from '../../lib/routing/open/latency-sketch';
import type { DecayedStats, ModelObserved, ModelProfile } from '../../lib/topics/generated/messages';
import { afterObservation, type Decay, noStats, type ThoughtBefore } from './observe';

/** What stands for all task types without an entry of their own. */
const otherTasks = 'other';
/** Task types of one model, the shared entry included. */
const maxTasksOfModel = 64;
/** Task types of all models of one provider; fewer where names are so long that a record would not hold them. */
export const maxTasksOfProvider = 1_536;
/** Of a provider's row, leaving room for what else is in its record. */
const maxRowBytes = 900_000;
/** A row that has become too large is made smaller than it has to be, so that this is not to be done with every call. */
const spareBytes = 45_000;
/** Of the statistics of one task, and of a model beside its own: everything but names and sketches. */
const statsBytes = 175;
const profileBytes = 250;
/** Longer words, in characters, share the entry for others; the router itself infers or takes none that is longer. */
const maxTaskLength = 64;

/** The statistics per task type after one observation of this model. */
export function tasksAfter(
  tasks: Readonly<Record<string, DecayedStats>>,
  observed: ModelObserved,
  decay: Decay,
  thought: ThoughtBefore,
): Record<string, DecayedStats> {
  const task = observed.taskType.length > maxTaskLength ? otherTasks : observed.taskType;
  const next = dictionaryOf(Object.entries(tasks));
  next[task] = afterObservation(ownEntry(tasks, task) ?? noStats(), observed, decay, thought);
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
  let excessBytes = excess > 0 || mayBeTooLarge(models) ? -maxRowBytes : Number.NEGATIVE_INFINITY;
  if (excessBytes > Number.NEGATIVE_INFINITY)
    for (const profile of models.values()) excessBytes += bytesOfProfile(profile);
  if (excess <= 0 && excessBytes <= 0) return dictionaryOf(models);
  if (excessBytes > 0) excessBytes += spareBytes;
  // Once for all of them: a row of an earlier version may have thousands too many.
  const lightestFirst = [...models]
    .flatMap(([name, { tasks }]) => Object.entries(tasks).map(([task, { weight }]) => ({ name, task, weight })))
    .filter(({ name, task }) => task !== otherTasks && (name !== seen.model || task !== seen.taskType))
    .sort((a, b) => a.weight - b.weight);
  const bounded = new Map<string, Record<string, DecayedStats>>();
  for (const { name, task } of lightestFirst) {
    if (excess <= 0 && excessBytes <= 0) break;
    const tasks = bounded.get(name) ?? dictionaryOf(Object.entries(models.get(name)!.tasks));
    const before = Object.keys(tasks).length;
    // A model with one word of its own would have as many entries afterwards.
    if (before === 1) continue;
    const bytesBefore = bytesOfTasks(tasks);
    share(tasks, task);
    bounded.set(name, tasks);
    excess += Object.keys(tasks).length - before;
    excessBytes += bytesOfTasks(tasks) - bytesBefore;
  }
  for (const [name, tasks] of bounded) models.set(name, { ...models.get(name)!, tasks });
  return dictionaryOf(models);
}

/** Whether a row can be too large at all: names need only be counted where it can. */
function mayBeTooLarge(models: ReadonlyMap<string, ModelProfile>): boolean {
  let most = 0;
  for (const { model, provider, tasks, declaredPrice } of models.values()) {
    most += bytesPerChar * (2 * model.length + provider.length) + profileBytes + (declaredPrice?.length ?? 0);
    // Its own statistics, and the times to first tokens.
    most += (Object.keys(tasks).length + 2) * (statsBytes + bytesPerChar * maxTaskLength + sketchBytes);
  }
  return most > maxRowBytes;
}

/** Nothing that names are made of takes more in UTF-8... */
const bytesPerChar = 3;
/** ...and no sketch more than its buckets. */
const sketchBytes = 4 * maxBins;

function bytesOfProfile({
  model,
  provider,
  overall,
  tasks,
  firstTokens,
  declaredPrice,
  declaredVersion,
}: ModelProfile) {
  const names = 2 * Buffer.byteLength(model) + Buffer.byteLength(provider) + Buffer.byteLength(declaredVersion ?? '');
  const own = profileBytes + bytesOfStats(overall) + (firstTokens?.bins.length ?? 0) + (declaredPrice?.length ?? 0);
  return names + own + bytesOfTasks(tasks);
}

function bytesOfTasks(tasks: Readonly<Record<string, DecayedStats>>): number {
  return Object.entries(tasks).reduce((sum, [task, stats]) => sum + Buffer.byteLength(task) + bytesOfStats(stats), 0);
}

function bytesOfStats({ latencies }: DecayedStats): number {
  return statsBytes + (latencies?.bins.length ?? 0);
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

/** Means by their weights; what has no weight of its own by that of all calls. */
function together(a: DecayedStats, b: DecayedStats): DecayedStats {
  const mean = (of: keyof DecayedStats, by: keyof DecayedStats): number => {
    const [x, xWeight, y, yWeight] = [a[of], a[by], b[of], b[by]] as [number, number, number, number];
    return xWeight + yWeight > 0 ? (x * xWeight + y * yWeight) / (xWeight + yWeight) : 0;
  };
  return {
    weight: a.weight + b.weight,
    errorRate: mean('errorRate', 'weight'),
    quality: mean('quality', 'qualityWeight'),
    qualityWeight: a.qualityWeight + b.qualityWeight,
    latencyMs: mean('latencyMs', 'latencyWeight'),
    latencyWeight: a.latencyWeight + b.latencyWeight,
    costUsd: mean('costUsd', 'costWeight'),
    costWeight: a.costWeight + b.costWeight,
    outputTokens: mean('outputTokens', 'outputTokensWeight'),
    outputTokensWeight: a.outputTokensWeight + b.outputTokensWeight,
    agedAtMs: Math.max(a.agedAtMs, b.agedAtMs),
    latencies: withTimesOf(a.latencies, b.latencies),
    timeoutRate: mean('timeoutRate', 'weight'),
    rateLimitedRate: mean('rateLimitedRate', 'weight'),
    inputTokens: mean('inputTokens', 'inputTokensWeight'),
    inputTokensWeight: a.inputTokensWeight + b.inputTokensWeight,
    costPerMillionTokensUsd: mean('costPerMillionTokensUsd', 'costedTokens'),
    costedTokens: a.costedTokens + b.costedTokens,
    qualityBias: mean('qualityBias', 'calibrationWeight'),
    qualityError2: mean('qualityError2', 'calibrationWeight'),
    calibrationWeight: a.calibrationWeight + b.calibrationWeight,
  };
}
