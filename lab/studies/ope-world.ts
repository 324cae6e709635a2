/** Data that knows every model's outcome as a world to log decisions in, with policies fitted on rows that are not logged. */

import { describeContext } from '../../lib/learning/ope/describe-context';
import type { LoggedDecision } from '../../lib/learning/ope/logged-decision';
import { addMoments, emptyMoments, solveRidge } from '../../lib/learning/ope/ridge';
import type { Random } from '../../lib/ports/random';
import { seededRandom } from '../../lib/random/seeded';
import { indexOfLargest } from '../../lib/routing/judge/distribution';
import { shuffled } from '../workloads/draw';
import { encodeRow } from '../workloads/encode-row';
import type { Workload } from '../workloads/workload';

export interface World {
  readonly name: string;
  readonly models: readonly string[];
  readonly ids: readonly string[];
  readonly tasks: readonly string[];
  readonly features: readonly Float32Array[];
  /** Score of every model on every row. */
  readonly scores: readonly (readonly number[])[];
  /** Two sets of rows to fit policies on, and the rows that are logged; they share none. */
  readonly training: readonly [readonly number[], readonly number[]];
  readonly pool: readonly number[];
}

/** Probability of each model, per row of the world. */
export type Policy = readonly (readonly number[])[];
export type Policies = Readonly<Record<string, Policy>>;

const trainingShare = 0.2;

/** Rows on which every model was measured. */
export function worldOf(workload: Workload): World {
  const models = workload.models.map(({ name }) => name);
  const all = Array.from({ length: workload.rows }, (_, i) => workload.row(i));
  const rows = all.filter((row) => models.every((model) => (row.outcomes.get(model) ?? null) !== null));
  const encoded = rows.map(encodeRow);
  const order = shuffled(rows.length, seededRandom(7, 'ope split'));
  const part = Math.floor(trainingShare * rows.length);
  return {
    name: workload.name,
    models,
    ids: rows.map(({ id }) => id),
    tasks: encoded.map(({ taskType }) => taskType),
    features: encoded.map(describeContext),
    scores: rows.map((row) => models.map((model) => row.outcomes.get(model)!.score)),
    training: [order.slice(0, part), order.slice(part, 2 * part)],
    pool: order.slice(2 * part),
  };
}

/** What the policy is worth on the logged rows. */
export function trueValue(world: World, policy: Policy): number {
  let sum = 0;
  for (const row of world.pool) {
    world.scores[row]!.forEach((score, model) => {
      sum += policy[row]![model]! * score;
    });
  }
  return sum / world.pool.length;
}

/** Independent decisions on rows drawn with replacement; `source` says which row of the world each one is. */
export function drawLog(
  world: World,
  logging: Policy,
  count: number,
  random: Random,
): { decisions: LoggedDecision[]; source: number[] } {
  const source: number[] = [];
  const decisions = Array.from({ length: count }, () => {
    const row = world.pool[random.integer(world.pool.length)]!;
    source.push(row);
    const propensities = logging[row]!;
    let point = random.next();
    let chosen = 0;
    while (chosen < propensities.length - 1 && point >= propensities[chosen]!) point -= propensities[chosen++]!;
    return {
      id: world.ids[row]!,
      cluster: null,
      models: world.models,
      propensities,
      chosen,
      reward: world.scores[row]![chosen]!,
      task: world.tasks[row]!,
      features: world.features[row]!,
    };
  });
  return { decisions, source };
}

/**
 * Policies that log, all with the exploration floor spread evenly over the models as in lib/routing/decide/draw.ts; targets near
 * enough to be candidates for promotion; and targets no log of a good policy can speak of.
 */
