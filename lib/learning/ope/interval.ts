/**
 * Confidence intervals for estimates that hang on few draws. Two standard errors are made: the jackknife over clusters
 * (Efron and Stein 1981), which sees skewed rewards, and one from the *exact* expected square of the weights times the
 * residual variance, which knows of the heavy draws that did not happen. The wider of the jackknife's interval and that
 * of both pooled is taken, each with Student quantiles at Satterthwaite's (1946) degrees of freedom.
 */
import { added, directOf, type EstimatorName, estimateOf, type Sums, sumsPerCluster, totalOf } from './estimators';
import { type ImportanceWeights, weightOf } from './importance-weights';
import type { PreparedLog } from './prepared-log';
import { studentQuantile } from './student';
import type { Support } from './support';

/** A policy on a log, ready to be estimated or compared. */
export interface Estimated {
  readonly weights: ImportanceWeights;
  readonly clusters: readonly Sums[];
  readonly total: Sums;
  readonly support: Support;
}

export function estimateAll(log: PreparedLog, weights: ImportanceWeights, support: Support): Estimated {
  const clusters = sumsPerCluster(log, weights);
  return { weights, clusters, total: totalOf(clusters), support };
}

export interface Estimate {
  readonly value: number;
  readonly standardError: number;
  readonly low: number;
  readonly high: number;
}

/** A standard error and how many degrees of freedom it rests on. */
interface Spread {
  readonly variance: number;
  readonly freedom: number;
}

const leastFreedom = 2;

/** The value of `policy`, or its difference to `rival`, with an interval of the given level (0..1). */
export function estimate(
  log: PreparedLog,
  estimator: EstimatorName,
  policy: Estimated,
  rival: Estimated | null,
  level: number,
): Estimate {
  const value = estimateOf(estimator, policy.total) - (rival ? estimateOf(estimator, rival.total) : 0);
  const seen = jackknife(estimator, policy, rival);
  const quantile = (spread: Spread): number =>
    Math.sqrt(spread.variance) * studentQuantile(0.5 + level / 2, spread.freedom);
  // IPS is for reference; its weights' luck is no residual, so it has no second spread.
  const both = estimator === 'ips' ? seen : pooled(seen, designSpread(log, estimator, policy, rival));
  const halfWidth = Math.max(quantile(seen), quantile(both));
  const standardError = Math.sqrt(Math.max(seen.variance, both.variance));
  return { value, standardError, low: value - halfWidth, high: value + halfWidth };
}

/** Leave out each cluster in turn. */
function jackknife(estimator: EstimatorName, policy: Estimated, rival: Estimated | null): Spread {
  const count = policy.clusters.length;
  const without = new Float64Array(count);
  let mean = 0;
  for (let c = 0; c < count; c++) {
    let value = estimateOf(estimator, added(policy.total, policy.clusters[c]!, -1));
    if (rival) value -= estimateOf(estimator, added(rival.total, rival.clusters[c]!, -1));
    without[c] = value;
    mean += value / count;
  }
  let squares = 0;
  let fourths = 0;
  for (const value of without) {
    const square = (value - mean) ** 2;
    squares += square;
    fourths += square * square;
  }
  const spread = fourths - (squares * squares) / count;
  const freedom = spread > 0 ? Math.max(leastFreedom, (2 * squares * squares) / spread) : Number.POSITIVE_INFINITY;
  // A lone cluster says nothing about the spread; so does one that has all the weight.
  const known = count > 1 && Number.isFinite(squares);
  return known
    ? { variance: (squares * (count - 1)) / count, freedom }
    : { variance: Number.POSITIVE_INFINITY, freedom: leastFreedom };
}

/** (expected square of the weights, or of their difference, times residual variance + variance of the direct part) / rows. */
function designSpread(log: PreparedLog, estimator: EstimatorName, policy: Estimated, rival: Estimated | null): Spread {
  const { decisions, stride, seen, predicted } = log;
  const rows = decisions.length;
  let squares = 0;
  let weight = 0;
  let residualSum = 0;
  let residualSquares = 0;
  let directSum = 0;
  let directSquares = 0;
  decisions.forEach(({ models, chosen, reward }, row) => {
    const at = row * stride;
    for (let i = at; i < at + models.length; i++) {
      const own = weightOf(policy.weights.target[i]!, seen[i]!, policy.weights.cap);
      const other = rival ? weightOf(rival.weights.target[i]!, seen[i]!, rival.weights.cap) : 0;
      squares += seen[i]! * (own - other) ** 2;
    }
    if (estimator === 'dr') {
      let direct = directOf(policy.weights.target, predicted, at, models.length);
      if (rival) direct -= directOf(rival.weights.target, predicted, at, models.length);
      directSum += direct;
      directSquares += direct * direct;
    }
    if (reward === null) return;
    const residual = estimator === 'dr' ? reward - predicted[at + chosen]! : reward;
    const counts = policy.weights.weights[row]! + (rival?.weights.weights[row] ?? 0);
    weight += counts;
    residualSum += counts * residual;
    residualSquares += counts * residual * residual;
  });
  const residualVariance = Math.max(0, residualSquares / weight - (residualSum / weight) ** 2);
  const directVariance = Math.max(0, directSquares / rows - (directSum / rows) ** 2);
  const sizes = [policy, ...(rival ? [rival] : [])].map(({ support }) =>
    Math.min(support.effectiveSampleSize, support.expectedSampleSize),
  );
  return {
    variance: ((squares / rows) * residualVariance + directVariance) / rows,
    freedom: Math.max(leastFreedom, Math.min(...sizes) - 1),
  };
}

/** The mean of two estimates of one variance, with the degrees of freedom of their sum. */
function pooled(a: Spread, b: Spread): Spread {
  const sum = a.variance + b.variance;
  const weighted = a.variance ** 2 / a.freedom + b.variance ** 2 / b.freedom;
  const freedom = weighted > 0 && Number.isFinite(sum) ? sum ** 2 / weighted : Math.min(a.freedom, b.freedom);
  return { variance: sum / 2, freedom };
}
