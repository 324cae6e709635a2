/**
 * The linear half of the value function: per model a Bayesian linear regression on phi, kept exact in float64 by
 * rank-one updates and rebuilt from the replay at every refit. Ten heads per model are regressions on targets with
 * extra noise from prior draws: ensemble sampling, that is Thompson sampling at the price of a few dot products.
 * A regression shared by all models takes out how hard a request is for everybody.
 */
import type { Random } from '../../ports/random';
import { addScaled, choleskyFactor, dot, invertPositiveDefinite } from './linear-algebra';

/** Heads of each half; their votes are the probabilities, so ten give steps of a tenth. */
export const headCount = 10;
/** Weight rows that share a model's covariance: the mean, the heads, the cost. */
export const weightRows = headCount + 2;
export const meanRow = 0;
export const costRow = headCount + 1;
/**
 * Prior precision of a weight. How much the request matters differs from stream to stream: every rebuild takes the one
 * of these under which the rewards are most probable (the evidence), so that where the text says nothing the models'
 * means decide, as in a context-free table.
 */
const priorPrecisions = [1, 3, 10, 30, 100];
/** Prior precision of the bias: what is seen of a model's mean should decide it quickly. */
const biasPrecision = 0.1;
/** Scale of the heads' noise: a quarter of the posterior's spread. Full Thompson noise (1.0) costs .028 of quality on text. */
const headNoise = 0.25;
/**
 * The heads' prior draws are as wide as under this precision at least. Where little was seen of a model, or all of it was in
 * the wrong places, the evidence says that the request does not matter; a region nobody tried is still unknown.
 */
const mostDrawPrecision = 10;
/** ...and that ceiling grows by its own size with so many rewards: what the evidence says of much is to be believed. */
const drawPrecisionRewards = 500;
/** Residual variance in units of the reward variance: below it single rewards are overrated, above it nothing is learned. */
const leastNoise = 0.05;
const mostNoise = 1.5;

/** One observed reward for a rebuild: which row of phi, which model, what target. */
export interface LinearRow {
  readonly phi: number;
  readonly arm: number;
  /** Standardised reward minus the model's mean. */
  readonly target: number;
  /** Cost relative to the model's mean cost, minus 1; null when unknown. */
  readonly costTarget: number | null;
}

export interface LinearArm {
  /** size x size posterior covariance. */
  covariance: Float64Array;
  /** weightRows x size. */
  weights: Float64Array;
}

export interface LinearHalf {
  /** Length of phi. */
  readonly size: number;
  /** Residual variance of a reward, in units of the standardised reward. */
  noise: number;
  /** Prior precision of the weights. */
  precision: number;
  /** The regression shared by all models: one weight row. */
  shared: LinearArm;
  readonly arms: LinearArm[];
}

export function createLinearHalf(
  size: number,
  arms: number,
  random: Random,
  { noise = 1, precision = priorPrecisions[0]!, rewards = 0 } = {},
): LinearHalf {
  const shared = priorArm(size, 1, { precision, rewards }, random);
  const half: LinearHalf = { size, noise, precision, shared, arms: [] };
  for (let arm = 0; arm < arms; arm++) half.arms.push(priorArm(size, weightRows, { precision, rewards }, random));
  return half;
}

/** A newcomer starts from the prior: predicted like the average, with the widest spread. */
export function addLinearArm(half: LinearHalf, random: Random): void {
  half.arms.push(priorArm(half.size, weightRows, { precision: half.precision, rewards: 0 }, random));
}

export function priorPrecisionOf(i: number, precision: number): number {
  return i === 0 ? biasPrecision : precision;
}

/** `rewards`: how many the precision was found from. */
function priorArm(
  size: number,
  rows: number,
  { precision, rewards }: { readonly precision: number; readonly rewards: number },
  random: Random,
): LinearArm {
  const covariance = new Float64Array(size * size);
  for (let i = 0; i < size; i++) covariance[i * size + i] = 1 / priorPrecisionOf(i, precision);
  const weights = new Float64Array(rows * size);
  const drawn = Math.min(precision, mostDrawPrecision * (1 + rewards / drawPrecisionRewards));
  if (rows === weightRows) {
    for (let head = 1; head <= headCount; head++) {
      for (let i = 0; i < size; i++)
        weights[head * size + i] = (headNoise * random.normal()) / Math.sqrt(priorPrecisionOf(i, drawn));
    }
  }
  return { covariance, weights };
}

