import { wasmBackend } from '../../../../lib/adapters/tensor/wasm-backend';
import { createTrainer, restoreTrainer, type Trainer } from '../../../../lib/learning/rl/trainer';
import type { Batch, TrainerSettings } from '../../../../lib/learning/rl/training-step';
import { seededRandom } from '../../../../lib/random/seeded';

const headCount = 10;
const shape = { inputs: 3, hidden: 8, actions: 2, heads: headCount };
const outputs = shape.actions * headCount;
const settings: TrainerSettings = {
  learningRate: 2e-3,
  weightDecay: 0.02,
  huberDelta: 5,
  gradientClip: 30,
  targetUpdate: { kind: 'copy', everySteps: 100 },
};
const fresh = (seed = 1, overrides: Partial<TrainerSettings> = {}): Trainer =>
  createTrainer(shape, { ...settings, ...overrides }, seededRandom(seed, 'net'));

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

test('learns a two-state problem', () => {
  const neural = fresh();
  const first = neural.train(toyBatch()).loss;
  let last = first;
  for (let i = 0; i < 200; i++) last = neural.train(toyBatch()).loss;
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
    const probe = restoreTrainer(shape, settings, {
      parameters,
      target: parameters,
      optimizer: { first: new Float32Array(before.length), second: new Float32Array(before.length), steps: 0 },
    });
    const { loss } = probe.train(toyBatch());
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
  expect(neural.train(batch)).toMatchObject({ loss: 0, gradientNorm: 0 });
  const wild = toyBatch(1);
  wild.targets.fill(1e6);
  wild.weights.fill(0);
  wild.weights[0] = 1;
  // Huber: 5 * (1e6 - 2.5) instead of 5e11.
  expect(neural.train(wild).loss).toBeCloseTo(5e6, -3);
  neural.dispose();
});

test('same seed, same bytes; a saved state continues to the bit; the target network follows every 100 steps', () => {
  const [a, b] = [fresh(), fresh()];
  for (let i = 0; i < 99; i++) for (const neural of [a, b]) neural.train(toyBatch());
  expect(a.parameters).toEqual(b.parameters);
  expect(a.parameters).not.toEqual(fresh(2).parameters);
  expect(a.target).not.toEqual(a.parameters);
  const restored = restoreTrainer(shape, settings, {
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

test('the target network moves by its share at every step', () => {
  const neural = fresh(1, { targetUpdate: { kind: 'polyak', share: 0.25 } });
  const before = neural.target.slice();
  neural.train(toyBatch());
  const moved = before.map((value, i) => value + 0.25 * (neural.parameters[i]! - value));
  neural.target.forEach((value, i) => {
    expect(value).toBeCloseTo(moved[i]!, 6);
  });
  neural.dispose();
});

test('reports what it said before the step, and the gradient before it was clipped', () => {
  const [free, tight] = [fresh(), fresh(1, { gradientClip: 1e-9 })];
  const batch = toyBatch(4);
  const said = free.predictBatch(batch.x, 4, 'online');
  const step = free.train(batch);
  // Summed in another order.
  step.values.forEach((value, i) => {
    expect(value).toBeCloseTo(said[i]!, 6);
  });
  expect(step.gradientNorm).toBeGreaterThan(0.1);
  expect(tight.train(batch).gradientNorm).toBe(step.gradientNorm);
  for (const neural of [free, tight]) neural.dispose();
});

test('a gradient is shortened to the limit before it enters the moments', () => {
  const limit = 1e-3;
  const neural = fresh(1, { gradientClip: limit });
  neural.train(toyBatch());
  // After one step the first moment is a tenth of the clipped gradient.
  const norm = Math.hypot(...neural.optimizer().first);
  expect(norm).toBeCloseTo(0.1 * limit, 7);
  neural.dispose();
});

test('the learning rate follows its factor: at 0 nothing moves', () => {
  const neural = fresh();
  const before = neural.parameters.slice();
  neural.train(toyBatch(), { rateFactor: 0 });
  expect(neural.parameters).toEqual(before);
  neural.train(toyBatch(), { rateFactor: 0.5 });
  const half = Math.max(...neural.parameters.map((value, i) => Math.abs(value - before[i]!)));
  expect(half).toBeLessThan(1.5e-3);
  expect(half).toBeGreaterThan(1e-4);
  neural.dispose();
});

test('weight decay of a step replaces that of the settings', () => {
  const sizeAfter = (weightDecay?: number): number => {
    const neural = fresh();
    neural.train(toyBatch(), weightDecay === undefined ? {} : { weightDecay });
    const size = Math.hypot(...neural.parameters);
    neural.dispose();
    return size;
  };
  expect(sizeAfter(0.02)).toBe(sizeAfter());
  expect(sizeAfter(100)).toBeLessThan(0.9 * sizeAfter());
});

test('a batch and a single row get the same values, from either network', () => {
  const neural = fresh(1, { targetUpdate: { kind: 'polyak', share: 0.01 } });
  for (let i = 0; i < 5; i++) neural.train(toyBatch());
  const rows = [Float32Array.of(0.3, -1, 0.5), Float32Array.of(1, 0, 2)];
  const x = Float32Array.from(rows.flatMap((row) => [...row]));
  for (const which of ['online', 'target'] as const) {
    const batch = neural.predictBatch(x, 2, which);
    rows.forEach((row, i) => {
      neural.predict(row, 1, which).forEach((value, j) => {
        expect(batch[i * outputs + j]).toBeCloseTo(value, 5);
      });
    });
  }
  neural.dispose();
});
