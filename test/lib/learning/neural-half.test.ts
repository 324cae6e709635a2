import * as tf from '@tensorflow/tfjs-core';
import { wasmBackend } from '../../../lib/adapters/tensor/wasm-backend';
import { headCount } from '../../../lib/learning/linear-half';
import { type Batch, createNeuralHalf, rearrangeArms, tdTarget } from '../../../lib/learning/neural-half';
import { parameterCount } from '../../../lib/learning/q-network-forward';
import { seededRandom } from '../../../lib/random/seeded';

const shape = { inputs: 3, hidden: 8, arms: 2 };
const outputs = shape.arms * headCount;
const fresh = (seed = 1) => createNeuralHalf(shape, seededRandom(seed, 'net'));

/** State A (x = 1,0,0): arm 0 pays 1, arm 1 pays -1; state B (x = 0,1,0): the other way round. */
function toyBatch(rows = 32): Batch {
  const batch = {
    rows,
    x: new Float32Array(rows * 3),
    targets: new Float32Array(rows * outputs),
    weights: new Float32Array(rows * outputs).fill(1),
  };
  for (let i = 0; i < rows; i++) {
    batch.x[i * 3 + (i % 2)] = 1;
    for (let j = 0; j < outputs; j++) batch.targets[i * outputs + j] = j < headCount === (i % 2 === 0) ? 1 : -1;
  }
  return batch;
}

beforeAll(() => wasmBackend().ready());

test('the TD target, by hand', () => {
  // Head 0 of arms 0 and 1: online prefers arm 1 (2 > 1), whose target value is 5; head 1 prefers arm 0 with 7.
  const online = new Float32Array(outputs);
  const target = new Float32Array(outputs);
  online.set([1, 9], 0);
  online.set([2, 3], headCount);
  target.set([4, 7], 0);
  target.set([5, 8], headCount);
  expect(tdTarget(0.5, 0.9, 0, { online, target })).toBeCloseTo(0.5 + 0.9 * 5);
  expect(tdTarget(0.5, 0.9, 1, { online, target })).toBeCloseTo(0.5 + 0.9 * 7);
  expect(tdTarget(0.5, 0.9, 0, null)).toBe(0.5);
  expect(tdTarget(0.5, 0, 0, { online, target })).toBe(0.5);
});

test('learns a two-state problem', () => {
  const neural = fresh();
  const first = neural.train(toyBatch());
  let last = first;
  for (let i = 0; i < 200; i++) last = neural.train(toyBatch());
  expect(last).toBeLessThan(first / 50);
  expect(neural.predict(Float32Array.of(1, 0, 0), 1)[0]).toBeCloseTo(1, 1);
  expect(neural.predict(Float32Array.of(0, 1, 0), 1)[0]).toBeCloseTo(-1, 1);
  expect(neural.predict(Float32Array.of(0, 0.5, 0), 2)[headCount]).toBeCloseTo(1, 1);
  neural.dispose();
});

test('the gradient is that of the loss: Adam moves every parameter against its finite difference', () => {
  const neural = fresh();
  const before = neural.parameters.slice();
  const lossAt = (parameters: Float32Array): number => {
    const probe = createNeuralHalf(shape, null, {
      parameters,
      target: parameters,
      optimizer: { first: new Float32Array(before.length), second: new Float32Array(before.length), steps: 0 },
    });
    const loss = probe.train(toyBatch());
    probe.dispose();
    return loss;
  };
  neural.train(toyBatch());
  // One Adam step from zero moments moves by the learning rate in the direction of -gradient.
  let checked = 0;
  for (let i = 0; i < before.length; i += 7) {
    const step = 0.02;
    const up = before.slice();
    const down = before.slice();
    up[i]! += step;
    down[i]! -= step;
    const slope = (lossAt(up) - lossAt(down)) / (2 * step);
    if (Math.abs(slope) < 0.05) continue;
    expect(Math.sign(neural.parameters[i]! - before[i]!)).toBe(-Math.sign(slope));
    checked++;
  }
  expect(checked).toBeGreaterThan(10);
  neural.dispose();
});

test('outputs without weight are left alone, absurd errors are cut', () => {
  const neural = fresh();
  const batch = toyBatch();
  batch.weights.fill(0);
  expect(neural.train(batch)).toBe(0);
  const wild = toyBatch(1);
  wild.targets.fill(1e6);
  wild.weights.fill(0);
  wild.weights[0] = 1;
  // Huber: 5 * (1e6 - 2.5) instead of 5e11.
  expect(neural.train(wild)).toBeCloseTo(5e6, -3);
  neural.dispose();
});

test('no tensor is left behind', () => {
  const neural = fresh();
  neural.train(toyBatch());
  const before = tf.memory().numTensors;
  for (let i = 0; i < 20; i++) neural.train(toyBatch());
  expect(tf.memory().numTensors).toBe(before);
  neural.dispose();
  expect(tf.memory().numTensors).toBe(before - 3);
});

test('same seed, same bytes; a saved state continues to the bit; the target network follows every 100 steps', () => {
  const [a, b] = [fresh(), fresh()];
  for (let i = 0; i < 99; i++) for (const neural of [a, b]) neural.train(toyBatch());
  expect(a.parameters).toEqual(b.parameters);
  expect(a.parameters).not.toEqual(fresh(2).parameters);
  expect(a.target).not.toEqual(a.parameters);
  const restored = createNeuralHalf(shape, null, {
    parameters: a.parameters,
    target: a.target,
    optimizer: a.optimizer(),
  });
  for (const neural of [b, restored]) neural.train(toyBatch());
  expect(restored.parameters).toEqual(b.parameters);
  expect(restored.target).toEqual(restored.parameters);
  const x = Float32Array.of(1, 0, 0);
  const online = restored.predict(x, 1).slice();
  expect(restored.predict(x, 1, 'target')).toEqual(online);
});

test('models come and go: the others predict as before', () => {
  const neural = fresh();
  for (let i = 0; i < 10; i++) neural.train(toyBatch());
  const x = Float32Array.of(0.3, -1, 0.5);
  const before = neural.predict(x, 1).slice();
  const moved = rearrangeArms(neural, [1, -1, 0], seededRandom(9, 'more'));
  expect(moved.parameters.length).toBe(parameterCount({ ...shape, arms: 3 }));
  const after = moved.predict(x, 1);
  expect([...after.subarray(0, headCount)]).toEqual([...before.subarray(headCount)]);
  expect([...after.subarray(2 * headCount)]).toEqual([...before.subarray(0, headCount)]);
  moved.dispose();
});