/** Expected target of one model: standardised reward minus the model's mean. */
export function predictTarget(half: LinearHalf, arm: number, phi: Float64Array): number {
  return (
    dot(half.shared.weights, 0, phi, 0, half.size) +
    dot(half.arms[arm]!.weights, meanRow * half.size, phi, 0, half.size)
  );
}

/** Expected cost of one model relative to its mean, minus 1. */
export function predictCost(half: LinearHalf, arm: number, phi: Float64Array): number {
  return dot(half.arms[arm]!.weights, costRow * half.size, phi, 0, half.size);
}

const gain = { values: new Float64Array(0) };

/** Folds one reward in: a Kalman step on the model's covariance and all its weight rows. `target` null updates the cost only. */
export function updateLinear(
  half: LinearHalf,
  arm: number,
  phi: Float64Array,
  target: number,
  costTarget: number | null,
  random: Random,
): void {
  const { size, noise } = half;
  const own = target - dot(half.shared.weights, 0, phi, 0, size);
  const sharedGain = gainOf(half.shared, phi, size, noise);
  addScaled(half.shared.weights, 0, own, sharedGain, 0, size);
  const model = half.arms[arm]!;
  const { weights } = model;
  const step = gainOf(model, phi, size, noise);
  for (let row = 0; row < weightRows; row++) {
    let wanted = own;
    if (row === costRow) {
      if (costTarget === null) continue;
      wanted = costTarget;
    } else if (row !== meanRow) wanted += headNoise * Math.sqrt(noise) * random.normal();
    addScaled(weights, row * size, wanted - dot(weights, row * size, phi, 0, size), step, 0, size);
  }
}

/** Downdates the covariance by one observation and returns the gain, in scratch space. */
function gainOf(arm: LinearArm, phi: Float64Array, size: number, noise: number): Float64Array {
  if (gain.values.length !== size) gain.values = new Float64Array(size);
  const { covariance } = arm;
  const g = gain.values;
  for (let i = 0; i < size; i++) g[i] = dot(covariance, i * size, phi, 0, size);
  const total = noise + dot(g, 0, phi, 0, size);
  for (let i = 0; i < size; i++) addScaled(covariance, i * size, -g[i]! / total, g, 0, size);
  for (let i = 0; i < size; i++) g[i] = g[i]! / total;
  return g;
}

/** The residual variance that a mean squared error stands for. */
export function noiseWithin(squaredError: number): number {
  return Math.max(leastNoise, Math.min(mostNoise, squaredError));
}

/**
 * Builds the half anew from rows, with fresh noise. `phis` holds one phi after another; `squaredError` is the mean
 * squared error of predictions made before their rewards were seen, the honest measure of the noise.
 */
export function rebuildLinear(
  phis: Float64Array,
  size: number,
  rows: readonly LinearRow[],
  arms: number,
  squaredError: number,
  random: Random,
): LinearHalf {
  const noise = noiseWithin(squaredError);
  const moments = Array.from({ length: arms }, () => emptyMoments(size));
  for (const row of rows) addOuter(moments[row.arm]!.gram, phis, row.phi * size, size);
  const shared = emptyMoments(size);
  for (const { gram } of moments) addScaled(shared.gram, 0, 1, gram, 0, size * size);
  for (const row of rows) observe(shared, row.target, phis, row.phi * size, size);
  const sharedCovariance = covarianceOf(shared.gram, size, noise, likeliestPrecision([shared], size, noise));
  const sharedWeights = new Float64Array(size);
  multiplyInto(sharedWeights, 0, sharedCovariance, shared.moment, size);
  for (let i = 0; i < size; i++) sharedWeights[i] = sharedWeights[i]! / noise;
  const own = rows.map((row) => row.target - dot(sharedWeights, 0, phis, row.phi * size, size));
  rows.forEach((row, i) => {
    observe(moments[row.arm]!, own[i]!, phis, row.phi * size, size);
  });
  const precision = likeliestPrecision(moments, size, noise);
  const half = createLinearHalf(size, arms, random, { noise, precision, rewards: rows.length });
  half.shared = { covariance: sharedCovariance, weights: sharedWeights };
  half.arms.forEach((arm, a) => {
    arm.covariance = covarianceOf(moments[a]!.gram, size, noise, precision);
  });
  solveArms(half, phis, rows, own, random);
  return half;
}

