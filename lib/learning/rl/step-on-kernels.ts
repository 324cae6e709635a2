/**
 * One gradient step on the kernels: what the tensor backend does in fifty calls, in ten, and of the last layer only what
 * the batch has targets for. Backwards by hand: three dense layers need no tape.
 */
import { floatsAt, kernels, layOut } from '../kernels/kernels';
import { type AdamRates, beta1, beta2, epsilon } from './adam-rates';
import type { Engine, StartEngine } from './engine';
import {
  hiddenBiasAt,
  type NetworkShape,
  outputBiasAt,
  outputLayerAt,
  outputsOf,
  parameterCount,
  secondBiasAt,
  secondLayerAt,
} from './network';
import type { Batch, TrainerSettings, TrainingStep } from './training-step';

const floatBytes = 4;

/** On the project's own kernels: networks this small are faster there than on TensorFlow.js. */
export const engineOnKernels: StartEngine = (shape, settings, state): Engine => {
  const held: StepState = {
    theta: Float32Array.from(state.parameters),
    first: Float32Array.from(state.optimizer.first),
    second: Float32Array.from(state.optimizer.second),
  };
  return {
    step: (batch, steps, rates) => ({
      report: stepOnKernels(shape, settings, held, batch, steps, rates),
      parameters: held.theta,
    }),
    valuesOf: (x, rows, others) => valuesOnKernels(shape, others ?? held.theta, x, rows),
    moments: () => ({ first: held.first.slice(), second: held.second.slice() }),
    dispose() {},
  };
};

/** Parameters and Adam's moments, written in place. */
interface StepState {
  readonly theta: Float32Array;
  readonly first: Float32Array;
  readonly second: Float32Array;
}

/** `step` counts from 1. */
function stepOnKernels(
  shape: NetworkShape,
  settings: TrainerSettings,
  state: StepState,
  batch: Batch,
  step: number,
  rates: AdamRates,
): TrainingStep {
  const { inputs, hidden } = shape;
  const outputs = outputsOf(shape);
  const count = parameterCount(shape);
  const { rows } = batch;
  const [theta, first, second, gradient, x, targets, weights, h1, h2, values, g1, g2, turned, last, gLast] = layOut([
    count,
    count,
    count,
    count,
    rows * inputs,
    rows * outputs,
    rows * outputs,
    rows * hidden,
    rows * hidden,
    rows * outputs,
    rows * hidden,
    rows * hidden,
    hidden * hidden,
    hidden * outputs,
    hidden * outputs,
  ]);
  const at = (start: number, parameter: number): number => start + floatBytes * parameter;
  const second2 = secondLayerAt(shape);
  const output = outputLayerAt(shape);
  floatsAt(theta, count).set(state.theta);
  floatsAt(first, count).set(state.first);
  floatsAt(second, count).set(state.second);
  floatsAt(x, rows * inputs).set(batch.x);
  floatsAt(targets, rows * outputs).set(batch.targets);
  floatsAt(weights, rows * outputs).set(batch.weights);
  kernels.multiply(x, inputs, 1, theta, h1, rows, inputs, hidden, 0);
  kernels.addBiasAndRectify(h1, at(theta, hiddenBiasAt(shape)), rows, hidden);
  kernels.multiply(h1, hidden, 1, at(theta, second2), h2, rows, hidden, hidden, 0);
  kernels.addBiasAndRectify(h2, at(theta, secondBiasAt(shape)), rows, hidden);
  kernels.transpose(at(theta, output), last, hidden, outputs);
  const loss = kernels.outputLayer(
    h2,
    last,
    at(theta, outputBiasAt(shape)),
    targets,
    weights,
    rows,
    hidden,
    outputs,
    settings.huberDelta,
    values,
    g2,
    gLast,
    at(gradient, outputBiasAt(shape)),
  );
  kernels.transpose(gLast, at(gradient, output), outputs, hidden);
  kernels.maskRectified(g2, h2, rows * hidden);
  kernels.multiply(h1, 1, hidden, g2, at(gradient, second2), hidden, rows, hidden, 0);
  kernels.sumRows(g2, at(gradient, secondBiasAt(shape)), rows, hidden);
  kernels.transpose(at(theta, second2), turned, hidden, hidden);
  kernels.multiply(g2, hidden, 1, turned, g1, rows, hidden, hidden, 0);
  kernels.maskRectified(g1, h1, rows * hidden);
  kernels.multiply(x, 1, inputs, g1, gradient, inputs, rows, hidden, 0);
  kernels.sumRows(g1, at(gradient, hiddenBiasAt(shape)), rows, hidden);
  const gradientNorm = kernels.norm(gradient, count);
  kernels.adam(
    theta,
    first,
    second,
    gradient,
    count,
    Math.min(1, settings.gradientClip / (gradientNorm + 1e-12)),
    beta1,
    beta2,
    rates.learningRate / (1 - beta1 ** step),
    1 / (1 - beta2 ** step),
    1 - rates.weightDecay * rates.learningRate,
    epsilon,
  );
  state.theta.set(floatsAt(theta, count));
  state.first.set(floatsAt(first, count));
  state.second.set(floatsAt(second, count));
  return { loss, gradientNorm, values: floatsAt(values, rows * outputs).slice() };
}

/** Values of many inputs (rows x inputs) at once: rows x (actions * heads). */
function valuesOnKernels(
  shape: NetworkShape,
  parameters: Float32Array,
  batch: Float32Array,
  rows: number,
): Float32Array {
  const { inputs, hidden } = shape;
  const outputs = outputsOf(shape);
  const count = parameterCount(shape);
  const [theta, x, h1, h2, values] = layOut([count, rows * inputs, rows * hidden, rows * hidden, rows * outputs]);
  floatsAt(theta, count).set(parameters);
  floatsAt(x, rows * inputs).set(batch);
  const at = (parameter: number): number => theta + floatBytes * parameter;
  kernels.multiply(x, inputs, 1, theta, h1, rows, inputs, hidden, 0);
  kernels.addBiasAndRectify(h1, at(hiddenBiasAt(shape)), rows, hidden);
  kernels.multiply(h1, hidden, 1, at(secondLayerAt(shape)), h2, rows, hidden, hidden, 0);
  kernels.addBiasAndRectify(h2, at(secondBiasAt(shape)), rows, hidden);
  kernels.multiply(h2, hidden, 1, at(outputLayerAt(shape)), values, rows, hidden, outputs, 0);
  const result = floatsAt(values, rows * outputs).slice();
  const bias = parameters.subarray(outputBiasAt(shape), outputBiasAt(shape) + outputs);
  for (let i = 0; i < result.length; i++) result[i] = result[i]! + bias[i % outputs]!;
  return result;
}
