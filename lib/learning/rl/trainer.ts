/**
 * Trains a Q-network: one gradient step on a batch of targets, on TensorFlow.js, with a target network that follows.
 * It does not know where targets come from: one-shot requests, sessions and control tasks all end here.
 */

import * as tf from '@tensorflow/tfjs-core';
import type { Random } from '../../ports/random';
import { type AdamRates, type AdamTensors, adamStep, clipByNorm } from './adam';
import { huberLoss } from './huber';
import {
  hiddenBiasAt,
  hiddenLayer,
  initialParameters,
  type NetworkShape,
  outputBiasAt,
  outputLayer,
  outputLayerAt,
  outputsOf,
  parameterCount,
  secondBiasAt,
  secondLayerAt,
} from './network';
import { type StepState, stepOnKernels, valuesOnKernels } from './step-on-kernels';
import type { Batch, TargetUpdate, TrainerSettings, TrainingStep } from './training-step';

/** What one step does otherwise than the settings say. */
export interface StepRates {
  /** Times the learning rate; 1 by default. */
  readonly rateFactor?: number;
  /** Instead of that of the settings. */
  readonly weightDecay?: number;
}

export type WhichNetwork = 'online' | 'target';

export interface Trainer {
  readonly shape: NetworkShape;
  readonly settings: TrainerSettings;
  /** Mirror of the tensors on plain memory: what acts, is published and saved. */
  readonly parameters: Float32Array;
  readonly target: Float32Array;
  /** One gradient step. */
  train(batch: Batch, rates?: StepRates): TrainingStep;
  /** Values of all actions (actions x heads) for one input, on plain memory; reused by the next call. */
  predict(x: Float32Array, inputScale: number, which?: WhichNetwork): Float32Array;
  /** Values of many inputs (rows x inputs) at once, on the tensor backend. */
  predictBatch(x: Float32Array, rows: number, which: WhichNetwork): Float32Array;
  /** Adam's moments, for checkpoints. */
  optimizer(): OptimizerState;
  dispose(): void;
}

export interface OptimizerState {
  readonly first: Float32Array;
  readonly second: Float32Array;
  readonly steps: number;
}

export interface TrainerState {
  readonly parameters: Float32Array;
  readonly target: Float32Array;
  readonly optimizer: OptimizerState;
}

/** A network with random weights. The backend must be ready. */
export function createTrainer(shape: NetworkShape, settings: TrainerSettings, random: Random): Trainer {
  const parameters = initialParameters(shape, random);
  const zeros = new Float32Array(parameterCount(shape));
  return restoreTrainer(shape, settings, {
    parameters,
    target: parameters,
    optimizer: { first: zeros, second: zeros, steps: 0 },
  });
}

/**
 * A network that continues where a saved one stopped, to the bit. Copies the state. On native TensorFlow where that is the
 * backend in use, on the project's own kernels otherwise: networks this small are faster there than on TensorFlow's wasm.
 */
export function restoreTrainer(shape: NetworkShape, settings: TrainerSettings, state: TrainerState): Trainer {
  return tf.getBackend() === 'tensorflow'
    ? trainerOnTensors(shape, settings, state)
    : trainerOnKernels(shape, settings, state);
}

function trainerOnKernels(shape: NetworkShape, settings: TrainerSettings, state: TrainerState): Trainer {
  const parameters = Float32Array.from(state.parameters);
  const target = Float32Array.from(state.target);
  const held: StepState = {
    theta: Float32Array.from(state.parameters),
    first: Float32Array.from(state.optimizer.first),
    second: Float32Array.from(state.optimizer.second),
  };
  let { steps } = state.optimizer;
  return {
    shape,
    settings,
    parameters,
    target,
    train(batch, { rateFactor = 1, weightDecay = settings.weightDecay } = {}) {
      steps++;
      const rates = { learningRate: settings.learningRate * rateFactor, weightDecay };
      const report = stepOnKernels(shape, settings, held, batch, steps, rates);
      parameters.set(held.theta);
      follow(target, parameters, steps, settings.targetUpdate);
      return report;
    },
    predict: predictor(shape, parameters, target),
    predictBatch: (x, rows, which) => valuesOnKernels(shape, which === 'online' ? held.theta : target, x, rows),
    optimizer: () => ({ first: held.first.slice(), second: held.second.slice(), steps }),
    dispose() {},
  };
}

/** Values of one input, on plain memory: one row is faster there than anywhere. */
function predictor(shape: NetworkShape, parameters: Float32Array, target: Float32Array): Trainer['predict'] {
  const hidden = new Float32Array(shape.hidden);
  const lastHidden = new Float32Array(shape.hidden);
  const out = new Float32Array(outputsOf(shape));
  return (x, inputScale, which = 'online') => {
    const from = which === 'online' ? parameters : target;
    hiddenLayer(shape, from, x, inputScale, hidden, lastHidden);
    outputLayer(shape, from, lastHidden, out);
    return out;
  };
}

function trainerOnTensors(shape: NetworkShape, settings: TrainerSettings, state: TrainerState): Trainer {
  const parameters = Float32Array.from(state.parameters);
  const target = Float32Array.from(state.target);
  let steps = state.optimizer.steps;
  // Memory of their own: a backend may use an array where it lies.
  let tensors: AdamTensors = {
    theta: tf.tensor1d(parameters.slice()),
    first: tf.tensor1d(state.optimizer.first.slice()),
    second: tf.tensor1d(state.optimizer.second.slice()),
  };
  const free = (): void => tf.dispose([tensors.theta, tensors.first, tensors.second]);
  return {
    shape,
    settings,
    parameters,
    target,
    train(batch, { rateFactor = 1, weightDecay = settings.weightDecay } = {}) {
      steps++;
      const rates = { learningRate: settings.learningRate * rateFactor, weightDecay };
      const { loss, norm, values, ...updated } = tf.tidy<Stepped>(() =>
        step(shape, settings, tensors, batch, steps, rates),
      );
      free();
      tensors = updated;
      parameters.set(tensors.theta.dataSync());
      follow(target, parameters, steps, settings.targetUpdate);
      const report = {
        loss: loss.dataSync()[0]!,
        gradientNorm: norm.dataSync()[0]!,
        values: values.dataSync() as Float32Array,
      };
      tf.dispose([loss, norm, values]);
      return report;
    },
    predict: predictor(shape, parameters, target),
    predictBatch(x, rows, which) {
      const values = tf.tidy(() => {
        const theta = which === 'online' ? tensors.theta : tf.tensor1d(target);
        return forward(shape, theta, tf.tensor2d(x, [rows, shape.inputs])).q;
      });
      const result = values.dataSync() as Float32Array;
      values.dispose();
      return result;
    },
    optimizer: () => ({
      first: Float32Array.from(tensors.first.dataSync()),
      second: Float32Array.from(tensors.second.dataSync()),
      steps,
    }),
    dispose: free,
  };
}

/** Moves the target network after the `steps`-th step. */
function follow(target: Float32Array, online: Float32Array, steps: number, update: TargetUpdate): void {
  if (update.kind === 'polyak') {
    const { share } = update;
    for (let i = 0; i < target.length; i++) target[i] = target[i]! + share * (online[i]! - target[i]!);
  } else if (steps % update.everySteps === 0) {
    target.set(online);
  }
}

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
  const x = tf.tensor2d(batch.x, [batch.rows, shape.inputs]);
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
