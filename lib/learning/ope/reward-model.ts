/**
 * The reward each candidate would probably have brought, for doubly robust estimates: per model a mean, plus a ridge
 * regression on the context shared by all models (how hard the request is), plus one of its own. Cross-fitted: a
 * decision's predictions come from a fit that never saw it nor anything of its session (Chernozhukov et al. 2018).
 */
import { addScaled, dot } from '../value/linear-algebra';
import type { LoggedDecision } from './logged-decision';
import { addMoments, emptyMoments, type Moments, mergeMoments, residualMoments, solveRidge } from './ridge';

/** Each prediction is made from all but a fifth of the log. */
const folds = 5;
/** A model's mean is shrunk towards the mean of all as by so many rewards: single rewards vary about ten times as much as models do. */
const meanShrinkage = 10;
/** Only so many of the commonest task types get a column of the regressions. */
const mostTasks = 24;
/** Standardised features are cut here: one odd request must not bend a regression. */
const mostDeviations = 4;

/**
 * Predicted reward of each candidate of each decision, rows x stride, row-major, cut to the range of the rewards.
 * O(rows x size²) for contexts of that size. Throws RangeError when decisions differ in their number of features.
 */
export function crossFittedRewards(
  decisions: readonly LoggedDecision[],
  stride: number,
  [least, most]: readonly [number, number],
): Float64Array {
  const { contexts, size } = contextMatrix(decisions);
  const modelOf = new Map<string, number>();
  for (const { models } of decisions) {
    for (const model of models) if (!modelOf.has(model)) modelOf.set(model, modelOf.size);
  }
  const foldOf = decisions.map(({ cluster, id }) => hashOf(cluster ?? id) % folds);
  const perFold = Array.from({ length: folds }, () => Array.from(modelOf, () => emptyMoments(size)));
  decisions.forEach(({ models, chosen, reward }, row) => {
    if (reward === null) return;
    addMoments(perFold[foldOf[row]!]![modelOf.get(models[chosen]!)!]!, contexts, row * size, reward);
  });
  const fits = perFold.map((_, fold) =>
    fitModels(
      perFold.filter((__, other) => other !== fold),
      size,
    ),
  );
  const predicted = new Float64Array(decisions.length * stride);
  decisions.forEach(({ models }, row) => {
    const fit = fits[foldOf[row]!]!;
    models.forEach((model, i) => {
      const value = dot(fit[modelOf.get(model)!]!, 0, contexts, row * size, size);
      predicted[row * stride + i] = Math.min(most, Math.max(least, value));
    });
  });
  return predicted;
}

/** Weights per model, from the moments of some folds. */
function fitModels(training: readonly (readonly Moments[])[], size: number): Float64Array[] {
  const models = training[0]!.map((_, m) => {
    const sum = emptyMoments(size);
    for (const fold of training) mergeMoments(sum, fold[m]!, 1);
    return sum;
  });
  const rows = models.reduce((sum, moments) => sum + moments.rows, 0);
  // The first column is 1, so the first moment is the sum of the rewards.
  const overall = rows === 0 ? 0 : models.reduce((sum, { moment }) => sum + moment[0]!, 0) / rows;
  const means = models.map((moments) => {
    const weights = new Float64Array(size);
    weights[0] = (moments.moment[0]! + meanShrinkage * overall) / (moments.rows + meanShrinkage);
    return weights;
  });
  const pooled = emptyMoments(size);
  models.forEach((moments, m) => {
    mergeMoments(pooled, residualMoments(moments, means[m]!), 1);
  });
  const shared = solveRidge(pooled);
  return models.map((moments, m) => {
    const weights = means[m]!;
    addScaled(weights, 0, 1, shared, 0, size);
    addScaled(weights, 0, 1, solveRidge(residualMoments(moments, weights)), 0, size);
    return weights;
  });
}

/** Per decision 1, its task as an indicator, and its standardised features scaled to about unit length in all. */
function contextMatrix(decisions: readonly LoggedDecision[]): { contexts: Float64Array; size: number } {
  const slots = taskSlots(decisions);
  const features = decisions[0]?.features.length ?? 0;
  const size = 1 + slots.size + features;
  const contexts = new Float64Array(decisions.length * size);
  const scales = standardScales(decisions, features);
  decisions.forEach((decision, row) => {
    const at = row * size;
    contexts[at] = 1;
    const slot = slots.get(decision.task);
    if (slot !== undefined) contexts[at + 1 + slot] = 1;
    for (let i = 0; i < features; i++) {
      const { mean, deviation } = scales[i]!;
      const standard = deviation > 0 ? (decision.features[i]! - mean) / deviation : 0;
      contexts[at + 1 + slots.size + i] =
        Math.min(mostDeviations, Math.max(-mostDeviations, standard)) / Math.sqrt(features);
    }
  });
  return { contexts, size };
}

function taskSlots(decisions: readonly LoggedDecision[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { task } of decisions) counts.set(task, (counts.get(task) ?? 0) + 1);
  const common = [...counts].sort((a, b) => b[1] - a[1]).slice(0, mostTasks);
  return new Map(common.map(([task], slot) => [task, slot]));
}

function standardScales(decisions: readonly LoggedDecision[], features: number): { mean: number; deviation: number }[] {
  const sums = new Float64Array(features);
  const squares = new Float64Array(features);
  for (const decision of decisions) {
    if (decision.features.length !== features) {
      throw new RangeError(
        `decision ${decision.id} has ${decision.features.length} features, the first one has ${features}`,
      );
    }
    for (let i = 0; i < features; i++) {
      const value = decision.features[i]!;
      sums[i] = sums[i]! + value;
      squares[i] = squares[i]! + value * value;
    }
  }
  return Array.from(sums, (sum, i) => {
    const mean = sum / decisions.length;
    const variance = squares[i]! / decisions.length - mean * mean;
    return { mean, deviation: variance > 1e-12 ? Math.sqrt(variance) : 0 };
  });
}

/** FNV-1a with a final mix, so that ids counted upwards spread evenly. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}
