import {
  addMoments,
  emptyMoments,
  mergeMoments,
  residualMoments,
  solveRidge,
} from '../../../../lib/learning/ope/ridge';
import { seededRandom } from '../../../../lib/random/seeded';

function sample(rows: number, weights: readonly number[], noise: number, seed = 1) {
  const random = seededRandom(seed);
  const size = weights.length;
  const x = Float64Array.from({ length: rows * size }, () => random.normal());
  const y = Array.from({ length: rows }, (_, r) =>
    weights.reduce((sum, weight, i) => sum + weight * x[r * size + i]!, noise * random.normal()),
  );
  return { x, y, size };
}

function momentsOf(rows: number, weights: readonly number[], noise: number) {
  const { x, y, size } = sample(rows, weights, noise);
  const moments = emptyMoments(size);
  for (let r = 0; r < rows; r++) addMoments(moments, x, r * size, y[r]!);
  return moments;
}

test('finds the weights of a clean signal', () => {
  const found = solveRidge(momentsOf(300, [1, -2, 0.5], 0.01));
  [1, -2, 0.5].forEach((weight, i) => {
    expect(found[i]).toBeCloseTo(weight, 1);
  });
});

test('noise alone gives next to nothing', () => {
  const found = solveRidge(momentsOf(300, new Array(20).fill(0), 1));
  expect(Math.max(...found.map(Math.abs))).toBeLessThan(0.05);
});

test('nothing to explain, or no rows, gives zeros', () => {
  expect(Array.from(solveRidge(emptyMoments(2)))).toEqual([0, 0]);
  const constant = emptyMoments(1);
  for (let i = 0; i < 5; i++) addMoments(constant, Float64Array.of(1), 0, 0);
  expect(Array.from(solveRidge(constant))).toEqual([0]);
});

test('moments of residuals are those of the residual targets, and merging is adding rows', () => {
  const { x, y, size } = sample(40, [1, 2], 0.3);
  const weights = Float64Array.of(0.7, 1.5);
  const whole = emptyMoments(size);
  const direct = emptyMoments(size);
  const halves = [emptyMoments(size), emptyMoments(size)];
  y.forEach((value, r) => {
    addMoments(whole, x, r * size, value);
    addMoments(halves[r % 2]!, x, r * size, value);
    addMoments(direct, x, r * size, value - weights[0]! * x[r * size]! - weights[1]! * x[r * size + 1]!);
  });
  const residual = residualMoments(whole, weights);
  expect(residual.square).toBeCloseTo(direct.square);
  residual.moment.forEach((value, i) => {
    expect(value).toBeCloseTo(direct.moment[i]!);
  });
  const merged = emptyMoments(size);
  for (const half of halves) mergeMoments(merged, half, 1);
  expect(merged.rows).toBe(whole.rows);
  expect(merged.square).toBeCloseTo(whole.square);
  merged.gram.forEach((value, i) => {
    expect(value).toBeCloseTo(whole.gram[i]!);
  });
});