/** Sufficient statistics of a regression. */
interface Moments {
  /** Upper half of sum of phi phi^T. */
  readonly gram: Float64Array;
  /** Sum of phi * target. */
  readonly moment: Float64Array;
}

function emptyMoments(size: number): Moments {
  return { gram: new Float64Array(size * size), moment: new Float64Array(size) };
}

function observe(moments: Moments, target: number, phis: Float64Array, at: number, size: number): void {
  addScaled(moments.moment, 0, target, phis, at, size);
}

/** The prior precision with the highest evidence over several regressions. */
function likeliestPrecision(regressions: readonly Moments[], size: number, noise: number): number {
  let best = priorPrecisions[0]!;
  let bestEvidence = -Infinity;
  for (const precision of priorPrecisions) {
    let evidence = 0;
    for (const regression of regressions) evidence += logEvidence(regression, size, noise, precision);
    if (evidence > bestEvidence) {
      bestEvidence = evidence;
      best = precision;
    }
  }
  return best;
}

/** Logarithm of the probability of the targets, up to what does not depend on the prior (Bishop, PRML 3.86). */
function logEvidence({ gram, moment }: Moments, size: number, noise: number, precision: number): number {
  const lower = choleskyFactor(precisionOf(gram, size, noise, precision), size);
  let evidence = 0;
  const solved = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    solved[i] = (moment[i]! / noise - dot(lower, i * size, solved, 0, i)) / lower[i * size + i]!;
    evidence += 0.5 * solved[i]! ** 2 - Math.log(lower[i * size + i]!) + 0.5 * Math.log(priorPrecisionOf(i, precision));
  }
  return evidence;
}

function addOuter(gram: Float64Array, phis: Float64Array, at: number, size: number): void {
  for (let i = 0; i < size; i++) {
    const value = phis[at + i]!;
    if (value !== 0) for (let j = i; j < size; j++) gram[i * size + j] = gram[i * size + j]! + value * phis[at + j]!;
  }
}

/** Prior + gram / noise, from the upper half of the gram matrix. */
function precisionOf(gram: Float64Array, size: number, noise: number, precision: number): Float64Array {
  const posterior = new Float64Array(size * size);
  for (let i = 0; i < size; i++) {
    for (let j = i; j < size; j++) {
      const value = gram[i * size + j]! / noise;
      posterior[i * size + j] = value;
      posterior[j * size + i] = value;
    }
    posterior[i * size + i] = posterior[i * size + i]! + priorPrecisionOf(i, precision);
  }
  return posterior;
}

function covarianceOf(gram: Float64Array, size: number, noise: number, precision: number): Float64Array {
  return invertPositiveDefinite(precisionOf(gram, size, noise, precision), size);
}

function multiplyInto(out: Float64Array, at: number, matrix: Float64Array, vector: Float64Array, size: number): void {
  for (let i = 0; i < size; i++) out[at + i] = dot(matrix, i * size, vector, 0, size);
}

/** weights = covariance (prior draw * prior precision + sum of phi * noisy target / noise), for every weight row of every model. */
function solveArms(
  half: LinearHalf,
  phis: Float64Array,
  rows: readonly LinearRow[],
  own: readonly number[],
  random: Random,
): void {
  const { size, noise, precision } = half;
  const moments = half.arms.map((arm) => {
    const moment = arm.weights.slice(); // the prior draws of the heads; zero elsewhere
    for (let row = 0; row < weightRows; row++) {
      for (let i = 0; i < size; i++) moment[row * size + i] = moment[row * size + i]! * priorPrecisionOf(i, precision);
    }
    return moment;
  });
  const jitter = headNoise * Math.sqrt(noise);
  rows.forEach((row, i) => {
    const moment = moments[row.arm]!;
    for (let r = 0; r < costRow; r++) {
      const wanted = r === meanRow ? own[i]! : own[i]! + jitter * random.normal();
      addScaled(moment, r * size, wanted / noise, phis, row.phi * size, size);
    }
    if (row.costTarget !== null) addScaled(moment, costRow * size, row.costTarget / noise, phis, row.phi * size, size);
  });
  half.arms.forEach((arm, a) => {
    for (let r = 0; r < weightRows; r++) {
      multiplyInto(arm.weights, r * size, arm.covariance, moments[a]!.subarray(r * size, (r + 1) * size), size);
    }
  });
}
