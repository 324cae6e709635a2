import {
  addLinearArm,
  covarianceTimes,
  createLinearHalf,
  headCount,
  type LinearRow,
  predictCost,
  predictTargets,
  rebuildLinear,
  updateLinear,
} from '../../../../lib/learning/value/linear-half';
import { seededRandom } from '../../../../lib/random/seeded';

const size = 4;
const random = () => seededRandom(11, 'linear');

/** Phi = [1, two standard normals, 0]; arm 0 likes feature 1, arm 1 dislikes it. */
function sample(count: number, signal: number): { phis: Float64Array; rows: LinearRow[] } {
  const draw = seededRandom(2, 'sample');
  const phis = new Float64Array(count * size);
  const rows = Array.from({ length: count }, (_, i) => {
    phis.set([1, draw.normal(), draw.normal(), 0], i * size);
    const arm = i % 2;
    const target = signal * (arm === 0 ? 1 : -1) * phis[i * size + 1]! + 0.5 * draw.normal();
    return { phi: i, arm, target, costTarget: arm === 0 ? 0.5 * phis[i * size + 2]! : null };
  });
  return { phis, rows };
}
const phiOf = (...values: number[]): Float64Array => Float64Array.from(values);

test('a rebuild finds the weights, the cost and a small prior precision where features matter', () => {
  const { phis, rows } = sample(400, 1);
  const half = rebuildLinear(phis, size, rows, 2, 0.25, random());
  expect(predictTargets(half, phiOf(1, 1, 0, 0))[0]).toBeCloseTo(1, 0);
  expect(predictTargets(half, phiOf(1, 1, 0, 0))[1]).toBeCloseTo(-1, 0);
  expect(predictCost(half, 0, phiOf(1, 0, 1, 0))).toBeCloseTo(0.5, 1);
  expect(predictCost(half, 1, phiOf(1, 0, 1, 0))).toBe(0);
  expect(half.precision).toBeLessThan(10);
  expect(half.noise).toBe(0.25);
});

test('where features say nothing, the evidence shrinks their weights away', () => {
  const { phis, rows } = sample(400, 0);
  expect(rebuildLinear(phis, size, rows, 2, 0.25, random()).precision).toBe(100);
});

test('rank-one updates give what a regression on all rows at once gives', () => {
  const { phis, rows } = sample(60, 1);
  const half = createLinearHalf(size, 1, random(), { noise: 0.25, precision: 1 });
  let shared = 0;
  for (const row of rows) {
    const phi = phis.slice(row.phi * size, row.phi * size + size);
    // A target that cancels the shared part leaves the model's own regression on `row.target`.
    shared = half.shared.weights.reduce((sum, weight, i) => sum + weight * phi[i]!, 0);
    updateLinear(half, 0, phi, row.target + shared, row.target, random());
  }
  // Normal equations of the same rows, solved by the posterior covariance: mean = covariance * sum phi y / noise.
  const moment = new Float64Array(size);
  for (const row of rows) for (let i = 0; i < size; i++) moment[i]! += (phis[row.phi * size + i]! * row.target) / 0.25;
  const { weights } = half.arms[0]!;
  // The covariance is kept in float32: five digits.
  covarianceTimes(half.arms[0]!, moment, size).forEach((expected, i) => {
    expect(weights[i]).toBeCloseTo(expected, 5);
    expect(weights[(headCount + 1) * size + i]).toBeCloseTo(expected, 5); // the cost row saw the same targets
  });
});

test('heads spread where nothing was seen and agree where much was', () => {
  const { phis, rows } = sample(600, 1);
  const half = rebuildLinear(phis, size, rows, 2, 0.25, random());
  const spreadAt = (phi: Float64Array): number => {
    const { weights } = half.arms[0]!;
    const heads = Array.from({ length: headCount }, (_, m) =>
      phi.reduce((sum, value, i) => sum + value * weights[(m + 1) * size + i]!, 0),
    );
    const mean = heads.reduce((sum, value) => sum + value, 0) / headCount;
    return Math.sqrt(heads.reduce((sum, value) => sum + (value - mean) ** 2, 0) / headCount);
  };
  expect(spreadAt(phiOf(0, 0, 0, 1))).toBeGreaterThan(3 * spreadAt(phiOf(1, 0, 0, 0)));
});

test('a newcomer is predicted like the average', () => {
  const { phis, rows } = sample(100, 1);
  const half = rebuildLinear(phis, size, rows, 2, 0.25, random());
  addLinearArm(half, random());
  const shared = half.shared.weights[0]!;
  expect(predictTargets(half, phiOf(1, 0, 0, 0))[2]).toBeCloseTo(shared, 10);
});

test('heads keep apart where nothing was tried, even when the rewards so far looked unpredictable', () => {
  const { phis, rows } = sample(400, 0);
  const half = rebuildLinear(phis, size, rows, 2, 0.25, random());
  expect(half.precision).toBe(100);
  const last = half.arms.flatMap(({ weights }) =>
    Array.from({ length: headCount }, (_, m) => weights[(m + 1) * size + 3]!),
  );
  const deviation = Math.sqrt(last.reduce((sum, weight) => sum + weight * weight, 0) / last.length);
  // A quarter of the spread under precision 10 at first; under 100 it would be .025.
  expect(deviation).toBeGreaterThan(0.04);
  expect(deviation).toBeLessThan(0.12);
});

test('a thousand updates in float32 stay where a rebuild in float64 puts them', () => {
  const wide = 37;
  const draw = seededRandom(8, 'wide');
  const count = 1_000;
  const phis = Float64Array.from({ length: count * wide }, (_, i) => (i % wide === 0 ? 1 : 0.3 * draw.normal()));
  const truth = Float64Array.from({ length: wide }, () => draw.normal());
  const rows = Array.from({ length: count }, (_, phi) => {
    const target = truth.reduce((sum, weight, i) => sum + weight * phis[phi * wide + i]!, 0) + 0.3 * draw.normal();
    return { phi, arm: 0, target, costTarget: target };
  });
  const rebuilt = rebuildLinear(phis, wide, rows, 1, 0.1, random());
  const updated = createLinearHalf(wide, 1, random(), { noise: 0.1, precision: rebuilt.precision });
  for (const { phi, target } of rows)
    updateLinear(updated, 0, phis.slice(phi * wide, (phi + 1) * wide), target, target, random());
  const costs = (half: typeof rebuilt): Float64Array => half.arms[0]!.weights.slice((headCount + 1) * wide);
  const [a, b] = [costs(rebuilt), costs(updated)];
  a.forEach((weight, i) => {
    expect(Math.abs(weight - b[i]!)).toBeLessThan(1e-4);
  });
});

test('the search for a prior precision finds the same from every start', () => {
  for (const signal of [0, 0.1, 0.3, 1]) {
    const { phis, rows } = sample(200, signal);
    const of = (before: number | null) => rebuildLinear(phis, size, rows, 2, 0.25, random(), before).precision;
    expect(new Set([null, 1, 3, 10, 30, 100].map(of)).size).toBe(1);
  }
});
