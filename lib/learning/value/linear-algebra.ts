/** The few dense operations the learner needs, on row-major arrays. Plain loops: the matrices are about 100 x 100. */

import { instantiateKernels, type KernelMemory, type Kernels, memoryOf } from '../kernels/kernels';

// Each of these is kept to one type of array: a loop that meets two types is several times slower in V8.

/** Inner product of a[ai ...] and b[bi ...] over n values; four sums so that the additions overlap. */
export function dot(a: Float64Array, ai: number, b: Float64Array, bi: number, n: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  const whole = n & ~3;
  let i = 0;
  for (; i < whole; i += 4) {
    s0 += a[ai + i]! * b[bi + i]!;
    s1 += a[ai + i + 1]! * b[bi + i + 1]!;
    s2 += a[ai + i + 2]! * b[bi + i + 2]!;
    s3 += a[ai + i + 3]! * b[bi + i + 3]!;
  }
  for (; i < n; i++) s0 += a[ai + i]! * b[bi + i]!;
  return s0 + s1 + (s2 + s3);
}

/** The same for float32, summed in float64. */
export function dot32(a: Float32Array, ai: number, b: Float32Array, bi: number, n: number): number {
  let s0 = 0;
  let s1 = 0;
  let s2 = 0;
  let s3 = 0;
  const whole = n & ~3;
  let i = 0;
  for (; i < whole; i += 4) {
    s0 += a[ai + i]! * b[bi + i]!;
    s1 += a[ai + i + 1]! * b[bi + i + 1]!;
    s2 += a[ai + i + 2]! * b[bi + i + 2]!;
    s3 += a[ai + i + 3]! * b[bi + i + 3]!;
  }
  for (; i < n; i++) s0 += a[ai + i]! * b[bi + i]!;
  return s0 + s1 + (s2 + s3);
}

/** y[yi ...] += factor * x[xi ...]. */
export function addScaled(y: Float64Array, yi: number, factor: number, x: Float64Array, xi: number, n: number): void {
  for (let i = 0; i < n; i++) y[yi + i] = y[yi + i]! + factor * x[xi + i]!;
}

/** Lower Cholesky factor of a symmetric positive definite n x n matrix (its lower half is read). Throws for any other. */
export function choleskyFactor(matrix: Float64Array, n: number): Float64Array {
  const lower = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const sum = matrix[i * n + j]! - dot(lower, i * n, lower, j * n, j);
      if (i === j) {
        if (!(sum > 0)) throw new Error(`matrix is not positive definite at ${i}`);
        lower[i * n + i] = Math.sqrt(sum);
      } else lower[i * n + j] = sum / lower[j * n + j]!;
    }
  }
  return lower;
}

/** Makes the rows of a rows x n matrix orthonormal, in place (modified Gram-Schmidt, twice where it has to be accurate). A row of zeros stays. */
export function orthonormalize(matrix: Float64Array, rows: number, n: number, passes = 2): void {
  for (let pass = 0; pass < passes; pass++) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < i; j++) addScaled(matrix, i * n, -dot(matrix, i * n, matrix, j * n, n), matrix, j * n, n);
      const norm = Math.sqrt(dot(matrix, i * n, matrix, i * n, n));
      const factor = norm > 1e-9 ? 1 / norm : 0;
      for (let k = 0; k < n; k++) matrix[i * n + k] = matrix[i * n + k]! * factor;
    }
  }
}

let eigenPlace: { readonly memory: KernelMemory; readonly code: Kernels } | null = null;

/** A memory of its own: whoever asks for eigenvectors may have laid out other things in the common one. */
function placeForEigen(bytes: number): { readonly memory: KernelMemory; readonly code: Kernels } {
  if (eigenPlace === null || eigenPlace.memory.buffer.byteLength < bytes) {
    const memory = memoryOf(bytes);
    eigenPlace = { memory, code: instantiateKernels(memory) };
  }
  return eigenPlace;
}

/** Eigenvalues (descending) and eigenvectors (as rows) of a symmetric n x n matrix, by cyclic Jacobi rotations. */
export function symmetricEigen(symmetric: Float64Array, n: number): { values: Float64Array; vectors: Float64Array } {
  const bytes = n * n * Float64Array.BYTES_PER_ELEMENT;
  const { memory, code } = placeForEigen(2 * bytes);
  const a = new Float64Array(memory.buffer, 0, n * n);
  const v = new Float64Array(memory.buffer, bytes, n * n).fill(0);
  a.set(symmetric);
  for (let i = 0; i < n; i++) v[i * n + i] = 1;
  code.diagonalize(0, bytes, n);
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => a[j * n + j]! - a[i * n + i]! || i - j);
  const values = Float64Array.from(order, (i) => a[i * n + i]!);
  const vectors = new Float64Array(n * n);
  order.forEach((from, to) => {
    vectors.set(v.subarray(from * n, from * n + n), to * n);
  });
  return { values, vectors };
}

/** The rotation nearest to an n x n matrix: its orthogonal polar factor M (MᵀM)^-1/2. Directions without evidence keep the identity's. */
export function nearestRotation(matrix: Float64Array, n: number): Float64Array {
  const scale = Math.sqrt(dot(matrix, 0, matrix, 0, n * n) / n) || 1;
  const m = matrix.map((value, i) => value / scale + (i % (n + 1) === 0 ? 1e-3 : 0));
  const gram = new Float64Array(n * n);
  for (let k = 0; k < n; k++) for (let i = 0; i < n; i++) addScaled(gram, i * n, m[k * n + i]!, m, k * n, n);
  const { values, vectors } = symmetricEigen(gram, n);
  const inverseRoot = new Float64Array(n * n);
  for (let k = 0; k < n; k++) {
    const factor = 1 / Math.sqrt(Math.max(values[k]!, 1e-9));
    for (let i = 0; i < n; i++) addScaled(inverseRoot, i * n, factor * vectors[k * n + i]!, vectors, k * n, n);
  }
  const rotation = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let k = 0; k < n; k++) addScaled(rotation, i * n, m[i * n + k]!, inverseRoot, k * n, n);
  orthonormalize(rotation, n, n);
  return rotation;
}
