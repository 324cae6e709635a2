/**
 * Ridge regression from sufficient statistics, with the penalty under which the targets are most probable (type-II
 * maximum likelihood; MacKay 1992). Nothing to tune: where features say nothing the weights go to zero.
 */
import { addScaled, choleskyFactor, dot } from '../value/linear-algebra';

/** Candidate penalties (noise variance over prior variance of a weight), strongest first. */
const penalties = [10_000, 1000, 300, 100, 30, 10, 3, 1, 0.3];

/** Sums over rows: of x xᵀ (lower half, row-major), of x y, of y², and how many rows. */
export interface Moments {
  readonly size: number;
  readonly gram: Float64Array;
  readonly moment: Float64Array;
  square: number;
  rows: number;
}

export function emptyMoments(size: number): Moments {
  return { size, gram: new Float64Array(size * size), moment: new Float64Array(size), square: 0, rows: 0 };
}

/** Adds the row x[at ...] with target y. */
export function addMoments(moments: Moments, x: Float64Array, at: number, y: number): void {
  const { size, gram } = moments;
  for (let i = 0; i < size; i++) addScaled(gram, i * size, x[at + i]!, x, at, i + 1);
  addScaled(moments.moment, 0, y, x, at, size);
  moments.square += y * y;
  moments.rows++;
}

/** into += factor * moments. */
export function mergeMoments(into: Moments, moments: Moments, factor: number): void {
  addScaled(into.gram, 0, factor, moments.gram, 0, into.gram.length);
  addScaled(into.moment, 0, factor, moments.moment, 0, into.size);
  into.square += factor * moments.square;
  into.rows += factor * moments.rows;
}

/** Moments of the targets y - x·weights, given those of y. */
export function residualMoments(moments: Moments, weights: Float64Array): Moments {
  const { size, gram } = moments;
  const product = new Float64Array(size);
  for (let i = 0; i < size; i++) {
    for (let j = 0; j < size; j++)
      product[i] = product[i]! + (j <= i ? gram[i * size + j]! : gram[j * size + i]!) * weights[j]!;
  }
  const moment = moments.moment.map((value, i) => value - product[i]!);
  const square = moments.square - 2 * dot(moments.moment, 0, weights, 0, size) + dot(product, 0, weights, 0, size);
  return { size, gram, moment, square: Math.max(0, square), rows: moments.rows };
}

/** Ridge weights; zeros without rows or without anything to explain. */
export function solveRidge(moments: Moments): Float64Array {
  const { size, rows, square } = moments;
  let best = new Float64Array(size);
  if (size === 0 || rows < 2 || !(square > 1e-12 * rows)) return best;
  let mostEvidence = Number.NEGATIVE_INFINITY;
  for (const penalty of penalties) {
    const { weights, logDeterminant } = solveWith(moments, penalty);
    const explained = dot(weights, 0, moments.moment, 0, size);
    const noise = Math.max(square - explained, 1e-9 * square) / rows;
    const evidence = -rows * Math.log(noise) - logDeterminant;
    // The evidence has one peak; each further penalty costs a factorisation.
    if (evidence <= mostEvidence) break;
    mostEvidence = evidence;
    best = weights;
  }
  return best;
}

/** Weights under one penalty, and the log determinant of I + gram / penalty. */
function solveWith(
  { size, gram, moment }: Moments,
  penalty: number,
): { weights: Float64Array<ArrayBuffer>; logDeterminant: number } {
  const matrix = gram.slice();
  for (let i = 0; i < size; i++) matrix[i * size + i] = matrix[i * size + i]! + penalty;
  const lower = choleskyFactor(matrix, size);
  const weights = new Float64Array(size);
  let logDeterminant = -size * Math.log(penalty);
  for (let i = 0; i < size; i++) {
    weights[i] = (moment[i]! - dot(lower, i * size, weights, 0, i)) / lower[i * size + i]!;
    logDeterminant += 2 * Math.log(lower[i * size + i]!);
  }
  for (let i = size - 1; i >= 0; i--) {
    let sum = weights[i]!;
    for (let k = i + 1; k < size; k++) sum -= lower[k * size + i]! * weights[k]!;
    weights[i] = sum / lower[i * size + i]!;
  }
  return { weights, logDeterminant };
}
