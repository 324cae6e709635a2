/**
 * One gradient step on the kernels: what the tensor backend does in fifty calls, in ten, and of the last layer only what
 * the batch has targets for. Backwards by hand: three dense layers need no tape. A network has a memory of its own, where its
 * parameters and Adam's moments stay from step to step.
 */
import {
  floatsAt,
  instantiateKernels,
  type KernelMemory,
  type Kernels,
  kernels,
  layOut,
  memoryOf,
  pageBytes,
  placesFrom,
} from '../kernels/kernels';
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
const doubleBytes = 8;

/** On the project's own kernels: networks this small are faster there than on TensorFlow.js. */
export const engineOnKernels: StartEngine = (shape, settings, state): Engine => {
  const network = new NetworkInMemory(shape);
  network.theta.set(state.parameters);
  network.first.set(state.optimizer.first);
  network.second.set(state.optimizer.second);
  return {
    step: (batch, steps, rates) => ({
      report: network.step(settings, batch, steps, rates),
      parameters: network.theta,
    }),
    predict: (x, inputScale) => network.predict(x, inputScale),
    valuesOf: (x, rows, others) => valuesOnKernels(shape, others ?? network.theta, x, rows),
    moments: () => ({ first: network.first.slice(), second: network.second.slice() }),
    dispose() {},
  };
};

/** What a batch of so many rows needs, made anew when a larger one comes. */
interface Workplace {
  readonly rows: number;
  readonly x: number;
  readonly targets: number;
  readonly weights: number;
  readonly h1: number;
  readonly h2: number;
  readonly values: number;
  readonly g1: number;
  readonly g2: number;
}

/** Parameters, Adam's moments and the places that a step works in, all in one memory with its kernels. */
class NetworkInMemory {
  theta!: Float32Array;
  first!: Float32Array;
  second!: Float32Array;
  private readonly memory: KernelMemory;
  private readonly kernels: Kernels;
  private readonly at: Readonly<
    Record<'theta' | 'first' | 'second' | 'gradient' | 'turned' | 'last' | 'gLast' | 'input' | 'middle' | 'out', number>
  >;
  private readonly end: number;
  private workplace: Workplace | null = null;
  private input!: Float64Array;
  private middle!: Float64Array;
  private out!: Float32Array;

  constructor(private readonly shape: NetworkShape) {
    const { inputs, hidden } = shape;
    const outputs = outputsOf(shape);
    const count = parameterCount(shape);
    const {
      addresses: [theta, first, second, gradient, turned, last, gLast, input, middle, out],
      end,
    } = placesFrom(0, [
      count,
      count,
      count,
      count,
      hidden * hidden,
      hidden * outputs,
      hidden * outputs,
      2 * inputs,
      2 * hidden,
      Math.max(hidden, outputs),
    ]);
    this.at = { theta, first, second, gradient, turned, last, gLast, input, middle, out };
    this.end = end;
    this.memory = memoryOf(end);
    this.kernels = instantiateKernels(this.memory);
    this.takeViews();
  }

  /** Growing leaves earlier views of the memory empty. */
  private takeViews(): void {
    const { buffer } = this.memory;
    const { inputs, hidden } = this.shape;
    const count = parameterCount(this.shape);
    this.theta = new Float32Array(buffer, this.at.theta, count);
    this.first = new Float32Array(buffer, this.at.first, count);
    this.second = new Float32Array(buffer, this.at.second, count);
    this.input = new Float64Array(buffer, this.at.input, inputs);
    this.middle = new Float64Array(buffer, this.at.middle, hidden);
    this.out = new Float32Array(buffer, this.at.out, Math.max(hidden, outputsOf(this.shape)));
  }

  private placeFor(rows: number): Workplace {
    if (this.workplace?.rows === rows) return this.workplace;
    const { inputs, hidden } = this.shape;
    const outputs = outputsOf(this.shape);
    const {
      addresses: [x, targets, weights, h1, h2, values, g1, g2],
      end,
    } = placesFrom(this.end, [
      rows * inputs,
      rows * outputs,
      rows * outputs,
      rows * hidden,
      rows * hidden,
      rows * outputs,
      rows * hidden,
      rows * hidden,
    ]);
    const missing = end - this.memory.buffer.byteLength;
    if (missing > 0) {
      this.memory.grow(Math.ceil(missing / pageBytes));
      this.takeViews();
    }
    this.workplace = { rows, x, targets, weights, h1, h2, values, g1, g2 };
    return this.workplace;
  }

