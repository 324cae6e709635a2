/**
 * What a policy expects of every model for many requests at once: the same means as `createValues`, to float32's rounding,
 * at a tenth of the time. For whoever compares policies; decisions are made one by one.
 */
import { type Basis, describePhi, phiSize } from '../features/basis';
import { floatsAt, kernels, layOut } from '../kernels/kernels';
import {
  hiddenBiasAt,
  type NetworkShape,
  outputBiasAt,
  outputLayerAt,
  outputsOf,
  secondBiasAt,
  secondLayerAt,
} from '../rl/network';
import { headCount, meanRow, weightRows } from './linear-half';
import { leastServedWeight } from './mix';
import type { PolicyWeights } from './policy';

const floatBytes = 4;
/** Columns that the kernel computes at a time. */
const block = 8;

/** X of a request in the policy's basis. */
export interface Described {
  readonly x: Float32Array;
  /** False for a request of another kind than the basis. */
  readonly isKnown: boolean;
}

/** Quality per model, without drift offsets, for each row; `wanted` is the share of the network. */
export function meansOfRows(
  basis: Basis,
  weights: PolicyWeights,
  rows: readonly Described[],
  wanted: number,
): Float64Array[] {
  const arms = weights.models.length;
  const neural = weights.hasLinear ? (wanted > leastServedWeight ? wanted : 0) : 1;
  const means = rows.map(() =>
    Float64Array.from(
      { length: arms },
      (_, arm) => weights.rewardMean + weights.rewardDeviation * weights.armMeans[arm]!,
    ),
  );
  const add = (part: Float32Array, share: number): void => {
    const width = paddedTo(arms);
    means.forEach((mean, i) => {
      for (let arm = 0; arm < arms; arm++)
        mean[arm] = mean[arm]! + weights.rewardDeviation * share * part[i * width + arm]!;
    });
  };
  if (neural < 1) add(linearParts(basis, weights, rows), 1 - neural);
  if (neural > 0) add(networkParts(basis, weights, rows), neural);
  return means;
}

function paddedTo(columns: number): number {
  return Math.ceil(columns / block) * block;
}

/** rows x models, padded. */
function linearParts(basis: Basis, weights: PolicyWeights, rows: readonly Described[]): Float32Array {
  const size = phiSize(basis);
  const arms = weights.models.length;
  const width = paddedTo(arms);
  // First, since describing a request lays out what it needs itself.
  const described = new Float32Array(rows.length * size);
  rows.forEach(({ x, isKnown }, i) => {
    describePhi(basis, isKnown ? x : null, described.subarray(i * size, (i + 1) * size));
  });
  const [phis, matrix, out] = layOut([rows.length * size, size * width, rows.length * width]);
  floatsAt(phis, rows.length * size).set(described);
  const matrixView = floatsAt(matrix, size * width).fill(0);
  for (let arm = 0; arm < arms; arm++) {
    const row = (arm * weightRows + meanRow) * size;
    for (let i = 0; i < size; i++) matrixView[i * width + arm] = weights.shared[i]! + weights.linear[row + i]!;
  }
  kernels.multiply(phis, size, 1, matrix, out, rows.length, size, width, 0);
  return floatsAt(out, rows.length * width).slice();
}

/** rows x models, padded: the mean of each model's heads, which is one head of mean weights. */
function networkParts(basis: Basis, weights: PolicyWeights, rows: readonly Described[]): Float32Array {
  const { network, hidden } = weights;
  const arms = weights.models.length;
  const width = paddedTo(arms);
  const shape: NetworkShape = { inputs: basis.xSize, hidden, actions: arms, heads: headCount };
  const last = outputLayerAt(shape);
  const count = rows.length;
  const [theta, xs, h1, h2, matrix, out] = layOut([
    last,
    count * shape.inputs,
    count * hidden,
    count * hidden,
    hidden * width,
    count * width,
  ]);
  floatsAt(theta, last).set(network.subarray(0, last));
  const xsView = floatsAt(xs, count * shape.inputs);
  rows.forEach(({ x }, i) => {
    for (let j = 0; j < shape.inputs; j++) xsView[i * shape.inputs + j] = x[j]! * basis.networkScale;
  });
  const matrixView = floatsAt(matrix, hidden * width).fill(0);
  for (let i = 0; i < hidden; i++)
    for (let arm = 0; arm < arms; arm++)
      matrixView[i * width + arm] = headMean(network, last + i * outputsOf(shape), arm);
  const at = (parameter: number): number => theta + floatBytes * parameter;
  kernels.multiply(xs, shape.inputs, 1, theta, h1, count, shape.inputs, hidden, 0);
  kernels.addBiasAndRectify(h1, at(hiddenBiasAt(shape)), count, hidden);
  kernels.multiply(h1, hidden, 1, at(secondLayerAt(shape)), h2, count, hidden, hidden, 0);
  kernels.addBiasAndRectify(h2, at(secondBiasAt(shape)), count, hidden);
  kernels.multiply(h2, hidden, 1, matrix, out, count, hidden, width, 0);
  const values = floatsAt(out, count * width).slice();
  for (let arm = 0; arm < arms; arm++) {
    const bias = headMean(network, outputBiasAt(shape), arm);
    for (let i = 0; i < count; i++) values[i * width + arm] = values[i * width + arm]! + bias;
  }
  return values;
}

function headMean(network: Float32Array, row: number, arm: number): number {
  let sum = 0;
  for (let m = 0; m < headCount; m++) sum += network[row + arm * headCount + m]!;
  return sum / headCount;
}
