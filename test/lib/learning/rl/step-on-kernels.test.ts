import fc from 'fast-check';
import {
  hiddenLayer,
  initialParameters,
  type NetworkShape,
  outputLayer,
  outputsOf,
} from '../../../../lib/learning/rl/network';
import { engineOnKernels } from '../../../../lib/learning/rl/step-on-kernels';
import type { TrainerSettings } from '../../../../lib/learning/rl/training-step';
import { seededRandom } from '../../../../lib/random/seeded';

const settings: TrainerSettings = {
  learningRate: 1e-2,
  weightDecay: 0,
  huberDelta: 5,
  gradientClip: 10,
  targetUpdate: { kind: 'copy', everySteps: 10 },
};

function plainValues(shape: NetworkShape, parameters: Float32Array, x: Float32Array, scale: number): Float32Array {
  const [first, second] = [new Float32Array(shape.hidden), new Float32Array(shape.hidden)];
  const out = new Float32Array(outputsOf(shape));
  hiddenLayer(shape, parameters, x, scale, first, second);
  outputLayer(shape, parameters, second, out);
  return out;
}

test('a prediction is that of the plain loops to the bit, before and after steps on batches of any size', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 23 }),
      fc.integer({ min: 1, max: 13 }),
      fc.integer({ min: 1, max: 7 }),
      fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 4 }),
      (inputs, hidden, actions, batches) => {
        const shape: NetworkShape = { inputs, hidden, actions, heads: 3 };
        const random = seededRandom(inputs, 'kernels', String(hidden));
        const draw = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
        const parameters = initialParameters(shape, random);
        const zeros = new Float32Array(parameters.length);
        const state = { parameters, target: parameters, optimizer: { first: zeros, second: zeros, steps: 0 } };
        const engine = engineOnKernels(shape, settings, state);
        const x = draw(inputs);
        expect(engine.predict!(x, 0.7)).toEqual(plainValues(shape, parameters, x, 0.7));
        batches.forEach((rows, i) => {
          const outputs = outputsOf(shape);
          const batch = { rows, x: draw(rows * inputs), targets: draw(rows * outputs), weights: zeros };
          const weights = new Float32Array(rows * outputs).fill(1);
          const { parameters: after } = engine.step({ ...batch, weights }, i + 1, settings);
          expect(engine.predict!(x, 0.7)).toEqual(plainValues(shape, after, x, 0.7));
        });
      },
    ),
  );
});

test('a batch that is to be scaled is one that was', () => {
  const shape: NetworkShape = { inputs: 7, hidden: 5, actions: 2, heads: 1 };
  const random = seededRandom(3, 'scaled');
  const parameters = initialParameters(shape, random);
  const zeros = new Float32Array(parameters.length);
  const state = { parameters, target: parameters, optimizer: { first: zeros, second: zeros, steps: 0 } };
  const x = Float32Array.from({ length: 3 * 7 }, () => random.normal());
  const [targets, weights] = [new Float32Array(6).fill(0.5), new Float32Array(6).fill(1)];
  const scale = 1.1234567891234;
  const stepped = (batch: { x: Float32Array; inputScale?: number }): Float32Array =>
    engineOnKernels(shape, settings, state).step({ rows: 3, targets, weights, ...batch }, 1, settings).parameters;
  expect(stepped({ x, inputScale: scale })).toEqual(stepped({ x: x.map((value) => value * scale) }));
});
