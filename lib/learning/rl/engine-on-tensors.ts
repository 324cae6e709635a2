/** Gradient steps on TensorFlow.js: a dozen kernels for the optimiser, three dense layers backwards by hand. */

import * as tf from '@tensorflow/tfjs-core';
import { type AdamTensors, adamStep, clipByNorm } from './adam';
import type { AdamRates } from './adam-rates';
import type { Engine, StartEngine } from './engine';
import { huberLoss } from './huber';
import {
  hiddenBiasAt,
  type NetworkShape,
  outputBiasAt,
  outputLayerAt,
  outputsOf,
  secondBiasAt,
  secondLayerAt,
} from './network';
import type { Batch, TrainerSettings } from './training-step';

/**
 * On the TensorFlow.js backend in use in this thread. Required where that backend is made ready, and nowhere else.
 * @public
 */
export const engineOnTensors: StartEngine = (shape, settings, state): Engine => {
  // Memory of their own: a backend may use an array where it lies.
  let tensors: AdamTensors = {
    theta: tf.tensor1d(state.parameters.slice()),
    first: tf.tensor1d(state.optimizer.first.slice()),
    second: tf.tensor1d(state.optimizer.second.slice()),
  };
  const free = (): void => tf.dispose([tensors.theta, tensors.first, tensors.second]);
  return {
    step(batch, steps, rates) {
      const { loss, norm, values, ...updated } = tf.tidy<Stepped>(() =>
        step(shape, settings, tensors, batch, steps, rates),
      );
      free();
      tensors = updated;
      const report = {
        loss: loss.dataSync()[0]!,
        gradientNorm: norm.dataSync()[0]!,
        values: values.dataSync() as Float32Array,
      };
      tf.dispose([loss, norm, values]);
      return { report, parameters: tensors.theta.dataSync() as Float32Array };
    },
    predict: null,
    valuesOf(x, rows, others) {
      const values = tf.tidy(() => {
        const theta = others ? tf.tensor1d(others) : tensors.theta;
        return forward(shape, theta, tf.tensor2d(x, [rows, shape.inputs])).q;
      });
      const result = values.dataSync() as Float32Array;
      values.dispose();
      return result;
    },
    moments: () => ({
      first: Float32Array.from(tensors.first.dataSync()),
      second: Float32Array.from(tensors.second.dataSync()),
    }),
    dispose: free,
  };
};

type Stepped = AdamTensors & { loss: tf.Scalar; norm: tf.Scalar; values: tf.Tensor2D };

/** Values, loss, gradient, clip, Adam: new tensors for the old. */
function step(
  shape: NetworkShape,
  settings: TrainerSettings,
  tensors: AdamTensors,
  batch: Batch,
  steps: number,
  rates: AdamRates,
): Stepped {
  const outputs = outputsOf(shape);
  const { inputScale } = batch;
  const inputs = inputScale === undefined ? batch.x : batch.x.map((value) => value * inputScale);
  const x = tf.tensor2d(inputs, [batch.rows, shape.inputs]);
  const targets = tf.tensor2d(batch.targets, [batch.rows, outputs]);
  const weights = tf.tensor2d(batch.weights, [batch.rows, outputs]);
  const { h1, h2, q, w2, w3 } = forward(shape, tensors.theta, x);
  const { loss, gradient: dq } = huberLoss(tf.sub(q, targets), weights, batch.rows, settings.huberDelta);
  // Backwards by hand: three dense layers need no tape, and wasm's matMul falls to a slow loop when an operand is only
  // marked as transposed, so the transposes are made for real.
  const dh2 = tf.mul(tf.matMul(dq, tf.transpose(w3)), tf.step(h2)) as tf.Tensor2D;
  const dh1 = tf.mul(tf.matMul(dh2, tf.transpose(w2)), tf.step(h1)) as tf.Tensor2D;
  const gradient = tf.concat1d([...layerGradient(x, dh1), ...layerGradient(h1, dh2), ...layerGradient(h2, dq)]);
  const { clipped, norm } = clipByNorm(gradient, settings.gradientClip);
  const moved = adamStep(tensors, clipped, steps, rates);
  return { ...moved, loss, norm, values: q };
}

interface Layers {
  readonly h1: tf.Tensor2D;
  readonly h2: tf.Tensor2D;
  readonly q: tf.Tensor2D;
  readonly w2: tf.Tensor2D;
  readonly w3: tf.Tensor2D;
}

function forward(shape: NetworkShape, theta: tf.Tensor1D, x: tf.Tensor2D): Layers {
  const { inputs, hidden } = shape;
  const outputs = outputsOf(shape);
  const part = (from: number, rows: number, columns: number): tf.Tensor2D =>
    tf.reshape(tf.slice1d(theta, from, rows * columns), [rows, columns]);
  const w1 = part(0, inputs, hidden);
  const w2 = part(secondLayerAt(shape), hidden, hidden);
  const w3 = part(outputLayerAt(shape), hidden, outputs);
  const h1 = tf.relu(tf.add(tf.matMul(x, w1), part(hiddenBiasAt(shape), 1, hidden))) as tf.Tensor2D;
  const h2 = tf.relu(tf.add(tf.matMul(h1, w2), part(secondBiasAt(shape), 1, hidden))) as tf.Tensor2D;
  const q = tf.add(tf.matMul(h2, w3), part(outputBiasAt(shape), 1, outputs)) as tf.Tensor2D;
  return { h1, h2, q, w2, w3 };
}

/** Gradients of a dense layer's weights and bias, flat. */
function layerGradient(input: tf.Tensor2D, dOutput: tf.Tensor2D): [tf.Tensor1D, tf.Tensor1D] {
  const weights = tf.matMul(tf.transpose(input), dOutput);
  return [tf.reshape(weights, [weights.size]), tf.sum(dOutput, 0)];
}