  /** `step` counts from 1. */
  step(settings: TrainerSettings, batch: Batch, step: number, rates: AdamRates): TrainingStep {
    const { shape, kernels: code } = this;
    const { inputs, hidden } = shape;
    const outputs = outputsOf(shape);
    const count = parameterCount(shape);
    const { rows, x, targets, weights, h1, h2, values, g1, g2 } = this.placeFor(batch.rows);
    const { theta, first, second, gradient, turned, last, gLast } = this.at;
    const { buffer } = this.memory;
    const at = (start: number, parameter: number): number => start + floatBytes * parameter;
    const second2 = secondLayerAt(shape);
    const output = outputLayerAt(shape);
    new Float32Array(buffer, x, rows * inputs).set(batch.x);
    if (batch.inputScale !== undefined) code.scale(x, rows * inputs, batch.inputScale);
    new Float32Array(buffer, targets, rows * outputs).set(batch.targets);
    new Float32Array(buffer, weights, rows * outputs).set(batch.weights);
    code.multiply(x, inputs, 1, theta, h1, rows, inputs, hidden, 0);
    code.addBiasAndRectify(h1, at(theta, hiddenBiasAt(shape)), rows, hidden);
    code.multiply(h1, hidden, 1, at(theta, second2), h2, rows, hidden, hidden, 0);
    code.addBiasAndRectify(h2, at(theta, secondBiasAt(shape)), rows, hidden);
    code.transpose(at(theta, output), last, hidden, outputs);
    const loss = code.outputLayer(
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
    code.transpose(gLast, at(gradient, output), outputs, hidden);
    code.maskRectified(g2, h2, rows * hidden);
    code.multiply(h1, 1, hidden, g2, at(gradient, second2), hidden, rows, hidden, 0);
    code.sumRows(g2, at(gradient, secondBiasAt(shape)), rows, hidden);
    code.transpose(at(theta, second2), turned, hidden, hidden);
    code.multiply(g2, hidden, 1, turned, g1, rows, hidden, hidden, 0);
    code.maskRectified(g1, h1, rows * hidden);
    code.multiply(x, 1, inputs, g1, gradient, inputs, rows, hidden, 0);
    code.sumRows(g1, at(gradient, hiddenBiasAt(shape)), rows, hidden);
    const gradientNorm = code.norm(gradient, count);
    code.adam(
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
    return { loss, gradientNorm, values: new Float32Array(buffer, values, rows * outputs) };
  }

  /** One row, summed as `hiddenLayer` and `outputLayer` do it on plain memory. */
  predict(x: Float32Array, inputScale: number): Float32Array {
    const { shape, input, middle } = this;
    const { inputs, hidden } = shape;
    const outputs = outputsOf(shape);
    for (let i = 0; i < inputs; i++) input[i] = x[i]! * inputScale;
    this.layer(this.at.input, input, 0, hiddenBiasAt(shape), hidden);
    this.rectify();
    this.layer(this.at.middle, middle, secondLayerAt(shape), secondBiasAt(shape), hidden);
    this.rectify();
    this.layer(this.at.middle, middle, outputLayerAt(shape), outputBiasAt(shape), outputs);
    return this.out.subarray(0, outputs);
  }

  private layer(inputAt: number, input: Float64Array, weightsAt: number, biasAt: number, width: number): void {
    const { out, theta } = this;
    const inputs = input.length;
    const whole = inputs & ~3;
    out.set(theta.subarray(biasAt, biasAt + width));
    const stride = floatBytes * width;
    this.kernels.exactLayer(
      this.at.theta + floatBytes * weightsAt,
      stride,
      inputAt,
      inputAt + doubleBytes * whole,
      this.at.out,
      this.at.out + stride,
    );
    for (let i = whole; i < inputs; i++) {
      const value = input[i]!;
      for (let j = 0, k = weightsAt + i * width; j < width; j++, k++) out[j] = out[j]! + value * theta[k]!;
    }
  }

  private rectify(): void {
    const { out, middle } = this;
    for (let j = 0; j < middle.length; j++) {
      if (out[j]! < 0) middle[j] = 0;
      else middle[j] = out[j]!;
    }
  }
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
