import {
  addScaled,
  choleskyFactor,
  dot,
  dot32,
  nearestRotation,
  orthonormalize,
  symmetricEigen,
} from '../../../../lib/learning/value/linear-algebra';
import { seededRandom } from '../../../../lib/random/seeded';

const n = 7;
const random = seededRandom(3, 'matrices');
const normals = (count: number): Float64Array => Float64Array.from({ length: count }, () => random.normal());
const product = (a: Float64Array, b: Float64Array): Float64Array =>
  Float64Array.from({ length: n * n }, (_, k) => {
    let sum = 0;
    for (let j = 0; j < n; j++) sum += a[Math.floor(k / n) * n + j]! * b[j * n + (k % n)]!;
    return sum;
  });
const transposed = (a: Float64Array): Float64Array => a.map((_, k) => a[(k % n) * n + Math.floor(k / n)]!);
const identity = Float64Array.from({ length: n * n }, (_, k) => (k % (n + 1) === 0 ? 1 : 0));
const close = (a: Float64Array, b: Float64Array, digits = 8): void =>
  a.forEach((value, k) => {
    expect(value).toBeCloseTo(b[k]!, digits);
  });
const positiveDefinite = (): Float64Array => {
  const a = normals(n * n);
  return product(a, transposed(a)).map((value, k) => value + identity[k]!);
};

test('products', () => {
  expect(dot(Float64Array.of(9, 1, 2, 3, 4, 5), 1, Float64Array.of(1, 1, 1, 1, 2), 0, 5)).toBe(20);
  expect(dot32(Float32Array.of(9, 1, 2, 3, 4, 5), 1, Float32Array.of(1, 1, 1, 1, 2), 0, 5)).toBe(20);
  const y = Float64Array.of(1, 1, 1);
  addScaled(y, 1, 2, Float64Array.of(0, 1, 2), 1, 2);
  expect([...y]).toEqual([1, 3, 5]);
});

test('Cholesky factor of a positive definite matrix', () => {
  const a = positiveDefinite();
  const lower = choleskyFactor(a, n);
  close(product(lower, transposed(lower)), a);
  expect(() => choleskyFactor(new Float64Array(n * n), n)).toThrow('not positive definite');
});

test('eigenvalues in descending order, with orthonormal vectors that rebuild the matrix', () => {
  const a = positiveDefinite();
  const { values, vectors } = symmetricEigen(a, n);
  for (let i = 1; i < n; i++) expect(values[i]!).toBeLessThanOrEqual(values[i - 1]!);
  close(product(vectors, transposed(vectors)), identity);
  const scaled = vectors.map((value, k) => value * values[Math.floor(k / n)]!);
  close(product(transposed(vectors), scaled), a);
});

test('orthonormal rows; a dependent row becomes zero', () => {
  const rows = normals(3 * n);
  rows.set(rows.subarray(0, n), 2 * n);
  orthonormalize(rows, 3, n);
  expect(dot(rows, 0, rows, 0, n)).toBeCloseTo(1);
  expect(dot(rows, 0, rows, n, n)).toBeCloseTo(0);
  expect(dot(rows, 2 * n, rows, 2 * n, n)).toBe(0);
});

test('the nearest rotation of a stretched rotation is that rotation, of nothing the identity', () => {
  const rotation = normals(n * n);
  orthonormalize(rotation, n, n);
  const spread = positiveDefinite();
  close(nearestRotation(product(rotation, spread), n), rotation, 1);
  close(nearestRotation(new Float64Array(n * n), n), identity);
});
