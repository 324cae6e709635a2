/**
 * Three estimators of a policy's value from another policy's log, each a smooth function of a few sums over decisions:
 *
 *     ips    sum w r / n                              unbiased, and of little use: for reference
 *     snips  sum w r / sum w                          Swaminathan and Joachims 2015: a shift of all rewards shifts it alike
 *     dr     sum m / n  +  sum w (r - q) / sum w      Dudik et al. 2011 and 2014, self-normalised as in Thomas and Brunskill 2016
 *
 * with w the importance weight, r the reward, q its prediction and m the mean prediction under the target policy.
 */
import type { ImportanceWeights } from './importance-weights';
import type { PreparedLog } from './prepared-log';

export const estimatorNames = ['ips', 'snips', 'dr'] as const;
export type EstimatorName = (typeof estimatorNames)[number];

/** What the estimators are made of: of one cluster of decisions, or of all. */
export interface Sums {
  decisions: number;
  /** Of the mean predicted reward under the target policy. */
  direct: number;
  weight: number;
  /** Of weight * reward. */
  weighted: number;
  /** Of weight * (reward - its prediction). */
  corrected: number;
}

/** Not finite where there are no decisions, or nothing with a weight. */
export function estimateOf(estimator: EstimatorName, sums: Sums): number {
  switch (estimator) {
    case 'ips':
      return sums.weighted / sums.decisions;
    case 'snips':
      return sums.weighted / sums.weight;
    case 'dr':
      return sums.direct / sums.decisions + sums.corrected / sums.weight;
  }
}

/** One per cluster, in order of first appearance: alike for every policy judged on the same log. */
export function sumsPerCluster(log: PreparedLog, { weights, target }: ImportanceWeights): Sums[] {
  const all: Sums[] = [];
  const byCluster = new Map<string, Sums>();
  log.decisions.forEach(({ cluster, models, chosen, reward }, row) => {
    let sums = cluster === null ? undefined : byCluster.get(cluster);
    if (sums === undefined) {
      sums = emptySums();
      all.push(sums);
      if (cluster !== null) byCluster.set(cluster, sums);
    }
    const at = row * log.stride;
    sums.decisions++;
    sums.direct += directOf(target, log.predicted, at, models.length);
    if (reward === null) return;
    const weight = weights[row]!;
    sums.weight += weight;
    sums.weighted += weight * reward;
    sums.corrected += weight * (reward - log.predicted[at + chosen]!);
  });
  return all;
}

/** Mean prediction under the target policy for the row at `at`. */
export function directOf(target: Float64Array, predicted: Float64Array, at: number, candidates: number): number {
  let sum = 0;
  for (let i = at; i < at + candidates; i++) sum += target[i]! * predicted[i]!;
  return sum;
}

export function totalOf(clusters: readonly Sums[]): Sums {
  return clusters.reduce((total, sums) => added(total, sums, 1), emptySums());
}

/** a + factor * b. */
export function added(a: Sums, b: Sums, factor: number): Sums {
  return {
    decisions: a.decisions + factor * b.decisions,
    direct: a.direct + factor * b.direct,
    weight: a.weight + factor * b.weight,
    weighted: a.weighted + factor * b.weighted,
    corrected: a.corrected + factor * b.corrected,
  };
}

function emptySums(): Sums {
  return { decisions: 0, direct: 0, weight: 0, weighted: 0, corrected: 0 };
}
