import { wasmBackend } from '../../../../lib/adapters/tensor/wasm-backend';
import { headCount } from '../../../../lib/learning/value/linear-half';
import {
  createNeuralHalf,
  neuralShape,
  rearrangeModels,
  weightDecayOf,
} from '../../../../lib/learning/value/neural-half';
import { seededRandom } from '../../../../lib/random/seeded';

beforeAll(() => wasmBackend().ready());

test('models come and go: the others predict as before, a newcomer near its own mean', () => {
  const neural = createNeuralHalf(neuralShape(3, 2), seededRandom(1, 'net'));
  const x = Float32Array.of(0.3, -1, 0.5);
  const before = neural.predict(x, 1).slice();
  const moved = rearrangeModels(neural, [1, -1, 0], seededRandom(9, 'more'));
  expect(moved.shape).toEqual(neuralShape(3, 3));
  const after = moved.predict(x, 1);
  expect([...after.subarray(0, headCount)]).toEqual([...before.subarray(headCount)]);
  expect([...after.subarray(2 * headCount)]).toEqual([...before.subarray(0, headCount)]);
  for (const value of after.subarray(headCount, 2 * headCount)) expect(Math.abs(value)).toBeLessThan(1);
  moved.dispose();
});

test('a network that proves right is let go, one that foretells nothing is held back', () => {
  expect(weightDecayOf(0)).toBe(1);
  expect(weightDecayOf(0.15)).toBeCloseTo(0.5);
  expect(weightDecayOf(0.3)).toBe(0.02);
  expect(weightDecayOf(1)).toBe(0.02);
});
