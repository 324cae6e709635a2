import { correctLinear } from '../../../../lib/learning/value/correct-linear';
import { dot } from '../../../../lib/learning/value/linear-algebra';
import {
  costRow,
  type LinearHalf,
  type LinearRow,
  meanRow,
  rebuildLinear,
  updateLinear,
} from '../../../../lib/learning/value/linear-half';
import { seededRandom } from '../../../../lib/random/seeded';

const size = 12;
const arms = 3;
const rebuiltRows = 60;
const laterRows = 40;
const all = rebuiltRows + laterRows;

interface Stream {
  readonly phis: Float64Array;
  readonly rows: readonly LinearRow[];
}

/** Rewards that depend on the features by weights of the model and by a part that is common to all models. */
function streamOf(seed: number): Stream {
  const random = seededRandom(seed, 'stream');
  const phis = Float64Array.from({ length: all * size }, (_, i) => (i % size === 0 ? 1 : 0.5 * random.normal()));
  const truth = Float64Array.from({ length: (arms + 1) * size }, () => random.normal());
  const rows = Array.from({ length: all }, (_, i): LinearRow => {
    const arm = random.integer(arms);
    const target = dot(truth, arm * size, phis, i * size, size) + dot(truth, arms * size, phis, i * size, size);
    return { phi: i, arm, target: target + 0.5 * random.normal(), costTarget: random.normal() };
  });
  return { phis, rows };
}

const phiOf = ({ phis }: Stream, i: number): Float64Array => phis.slice(i * size, (i + 1) * size);

/** The first rows by a rebuild, `later` more one by one. */
function foldOf(stream: Stream, later: number): LinearHalf {
  const random = seededRandom(5, 'fold');
  const { phis, rows } = stream;
  const half = rebuildLinear(phis.slice(0, rebuiltRows * size), size, rows.slice(0, rebuiltRows), arms, 0.3, random);
  for (const row of rows.slice(rebuiltRows, rebuiltRows + later))
    updateLinear(half, row.arm, phiOf(stream, row.phi), row.target, row.costTarget, random);
  return half;
}

function withTarget(stream: Stream, i: number, change: Partial<LinearRow>): Stream {
  return { ...stream, rows: stream.rows.map((row, at) => (at === i ? { ...row, ...change } : row)) };
}

/** Root mean square over all models and prompts; `row` picks the mean, a head or the cost. */
function distance(a: LinearHalf, b: LinearHalf, stream: Stream, row: number): number {
  let squares = 0;
  for (let i = 0; i < all; i++) {
    for (let arm = 0; arm < arms; arm++) {
      const valueBy = (half: LinearHalf): number =>
        dot(half.arms[arm]!.weights, row * size, stream.phis, i * size, size) +
        (row === costRow ? 0 : dot(half.shared.weights, 0, stream.phis, i * size, size));
      squares += (valueBy(a) - valueBy(b)) ** 2;
    }
  }
  return Math.sqrt(squares / (all * arms));
}

const wrongBy = 1.5;
/** Covariances are float32. */
const rounding = 3e-6;

/** How far predictions are off with row `i` wrong, and after its correction. */
function errorsOf(seed: number, i: number, later: number, row: number): { wrong: number; corrected: number } {
  const stream = streamOf(seed);
  const { arm, target, costTarget } = stream.rows[i]!;
  const right = foldOf(stream, later);
  const half = foldOf(withTarget(stream, i, { target: target - wrongBy, costTarget: costTarget! - wrongBy }), later);
  const wrong = distance(half, right, stream, row);
  correctLinear(half, arm, { phi: phiOf(stream, i), target: wrongBy, cost: wrongBy, rebuilt: i < rebuiltRows });
  return { wrong, corrected: distance(half, right, stream, row) };
}

// Seeds for which the evidence takes the same prior precisions with and without the wrong reward.
test.each([1, 2, 3])('right after a rebuild a correction is exact: mean, heads and cost (seed %d)', (seed) => {
  for (const row of [meanRow, 1, 7, costRow]) {
    for (const i of [0, 30, rebuiltRows - 1]) {
      const { wrong, corrected } = errorsOf(seed, i, 0, row);
      expect(wrong).toBeGreaterThan(1e-3);
      expect(corrected).toBeLessThan(rounding);
    }
  }
});

test('the newest reward is corrected exactly', () => {
  for (const row of [meanRow, 4, costRow]) {
    const { wrong, corrected } = errorsOf(1, all - 1, laterRows, row);
    expect(wrong).toBeGreaterThan(1e-3);
    expect(corrected).toBeLessThan(rounding);
  }
});

test('with rewards folded in since, the cost is still exact and most of the rest is taken back', () => {
  const left: number[] = [];
  for (let seed = 1; seed <= 20; seed++) {
    for (const i of [rebuiltRows, rebuiltRows + 10, all - 15]) {
      expect(errorsOf(seed, i, laterRows, costRow).corrected).toBeLessThan(rounding);
      const { wrong, corrected } = errorsOf(seed, i, laterRows, meanRow);
      left.push(corrected / wrong);
    }
  }
  left.sort((a, b) => a - b);
  expect(left[left.length / 2]).toBeLessThan(0.3);
  expect(left.at(-1)).toBeLessThan(0.6);
});
