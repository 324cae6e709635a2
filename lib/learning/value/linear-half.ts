/**
 * The linear half of the value function: per model a Bayesian linear regression on phi, kept up by rank-one updates
 * (weights in float64, covariances in float32) and rebuilt from the replay, in float64, at every refit. Ten heads per model are regressions on targets with
 * extra noise from prior draws: ensemble sampling, that is Thompson sampling at the price of a few dot products.
 * A regression shared by all models takes out how hard a request is for everybody.
 */
import type { Random } from '../../ports/random';
import { doublesAt, floatsAt, kernels, layOut } from '../kernels/kernels';
import { dot } from './linear-algebra';

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

/** One phi after another. They are float32 numbers, whatever holds them. */
type Phis = Float32Array | Float64Array;

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
  /** Posterior covariance, size x size: the rows of its lower triangle one behind the other. */
  covariance: Float32Array;
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

/** Values in the lower triangle of a matrix with so many rows; where the next row begins. */
export function triangle(rows: number): number {
  return (rows * (rows + 1)) / 2;
}

/** covariance . vector. */
export function covarianceTimes({ covariance }: LinearArm, vector: Float64Array, size: number): Float64Array {
  const product = new Float64Array(size);
  for (let i = 0, at = 0; i < size; i++) {
    for (let j = 0; j < i; j++, at++) {
      product[i] = product[i]! + covariance[at]! * vector[j]!;
      product[j] = product[j]! + covariance[at]! * vector[i]!;
    }
    product[i] = product[i]! + covariance[at++]! * vector[i]!;
  }
  return product;
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
  const covariance = new Float32Array(triangle(size));
  for (let i = 0; i < size; i++) covariance[triangle(i) + i] = 1 / priorPrecisionOf(i, precision);
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

/** Expected target of every model: standardised reward minus the model's mean. */
export function predictTargets(half: LinearHalf, phi: Float64Array): Float64Array {
  const { size, shared, arms } = half;
  const common = dot(shared.weights, 0, phi, 0, size);
  const targets = new Float64Array(arms.length);
  for (let arm = 0; arm < targets.length; arm++)
    targets[arm] = common + dot(arms[arm]!.weights, meanRow * size, phi, 0, size);
  return targets;
}

/** Expected cost of one model relative to its mean, minus 1. */
export function predictCost(half: LinearHalf, arm: number, phi: Float64Array): number {
  return dot(half.arms[arm]!.weights, costRow * half.size, phi, 0, half.size);
}

/** What the shared regression wants of a reward, and what a model's weight rows want: the mean, the heads, the cost. */
const wantedOfShared = new Float64Array(1);
const wantedOfModel = new Float64Array(weightRows);

/** Folds one reward in: a Kalman step on the model's covariance and all its weight rows. `costTarget` null: unknown. */
export function updateLinear(
  half: LinearHalf,
  arm: number,
  phi: Float64Array,
  target: number,
  costTarget: number | null,
  random: Random,
): void {
  const { noise } = half;
  wantedOfShared[0] = target;
  const own = regress(half.shared, phi, wantedOfShared, 1, noise);
  wantedOfModel[meanRow] = own;
  for (let head = 1; head <= headCount; head++)
    wantedOfModel[head] = own + headNoise * Math.sqrt(noise) * random.normal();
  wantedOfModel[costRow] = costTarget ?? 0;
  // The cost's row is the last one.
  regress(half.arms[arm]!, phi, wantedOfModel, costTarget === null ? costRow : weightRows, noise);
}

/** Takes one observation into the covariance and the first `rows` rows of weights; returns by how much the first was wrong. */
function regress(arm: LinearArm, phi: Float64Array, wanted: Float64Array, rows: number, noise: number): number {
  const { covariance, weights } = arm;
  const size = phi.length;
  const [covarianceAt, phi32At, gain32At, phiAt, gainAt, weightsAt, wantedAt] = layOut([
    covariance.length,
    size,
    size,
    2 * size,
    2 * size,
    2 * weights.length,
    2 * wanted.length,
  ]);
  const placedCovariance = floatsAt(covarianceAt, covariance.length);
  const placedWeights = doublesAt(weightsAt, weights.length);
  placedCovariance.set(covariance);
  placedWeights.set(weights);
  floatsAt(phi32At, size).set(phi);
  doublesAt(phiAt, size).set(phi);
  doublesAt(wantedAt, wanted.length).set(wanted);
  const error = kernels.regress(covarianceAt, phi32At, gain32At, phiAt, gainAt, weightsAt, wantedAt, rows, size, noise);
  covariance.set(placedCovariance);
  weights.set(placedWeights);
  return error;
}

/** The residual variance that a mean squared error stands for. */
export function noiseWithin(squaredError: number): number {
  return Math.max(leastNoise, Math.min(mostNoise, squaredError));
}

/**
 * Builds the half anew from rows, with fresh noise. `phis` holds one phi after another; `squaredError` is the mean
 * squared error of predictions made before their rewards were seen, the honest measure of the noise. `before`: the prior
 * precision of the half that is replaced; the search for the best one begins there instead of trying all.
 */
export function rebuildLinear(
  phis: Phis,
  size: number,
  rows: readonly LinearRow[],
  arms: number,
  squaredError: number,
  random: Random,
  before: number | null = null,
): LinearHalf {
  const noise = noiseWithin(squaredError);
  const ofArm: LinearRow[][] = Array.from({ length: arms }, () => []);
  for (const row of rows) ofArm[row.arm]!.push(row);
  const grams = ofArm.map((own) => gramOf(own, phis, size));
  const { moment: sharedMoment } = residualsOf(rows, phis, size, new Float64Array(size));
  const shared: Moments = { gram: sumOf(grams, size), moment: sharedMoment };
  const sharedPrecision = likeliestPrecision([shared], size, noise, null);
  const { covariance, weights } = solved(shared.gram, shared.moment, 1, { size, noise, precision: sharedPrecision });
  const own = ofArm.map((observed) => residualsOf(observed, phis, size, weights));
  const moments = grams.map((gram, arm): Moments => ({ gram, moment: own[arm]!.moment }));
  const precision = likeliestPrecision(moments, size, noise, before);
  const half = createLinearHalf(size, arms, random, { noise, precision, rewards: rows.length });
  half.shared = { covariance, weights };
  half.arms.forEach((arm, a) => {
    const moment = headMoments(half, arm, { rows: ofArm[a]!, residuals: own[a]!.residuals, phis }, random);
    Object.assign(arm, solved(moments[a]!.gram, moment, weightRows, half));
  });
  return half;
}

/** Sufficient statistics of a regression. */
interface Moments {
  /** Upper half of sum of phi phi^T. */
  readonly gram: Float64Array;
  /** Sum of phi * target. */
  readonly moment: Float64Array;
}

/** Rows laid out for the kernels at a time. */
const chunkRows = 256;

function gramOf(rows: readonly LinearRow[], phis: Phis, size: number): Float64Array {
  const [gram, chunk] = layOut([2 * size * size, 2 * size * chunkRows]);
  doublesAt(gram, size * size).fill(0);
  for (let from = 0; from < rows.length; from += chunkRows)
    kernels.addOuterProducts(gram, chunk, placeRows(chunk, rows, from, phis, size), size);
  return doublesAt(gram, size * size).slice();
}

function sumOf(grams: readonly Float64Array[], size: number): Float64Array {
  const [sum, next] = layOut([2 * size * size, 2 * size * size]);
  doublesAt(sum, size * size).fill(0);
  for (const gram of grams) {
    doublesAt(next, size * size).set(gram);
    kernels.addTo(sum, next, size * size);
  }
  return doublesAt(sum, size * size).slice();
}

/** What weights leave of the targets, row by row, and the sum of phi times that. */
function residualsOf(
  rows: readonly LinearRow[],
  phis: Phis,
  size: number,
  weights: Float64Array,
): { readonly residuals: Float64Array; readonly moment: Float64Array } {
  const [moment, weightsAt, targets, chunk] = layOut([2 * size, 2 * size, 2 * chunkRows, 2 * size * chunkRows]);
  const residuals = Float64Array.from(rows, ({ target }) => target);
  doublesAt(moment, size).fill(0);
  doublesAt(weightsAt, size).set(weights);
  for (let from = 0; from < rows.length; from += chunkRows) {
    const count = placeRows(chunk, rows, from, phis, size);
    const placed = doublesAt(targets, count);
    placed.set(residuals.subarray(from, from + count));
    kernels.addResiduals(moment, weightsAt, targets, chunk, count, size);
    residuals.set(placed, from);
  }
  return { residuals, moment: doublesAt(moment, size).slice() };
}

/** Lays phi of up to `chunkRows` rows out; returns how many. */
function placeRows(at: number, rows: readonly LinearRow[], from: number, phis: Phis, size: number): number {
  const count = Math.min(chunkRows, rows.length - from);
  const placed = doublesAt(at, count * size);
  for (let i = 0; i < count; i++) {
    const phi = rows[from + i]!.phi * size;
    placed.set(phis.subarray(phi, phi + size), i * size);
  }
  return count;
}

/** The prior precision with the highest evidence over several regressions; from `start` on uphill, or the best of all. */
function likeliestPrecision(
  regressions: readonly Moments[],
  size: number,
  noise: number,
  start: number | null,
): number {
  const known = new Map<number, number>();
  const evidence = (i: number): number => {
    if (i < 0 || i >= priorPrecisions.length) return -Infinity;
    const before = known.get(i);
    if (before !== undefined) return before;
    const found = regressions.reduce((sum, one) => sum + logEvidence(one, size, noise, priorPrecisions[i]!), 0);
    known.set(i, found);
    return found;
  };
  const from = start === null ? -1 : priorPrecisions.indexOf(start);
  let best = Math.max(0, from);
  if (from < 0) {
    for (let i = 1; i < priorPrecisions.length; i++) if (evidence(i) > evidence(best)) best = i;
    return priorPrecisions[best]!;
  }
  while (evidence(best + 1) > evidence(best)) best++;
  while (evidence(best - 1) > evidence(best)) best--;
  return priorPrecisions[best]!;
}

/** Logarithm of the probability of the targets, up to what does not depend on the prior (Bishop, PRML 3.86). */
function logEvidence({ gram, moment }: Moments, size: number, noise: number, precision: number): number {
  const [factor, gramAt, vector] = layOut([2 * size * size, 2 * size * size, 2 * size]);
  factorizePrecision(factor, gramAt, gram, { size, noise, precision });
  const right = doublesAt(vector, size);
  for (let i = 0; i < size; i++) right[i] = moment[i]! / noise;
  kernels.solveLower(factor, vector, size);
  const lower = doublesAt(factor, size * size);
  let evidence = 0;
  for (let i = 0; i < size; i++)
    evidence += 0.5 * right[i]! ** 2 - Math.log(lower[i * size + i]!) + 0.5 * Math.log(priorPrecisionOf(i, precision));
  return evidence;
}

type Prior = Pick<LinearHalf, 'size' | 'noise' | 'precision'>;

/** Makes the Cholesky factor of prior + gram / noise at an address, from the upper half of the gram matrix, for which there is room at another. */
function factorizePrecision(at: number, gramAt: number, gram: Float64Array, { size, noise, precision }: Prior): void {
  const matrix = doublesAt(at, size * size);
  doublesAt(gramAt, size * size).set(gram);
  kernels.lowerOf(at, gramAt, size, noise);
  for (let i = 0; i < size; i++) matrix[i * size + i] = matrix[i * size + i]! + priorPrecisionOf(i, precision);
  const wrong = kernels.factorize(at, size);
  if (wrong >= 0) throw new Error(`matrix is not positive definite at ${wrong}`);
}

/** Posterior covariance, and weights = covariance . moment / noise for every row of `moment` (rows x size). */
function solved(gram: Float64Array, moment: Float64Array, rows: number, prior: Prior): LinearArm {
  const { size, noise } = prior;
  const count = triangle(size);
  const [factor, scratch, inverse, vectors] = layOut([2 * size * size, 2 * size * size, count, 2 * rows * size]);
  factorizePrecision(factor, scratch, gram, prior);
  const weights = doublesAt(vectors, rows * size);
  for (let i = 0; i < weights.length; i++) weights[i] = moment[i]! / noise;
  kernels.solve(factor, vectors, rows, size);
  kernels.invertFactor(factor, scratch, inverse, size);
  return { covariance: floatsAt(inverse, count).slice(), weights: weights.slice() };
}

/** Sum of phi * noisy target, and noise * prior precision * prior draw, for every weight row of one model. */
function headMoments(
  half: LinearHalf,
  arm: LinearArm,
  {
    rows,
    residuals,
    phis,
  }: { readonly rows: readonly LinearRow[]; readonly residuals: Float64Array; readonly phis: Phis },
  random: Random,
): Float64Array {
  const { size, noise, precision } = half;
  const jitter = headNoise * Math.sqrt(noise);
  const [moments, factors, chunk] = layOut([2 * weightRows * size, 2 * weightRows * chunkRows, 2 * size * chunkRows]);
  const start = doublesAt(moments, weightRows * size);
  // The prior draws of the heads; zero elsewhere.
  for (let i = 0; i < start.length; i++) start[i] = arm.weights[i]! * priorPrecisionOf(i % size, precision) * noise;
  for (let from = 0; from < rows.length; from += chunkRows) {
    const count = placeRows(chunk, rows, from, phis, size);
    const wanted = doublesAt(factors, weightRows * count);
    for (let i = 0; i < count; i++) {
      const { costTarget } = rows[from + i]!;
      const own = residuals[from + i]!;
      wanted[i * weightRows + meanRow] = own;
      for (let row = 1; row < costRow; row++) wanted[i * weightRows + row] = own + jitter * random.normal();
      wanted[i * weightRows + costRow] = costTarget ?? 0;
    }
    kernels.addMoments(moments, factors, chunk, count, weightRows, size);
  }
  return start.slice();
}
