/**
 * The neural half of the value function: a Q-network with bootstrap heads, trained on TensorFlow.js from a FIFO replay,
 * with a target network for sessions. The algorithm is Double DQN; with discount 0 (a one-shot request is a bandit) its
 * target is the reward.
 */
import * as tf from '@tensorflow/tfjs-core';
import type { Random } from '../ports/random';
import { headCount } from './linear-half';
import {
  hiddenBiasAt,
  hiddenLayer,
  initialParameters,
  type NetworkShape,
  outputBiasAt,
  outputLayer,
  outputLayerAt,
  parameterCount,
  secondBiasAt,
  secondLayerAt,
} from './q-network-forward';

/** Units per hidden layer; wider ones win on control tasks and lose on a few thousand rewards. */
export const hiddenUnits = 64;
/** Rows of a batch. */
export const batchRows = 64;
/** Adam (Kingma and Ba 2015); the rate is high because the network must follow a stream, not converge. */
const learningRate = 2e-3;
const adamBeta1 = 0.9;
const adamBeta2 = 0.999;
const adamEpsilon = 1e-8;
/** Decoupled weight decay per unit of learning rate. */
const weightDecay = 0.02;
/** Huber threshold in deviations of the reward: only absurd errors are cut. */
const huberDelta = 5;
/** Norm gradients are clipped to: the usual 10 for each head, the loss being a sum over heads. */
const gradientClip = 10 * Math.sqrt(headCount);
/** Share of rows each head learns from. Different shares keep the heads apart: that is where exploration comes from. */
export const bootstrapShare = 0.8;
/** Steps between hard copies to the target network. */
const targetCopySteps = 100;

export interface Batch {
  readonly rows: number;
  /** rows x inputs, at unit root mean square. */
  readonly x: Float32Array;
  /** rows x (arms * headCount): what each head should say... */
  readonly targets: Float32Array;
  /** ...and how much that counts; 0 where nothing is known. */
  readonly weights: Float32Array;
}

export interface NeuralHalf {
  readonly shape: NetworkShape;
  /** Mirror of the tensors on plain memory: what predicts, is published and saved. */
  readonly parameters: Float32Array;
  readonly target: Float32Array;
  /** One gradient step. Returns the loss. */
  train(batch: Batch): number;
  /** Heads of all arms for one input (arms x headCount), from the online or the target network; reused by the next call. */
  predict(x: Float32Array, inputScale: number, which?: 'online' | 'target'): Float32Array;
  /** Adam's moments, for checkpoints. */
  optimizer(): OptimizerState;
  dispose(): void;
}

export interface OptimizerState {
  readonly first: Float32Array;
  readonly second: Float32Array;
  readonly steps: number;
}

export interface NeuralState {
  readonly parameters: Float32Array;
  readonly target: Float32Array;
  readonly optimizer: OptimizerState;
}

/** A fresh network, or one from a saved state. The backend must be ready. */
export function createNeuralHalf(shape: NetworkShape, random: Random | null, state?: NeuralState): NeuralHalf {
  const size = parameterCount(shape);
  const parameters = Float32Array.from(state?.parameters ?? initialParameters(shape, random!));
  const target = Float32Array.from(state?.target ?? parameters);
  let steps = state?.optimizer.steps ?? 0;
  const tensors = {
    theta: tf.tensor1d(parameters),
    first: tf.tensor1d(state?.optimizer.first ?? new Float32Array(size)),
    second: tf.tensor1d(state?.optimizer.second ?? new Float32Array(size)),
  };
  const hidden = new Float32Array(shape.hidden);
  const lastHidden = new Float32Array(shape.hidden);
  const out = new Float32Array(shape.arms * headCount);
  return {
    shape,
    parameters,
    target,
    train(batch) {
      steps++;
      const { loss, ...updated } = tf.tidy<Stepped>(() => step(shape, tensors, batch, steps));
      tf.dispose([tensors.theta, tensors.first, tensors.second]);
      Object.assign(tensors, updated);
      parameters.set(tensors.theta.dataSync());
      if (steps % targetCopySteps === 0) target.set(parameters);
      const value = loss.dataSync()[0]!;
      loss.dispose();
      return value;
    },
    predict(x, inputScale, which = 'online') {
      const from = which === 'online' ? parameters : target;
      hiddenLayer(shape, from, x, inputScale, hidden, lastHidden);
      outputLayer(shape, from, lastHidden, out);
      return out;
    },
    optimizer: () => ({
      first: Float32Array.from(tensors.first.dataSync()),
      second: Float32Array.from(tensors.second.dataSync()),
      steps,
    }),
    dispose: () => tf.dispose([tensors.theta, tensors.first, tensors.second]),
  };
}

type Tensors = { theta: tf.Tensor1D; first: tf.Tensor1D; second: tf.Tensor1D };
type Stepped = Tensors & { loss: tf.Scalar };