export function policiesOf(world: World, floor: number): { logging: Policies; near: Policies; far: Policies } {
  const [first, second] = world.training;
  const both = [...first, ...second];
  const constant = (shares: readonly number[]): Policy => world.ids.map(() => shares);
  const one = (model: number): number[] => world.models.map((_, m) => (m === model ? 1 : 0));
  const explored = (policy: Policy): Policy =>
    policy.map((shares) => shares.map((share) => floor / shares.length + (1 - floor) * share));
  const means = world.models.map((_, m) => both.reduce((sum, row) => sum + world.scores[row]![m]!, 0) / both.length);
  const best = constant(one(indexOfLargest(means)));
  const firstScores = predictedScores(world, first);
  const greedy = firstScores.map((scores) => one(indexOfLargest(scores)));
  const secondScores = predictedScores(world, second);
  const uniform = constant(world.models.map(() => 1 / world.models.length));
  return {
    logging: {
      uniform,
      softmax: explored(firstScores.map(softmax)),
      votes: explored(votes(world, first)),
      epsilonGreedy: explored(best),
      greedy: explored(greedy),
    },
    near: {
      greedy: secondScores.map((scores) => one(indexOfLargest(scores))),
      votes: explored(votes(world, second)),
      softmax: secondScores.map(softmax),
      bestSingle: best,
      bestPerTask: bestPerTask(world, both, means),
    },
    far: { uniform, worst: constant(one(indexOfLargest(means.map((mean) => -mean)))) },
  };
}

const temperature = 0.05;

function softmax(scores: readonly number[]): number[] {
  const most = Math.max(...scores);
  const weights = scores.map((score) => Math.exp((score - most) / temperature));
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}

function bestPerTask(world: World, training: readonly number[], means: readonly number[]): Policy {
  const choices = new Map<string, number[]>();
  for (const task of new Set(world.tasks)) {
    const rows = training.filter((row) => world.tasks[row] === task);
    const sums = world.models.map((_, m) => rows.reduce((sum, row) => sum + world.scores[row]![m]!, means[m]!));
    choices.set(
      task,
      world.models.map((_, m) => (m === indexOfLargest(sums) ? 1 : 0)),
    );
  }
  return world.tasks.map((task) => choices.get(task)!);
}

const heads = 10;

/** A contextual policy like the engine's: heads fitted to resampled rows, and each model's share of their votes. */
function votes(world: World, training: readonly number[]): Policy {
  const random = seededRandom(3, 'votes', training[0]!);
  const shares = world.ids.map(() => world.models.map(() => 0));
  for (let head = 0; head < heads; head++) {
    const sample = training.map(() => training[random.integer(training.length)]!);
    predictedScores(world, sample).forEach((scores, row) => {
      const choice = indexOfLargest(scores);
      shares[row]![choice] = (shares[row]![choice]! * heads + 1) / heads;
    });
  }
  return shares;
}

/** Score of every model on every row, by a ridge regression per model. */
function predictedScores(world: World, training: readonly number[]): number[][] {
  const size = world.features[0]!.length + 1;
  const contexts = standardised(world.features);
  const fits = world.models.map((_, model) => {
    const mean = training.reduce((sum, row) => sum + world.scores[row]![model]!, 0) / training.length;
    const moments = emptyMoments(size);
    for (const row of training) addMoments(moments, contexts, row * size, world.scores[row]![model]! - mean);
    const weights = solveRidge(moments);
    weights[0] = weights[0]! + mean;
    return weights;
  });
  return world.ids.map((_, row) =>
    fits.map((weights) => weights.reduce((sum, weight, i) => sum + weight * contexts[row * size + i]!, 0)),
  );
}

function standardised(features: readonly Float32Array[]): Float64Array {
  const size = features[0]!.length + 1;
  const contexts = new Float64Array(features.length * size);
  for (let i = 1; i < size; i++) {
    const mean = features.reduce((sum, row) => sum + row[i - 1]!, 0) / features.length;
    const variance = features.reduce((sum, row) => sum + (row[i - 1]! - mean) ** 2, 0) / features.length;
    const deviation = Math.sqrt(variance) || 1;
    features.forEach((row, r) => {
      contexts[r * size + i] = Math.min(4, Math.max(-4, (row[i - 1]! - mean) / deviation)) / Math.sqrt(size - 1);
      contexts[r * size] = 1;
    });
  }
  return contexts;
}
