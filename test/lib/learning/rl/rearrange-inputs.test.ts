import { wasmBackend } from '../../../../lib/adapters/tensor/wasm-backend';
import { rearrangeInputs } from '../../../../lib/learning/rl/rearrange-inputs';
import { createNeuralHalf, neuralShape } from '../../../../lib/learning/value/neural-half';
import { seededRandom } from '../../../../lib/random/seeded';

beforeAll(() => wasmBackend().ready());

const random = seededRandom(3, 'inputs');
const learned = () => {
  const trainer = createNeuralHalf(neuralShape(3, 2), random);
  const outputs = 20;
  const filled = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
  for (let step = 0; step < 5; step++)
    trainer.train({
      rows: 64,
      x: filled(64 * 3),
      targets: filled(64 * outputs),
      weights: filled(64 * outputs).fill(1),
    });
  return trainer;
};

test('values stay as they were when inputs are added, moved and dropped', () => {
  const trainer = learned();
  const before = trainer.predict(Float32Array.of(0.5, -1, 0), 1).slice();
  const optimizer = trainer.optimizer();
  const moved = rearrangeInputs(trainer, [1, -1, 0, -1]);
  expect(moved.shape.inputs).toBe(4);
  const after = moved.predict(Float32Array.of(-1, 7, 0.5, -3), 1);
  after.forEach((value, i) => {
    expect(value).toBeCloseTo(before[i]!, 5);
  });
  const { first, steps } = moved.optimizer();
  expect(steps).toBe(optimizer.steps);
  expect(first.subarray(0, 64)).toEqual(optimizer.first.subarray(64, 128));
  expect(first.subarray(64, 128)).toEqual(new Float32Array(64));
  expect(first.subarray(4 * 64)).toEqual(optimizer.first.subarray(3 * 64));
  moved.dispose();
});

test('a new input is learned from the next step on', () => {
  const moved = rearrangeInputs(learned(), [0, 1, 2, -1]);
  const x = Float32Array.from({ length: 64 * 4 }, () => random.normal());
  const targets = new Float32Array(64 * 20).map((_, i) => x[4 * Math.floor(i / 20) + 3]!);
  for (let step = 0; step < 100; step++) moved.train({ rows: 64, x, targets, weights: targets.map(() => 1) });
  const low = moved.predict(Float32Array.of(0, 0, 0, -1), 1)[0]!;
  expect(moved.predict(Float32Array.of(0, 0, 0, 1), 1)[0]!).toBeGreaterThan(low + 0.5);
  moved.dispose();
});
