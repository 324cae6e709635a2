/** What every tensor backend promises the trainer, and where native TensorFlow must be there to keep it. */
import * as tf from '@tensorflow/tfjs-core';
import { createPlainTrainer } from '../../bench/plain-training-step';
import { nodeBackendInstalled } from '../../lib/adapters/tensor/node-backend';
import { initialParameters, outputsOf } from '../../lib/learning/rl/network';
import { createTrainer, restoreTrainer, type Trainer } from '../../lib/learning/rl/trainer';
import type { Batch, TrainerSettings } from '../../lib/learning/rl/training-step';
import type { TensorBackend } from '../../lib/ports/tensor-backend';
import { seededRandom } from '../../lib/random/seeded';

const shape = { inputs: 20, hidden: 32, actions: 3, heads: 4 } as const;
const rows = 16;
const outputs = outputsOf(shape);
const settings: TrainerSettings = {
  learningRate: 2e-3,
  weightDecay: 0.02,
  huberDelta: 1,
  gradientClip: 0.5,
  targetUpdate: { kind: 'copy', everySteps: 5 },
};
/** Rounding of float32 after a few hundred products. */
const rounding = 1e-5;

const start = (): Float32Array => initialParameters(shape, seededRandom(3, 'weights'));
const zeros = (): Float32Array => new Float32Array(start().length);
const fresh = (): Trainer => createTrainer(shape, settings, seededRandom(3, 'weights'));

/** Targets wide enough that some errors are clipped, and the gradient with them. */
function batchOf(number: number): Batch {
  const random = seededRandom(number, 'batch');
  const filled = (length: number, value: () => number) => Float32Array.from({ length }, value);
  return {
    rows,
    x: filled(rows * shape.inputs, () => random.normal()),
    targets: filled(rows * outputs, () => 2 * random.normal()),
    weights: filled(rows * outputs, () => (random.next() < 0.4 ? 1 : 0)),
  };
}

/** What `steps` steps make of the network. */
export function trained(steps: number): { parameters: Float32Array; losses: number[] } {
  const trainer = fresh();
  const losses = Array.from({ length: steps }, (_, i) => trainer.train(batchOf(i)).loss);
  trainer.dispose();
  return { parameters: trainer.parameters, losses };
}

/** Distance of two networks as a share of how far the first has come. Adam makes much of gradients near 0: not compared one by one. */
export function distance(a: Float32Array, b: Float32Array): number {
  const origin = start();
  let apart = 0;
  let way = 0;
  for (let i = 0; i < a.length; i++) {
    apart += (a[i]! - b[i]!) ** 2;
    way += (a[i]! - origin[i]!) ** 2;
  }
  return Math.sqrt(apart / way);
}

export function tensorBackendContract(backend: TensorBackend): void {
  beforeEach(() => backend.ready());

  test('is ready as often as asked, and then computes', async () => {
    await Promise.all([backend.ready(), backend.ready()]);
    const trainer = fresh();
    const before = trainer.parameters.slice();
    trainer.train(batchOf(1));
    expect(trainer.parameters).not.toEqual(before);
    trainer.dispose();
  });

  test('the forward pass is that of plain arrays', () => {
    const trainer = fresh();
    const { x } = batchOf(1);
    const values = trainer.predictBatch(x, rows, 'online');
    for (let row = 0; row < rows; row++) {
      const plain = trainer.predict(x.subarray(row * shape.inputs, (row + 1) * shape.inputs), 1);
      for (let j = 0; j < outputs; j++) expect(Math.abs(values[row * outputs + j]! - plain[j]!)).toBeLessThan(rounding);
    }
    trainer.dispose();
  });

  test('a gradient step is that of plain arrays: loss, clipping, Adam', () => {
    const plain = createPlainTrainer(shape, settings, start());
    const losses = Array.from({ length: 20 }, (_, i) => plain.train(batchOf(i)));
    const backends = trained(20);
    backends.losses.forEach((loss, i) => {
      expect(Math.abs(loss / losses[i]! - 1)).toBeLessThan(10 * rounding);
    });
    expect(distance(plain.parameters, backends.parameters)).toBeLessThan(100 * rounding);
  });

  test('the same seed gives the same bytes', () => {
    expect(trained(30)).toEqual(trained(30));
  });

  test('goes on from a saved state to the bit', () => {
    const through = fresh();
    const begun = fresh();
    for (let i = 0; i < 7; i++) {
      through.train(batchOf(i));
      begun.train(batchOf(i));
    }
    const resumed = restoreTrainer(shape, settings, { ...begun, optimizer: begun.optimizer() });
    begun.dispose();
    for (let i = 7; i < 14; i++) {
      through.train(batchOf(i));
      resumed.train(batchOf(i));
    }
    expect(resumed.parameters).toEqual(through.parameters);
    expect(resumed.target).toEqual(through.target);
    expect(resumed.optimizer()).toEqual(through.optimizer());
    for (const trainer of [through, resumed]) trainer.dispose();
  });

  test('arrays handed in stay the caller’s', () => {
    const saved = { parameters: start(), target: start(), optimizer: { first: zeros(), second: zeros(), steps: 0 } };
    const trainer = restoreTrainer(shape, settings, saved);
    const { x } = batchOf(1);
    const before = trainer.predictBatch(x, rows, 'online').slice();
    for (const array of [saved.parameters, saved.target, saved.optimizer.first, saved.optimizer.second]) array.fill(7);
    trainer.parameters.fill(7);
    expect(trainer.predictBatch(x, rows, 'online')).toEqual(before);
    trainer.dispose();
  });

  test('no tensor is left behind', () => {
    const before = tf.engine().state.numTensors;
    const trainer = fresh();
    const batch = batchOf(1);
    const held = tf.engine().state.numTensors;
    for (let i = 0; i < 500; i++) {
      trainer.train(batch);
      trainer.predictBatch(batch.x, rows, i % 2 === 0 ? 'online' : 'target');
      trainer.optimizer();
    }
    expect(tf.engine().state.numTensors).toBe(held);
    trainer.dispose();
    expect(tf.engine().state.numTensors).toBe(before);
  });
}

/** Tests of native TensorFlow. Where it must be there, its absence is a failure; elsewhere it is said. */
export function describeWithNode(name: string, define: () => void): void {
  if (nodeBackendInstalled()) {
    describe(name, define);
    return;
  }
  const needed = 'native TensorFlow, which `make tensorflow` installs';
  describe(name, () => {
    if (process.env['REQUIRE_TENSORFLOW']) {
      it('is installed', () => {
        throw new Error(`this run is to cover ${needed}`);
      });
    } else {
      it.skip(`needs ${needed}`, () => {});
    }
  });
}
