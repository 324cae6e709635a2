import { bestSingle, oracle, thompsonTable } from '../../../lab/policies/baselines';
import { linUcb } from '../../../lab/policies/lin-ucb';
import { seededRandom } from '../../../lib/random/seeded';
import { matrixOf } from '../matrix-of';

const rows = 600;
const random = seededRandom(1, 'contexts');
/** The sign of the first number says which of two models is right; the second is noise. */
const contexts = Array.from({ length: rows }, () => Float32Array.of(random.next() < 0.5 ? -1 : 1, random.normal()));
const signs = matrixOf(contexts.map((x) => (x[0]! > 0 ? [1, 0] : [0, 1])));

test('learns from its own choices which context asks for which model', () => {
  const result = linUcb(signs, { contexts });
  expect(result.meanScore).toBeGreaterThan(0.97);
  expect(result.meanScore).toBeLessThan(oracle(signs).meanScore);
  expect(thompsonTable(signs, { seed: 1 }).meanScore).toBeLessThan(0.6);
  expect(linUcb(signs, { contexts })).toEqual(result);
});

test('where the context says nothing it finds the best model', () => {
  const luck = seededRandom(2, 'luck');
  const matrix = matrixOf(contexts.map(() => [0.3, 0.8, 0.5].map((mean) => (luck.next() < mean ? 1 : 0))));
  const result = linUcb(matrix, { contexts });
  expect(result.shares[1]).toBeGreaterThan(0.8);
  expect(bestSingle(matrix).meanScore - result.meanScore).toBeLessThan(0.08);
});

test('tries every model as long as alpha asks for it, and only candidates', () => {
  const matrix = matrixOf(contexts.map((_, r) => (r % 2 === 0 ? [0.5, 0.4, null] : [0.5, null, 0.4])));
  expect(Math.min(...linUcb(matrix, { contexts, alpha: 1 }).shares)).toBeGreaterThan(0);
  // Without optimism the first model, which is good enough, stays.
  expect(linUcb(matrix, { contexts, alpha: 0 }).shares[0]).toBeGreaterThan(0.99);
});

test('predictions are those of ridge regression', () => {
  // One model, scores y = x exactly as seen: with ridge 1 and the rows (1, 2), weights solve (I + sum x x') w = sum x y.
  // Rows x = 1 and x = 1: A = [[3, 2], [2, 3]], b = [2, 2] for y = 1: w = [.4, .4].
  const two = [1, 1, 1].map((value) => Float32Array.of(value));
  // The second model pays .79 and is untried: predicted 0. The first one's prediction after two rows is .8.
  const close = matrixOf([
    [1, null],
    [1, null],
    [0, 0.79],
  ]);
  expect(linUcb(close, { contexts: two, alpha: 0 }).shares[1]).toBe(0);
  // Optimism of the untried is alpha sqrt(2) = .8 + alpha sqrt(.4) at alpha = 1.023.
  expect(linUcb(close, { contexts: two, alpha: 1.0 }).shares[1]).toBe(0);
  expect(linUcb(close, { contexts: two, alpha: 1.05 }).shares[1]).toBeCloseTo(1 / 3);
});

test('contexts of a wrong number or length are refused', () => {
  expect(() => linUcb(signs, { contexts: contexts.slice(1) })).toThrow(/600 rows, not 599/);
  const crooked = [...contexts.slice(1), Float32Array.of(1)];
  expect(() => linUcb(signs, { contexts: crooked })).toThrow(/context 599/);
});

test('learns from what it is shown, when it is shown it, and is judged by what that was worth', () => {
  const flattered = signs.utilities.map((value, at) => (at % 2 === 0 ? 1 : 0.1 * value));
  const fooled = linUcb(signs, { contexts, shown: flattered });
  expect(fooled.shares[0]).toBeGreaterThan(0.95);
  expect(fooled.meanScore).toBeLessThan(0.6);
  // Without news the first model stays, and with late ones until then.
  expect(linUcb(signs, { contexts, alpha: 0, feedbackAfter: () => null }).shares).toEqual([1, 0]);
  const late = linUcb(signs, { contexts, feedbackAfter: () => 300 });
  const early = linUcb(signs, { contexts });
  expect(late.meanScore).toBeLessThan(early.meanScore - 0.1);
  expect(late.utilities.subarray(400).reduce((sum, value) => sum + value, 0) / 200).toBeGreaterThan(0.9);
});