/** Loss, gradient, clip, Adam: new tensors for the old. */
function step(shape: NetworkShape, tensors: Tensors, batch: Batch, steps: number): Stepped {
  const { inputs, hidden, arms } = shape;
  const outputs = arms * headCount;
  const part = (from: number, rows: number, columns: number): tf.Tensor2D =>
    tf.reshape(tf.slice1d(tensors.theta, from, rows * columns), [rows, columns]);
  const x = tf.tensor2d(batch.x, [batch.rows, inputs]);
  const targets = tf.tensor2d(batch.targets, [batch.rows, outputs]);
  const weights = tf.tensor2d(batch.weights, [batch.rows, outputs]);
  const w1 = part(0, inputs, hidden);
  const w2 = part(secondLayerAt(shape), hidden, hidden);
  const w3 = part(outputLayerAt(shape), hidden, outputs);
  const h1 = tf.relu(tf.add(tf.matMul(x, w1), part(hiddenBiasAt(shape), 1, hidden))) as tf.Tensor2D;
  const h2 = tf.relu(tf.add(tf.matMul(h1, w2), part(secondBiasAt(shape), 1, hidden))) as tf.Tensor2D;
  const q = tf.add(tf.matMul(h2, w3), part(outputBiasAt(shape), 1, outputs));
  const { loss, gradient: dq } = huberLoss(tf.sub(q, targets), weights, batch.rows);
  // Backwards by hand: three dense layers need no tape, and wasm's matMul falls to a slow loop when an operand is only
  // marked as transposed, so the transposes are made for real.
  const dh2 = tf.mul(tf.matMul(dq, tf.transpose(w3)), tf.step(h2)) as tf.Tensor2D;
  const dh1 = tf.mul(tf.matMul(dh2, tf.transpose(w2)), tf.step(h1)) as tf.Tensor2D;
  const gradient = tf.concat1d([...layerGradient(x, dh1), ...layerGradient(h1, dh2), ...layerGradient(h2, dq)]);
  const norm = tf.sqrt(tf.sum(tf.square(gradient)));
  // min(1, clip / norm), without reading the norm back.
  const clipped = tf.mul(gradient, tf.minimum(1, tf.div(gradientClip, tf.add(norm, 1e-12))));
  const first = tf.add(tf.mul(tensors.first, adamBeta1), tf.mul(clipped, 1 - adamBeta1)) as tf.Tensor1D;
  const second = tf.add(tf.mul(tensors.second, adamBeta2), tf.mul(tf.square(clipped), 1 - adamBeta2)) as tf.Tensor1D;
  const rate = learningRate / (1 - adamBeta1 ** steps);
  const spread = tf.add(tf.sqrt(tf.mul(second, 1 / (1 - adamBeta2 ** steps))), adamEpsilon);
  const moved = tf.sub(tf.mul(tensors.theta, 1 - weightDecay * learningRate), tf.mul(tf.div(first, spread), rate));
  return { theta: moved as tf.Tensor1D, first, second, loss };
}

/** Gradients of a dense layer's weights and bias, flat. */
function layerGradient(input: tf.Tensor2D, dOutput: tf.Tensor2D): [tf.Tensor1D, tf.Tensor1D] {
  const weights = tf.matMul(tf.transpose(input), dOutput);
  return [tf.reshape(weights, [weights.size]), tf.sum(dOutput, 0)];
}

/** Weighted sum of Huber losses over outputs, mean over rows; its gradient is the clipped error. */
function huberLoss(errors: tf.Tensor, weights: tf.Tensor, rows: number): { loss: tf.Scalar; gradient: tf.Tensor2D } {
  const scaled = tf.mul(weights, 1 / rows);
  const gradient = tf.mul(tf.clipByValue(errors, -huberDelta, huberDelta), scaled) as tf.Tensor2D;
  // c * (e - c / 2) with the clipped error c: e^2/2 within the threshold, linear beyond it.
  const clippedHalf = tf.mul(tf.clipByValue(errors, -huberDelta, huberDelta), 0.5);
  return { loss: tf.sum(tf.mul(gradient, tf.sub(errors, clippedHalf))) as tf.Scalar, gradient };
}

/**
 * The Double-DQN target of one head: reward + discount * target network's value of the action the online network
 * prefers in the next state; the reward alone when there is no next state. Values are arms x headCount.
 */
export function tdTarget(
  reward: number,
  discount: number,
  head: number,
  next: { readonly online: Float32Array; readonly target: Float32Array } | null,
): number {
  if (next === null || discount === 0) return reward;
  let best = 0;
  for (let arm = 1; arm * headCount < next.online.length; arm++) {
    if (next.online[arm * headCount + head]! > next.online[best * headCount + head]!) best = arm;
  }
  return reward + discount * next.target[best * headCount + head]!;
}

/** The same network with more arms, or with another order of arms: `from[i]` is the old arm of new arm i, -1 for a fresh one. */
export function rearrangeArms(neural: NeuralHalf, from: readonly number[], random: Random): NeuralHalf {
  const shape = { ...neural.shape, arms: from.length };
  const fresh = initialParameters(shape, random);
  const zeros = new Float32Array(fresh.length);
  const { first, second, steps } = neural.optimizer();
  const move = (old: Float32Array, blank: Float32Array): Float32Array =>
    moveArms(neural.shape, old, shape, blank, from);
  const moved = createNeuralHalf(shape, null, {
    parameters: move(neural.parameters, fresh),
    target: move(neural.target, fresh),
    optimizer: { first: move(first, zeros), second: move(second, zeros), steps },
  });
  neural.dispose();
  return moved;
}

function moveArms(
  oldShape: NetworkShape,
  old: Float32Array,
  shape: NetworkShape,
  blank: Float32Array,
  from: readonly number[],
): Float32Array {
  const moved = Float32Array.from(blank);
  moved.set(old.subarray(0, outputLayerAt(oldShape)));
  from.forEach((oldArm, arm) => {
    if (oldArm < 0) return;
    for (let row = 0; row <= shape.hidden; row++) {
      const source = outputLayerAt(oldShape) + (row * oldShape.arms + oldArm) * headCount;
      moved.set(old.subarray(source, source + headCount), outputLayerAt(shape) + (row * shape.arms + arm) * headCount);
    }
  });
  return moved;
}
