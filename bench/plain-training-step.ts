/**
 * The trainer's gradient step as plain loops over Float32Arrays: what a tensor backend has to beat, and what its results
 * are compared with. Rows of a matrix lie one after the other; every inner loop runs along them.
 */
import {
  hiddenBiasAt,
  type NetworkShape,
  outputBiasAt,
  outputLayerAt,
  outputsOf,
  parameterCount,
  secondBiasAt,
  secondLayerAt,
} from '../lib/learning/rl/network';
import type { Batch, TrainerSettings } from '../lib/learning/rl/training-step';

export interface PlainTrainer {
  readonly parameters: Float32Array;
  /** One step: forward, Huber, backward, clip, Adam. Returns the loss. */
  train(batch: Batch): number;
}

const [beta1, beta2, epsilon] = [0.9, 0.999, 1e-8];

/** Copies the parameters. */
export function createPlainTrainer(shape: NetworkShape, settings: TrainerSettings, start: Float32Array): PlainTrainer {
  const { inputs, hidden } = shape;
  const outputs = outputsOf(shape);
  const parameters = Float32Array.from(start);
  const gradient = new Float32Array(parameterCount(shape));
  const first = new Float32Array(parameters.length);
  const second = new Float32Array(parameters.length);
  const layers = [
    { from: inputs, to: hidden, weights: 0, bias: hiddenBiasAt(shape) },
    { from: hidden, to: hidden, weights: secondLayerAt(shape), bias: secondBiasAt(shape) },
    { from: hidden, to: outputs, weights: outputLayerAt(shape), bias: outputBiasAt(shape) },
  ];
  let steps = 0;
  return {
    parameters,
    train(batch) {
      const values = [batch.x];
      layers.forEach((layer, i) => {
        values.push(dense(layer, parameters, values[i]!, batch.rows, i < 2));
      });
      let { loss, error } = huber(values[3]!, batch, settings.huberDelta);
      for (let i = 2; i >= 0; i--) error = backward(layers[i]!, parameters, gradient, values[i]!, error, batch.rows);
      steps++;
      adam(parameters, gradient, first, second, steps, settings);
      return loss;
    },
  };
}

interface Layer {
  readonly from: number;
  readonly to: number;
  readonly weights: number;
  readonly bias: number;
}

function dense(layer: Layer, theta: Float32Array, input: Float32Array, rows: number, rectified: boolean): Float32Array {
  const { from, to, weights, bias } = layer;
  const out = new Float32Array(rows * to);
  for (let row = 0; row < rows; row++) {
    const at = row * to;
    for (let j = 0; j < to; j++) out[at + j] = theta[bias + j]!;
    for (let i = 0; i < from; i++) {
      const value = input[row * from + i]!;
      if (value === 0) continue;
      for (let j = 0, k = weights + i * to; j < to; j++, k++) out[at + j] = out[at + j]! + value * theta[k]!;
    }
    if (rectified) for (let j = at; j < at + to; j++) if (out[j]! < 0) out[j] = 0;
  }
  return out;
}

function huber(q: Float32Array, batch: Batch, delta: number): { loss: number; error: Float32Array } {
  const error = new Float32Array(q.length);
  let loss = 0;
  for (let i = 0; i < q.length; i++) {
    const difference = q[i]! - batch.targets[i]!;
    const clipped = Math.max(-delta, Math.min(delta, difference));
    error[i] = (clipped * batch.weights[i]!) / batch.rows;
    loss += error[i]! * (difference - clipped / 2);
  }
  return { loss, error };
}

/** Writes the layer's gradient; returns the error of its input, through the rectifier that made it. */
function backward(
  layer: Layer,
  theta: Float32Array,
  gradient: Float32Array,
  input: Float32Array,
  error: Float32Array,
  rows: number,
): Float32Array {
  const { from, to, weights, bias } = layer;
  const before = new Float32Array(rows * from);
  gradient.fill(0, weights, weights + from * to);
  gradient.fill(0, bias, bias + to);
  for (let row = 0; row < rows; row++) {
    const at = row * to;
    for (let j = 0; j < to; j++) gradient[bias + j] = gradient[bias + j]! + error[at + j]!;
    for (let i = 0; i < from; i++) {
      const value = input[row * from + i]!;
      if (value === 0) continue;
      let sum = 0;
      for (let j = 0, k = weights + i * to; j < to; j++, k++) {
        sum += error[at + j]! * theta[k]!;
        gradient[k] = gradient[k]! + value * error[at + j]!;
      }
      if (value > 0) before[row * from + i] = sum;
    }
  }
  return before;
}

function adam(
  theta: Float32Array,
  gradient: Float32Array,
  first: Float32Array,
  second: Float32Array,
  steps: number,
  { learningRate, weightDecay, gradientClip }: TrainerSettings,
): void {
  let squares = 0;
  for (let i = 0; i < gradient.length; i++) squares += gradient[i]! * gradient[i]!;
  const factor = Math.min(1, gradientClip / (Math.sqrt(squares) + 1e-12));
  const rate = learningRate / (1 - beta1 ** steps);
  const correction = 1 / (1 - beta2 ** steps);
  for (let i = 0; i < theta.length; i++) {
    const slope = gradient[i]! * factor;
    first[i] = beta1 * first[i]! + (1 - beta1) * slope;
    second[i] = beta2 * second[i]! + (1 - beta2) * slope * slope;
    const spread = Math.sqrt(second[i]! * correction) + epsilon;
    theta[i] = theta[i]! * (1 - weightDecay * learningRate) - (rate * first[i]!) / spread;
  }
}
