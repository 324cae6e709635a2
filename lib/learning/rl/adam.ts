/** Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019), on gradients clipped by their norm. */
import * as tf from '@tensorflow/tfjs-core';
import { type AdamRates, beta1, beta2, epsilon } from './adam-rates';

/** All parameters in one vector, so that a step is a dozen kernels however many layers there are. */
export type AdamTensors = { theta: tf.Tensor1D; first: tf.Tensor1D; second: tf.Tensor1D };

/** New tensors for the old. `step` counts from 1. */
export function adamStep(before: AdamTensors, gradient: tf.Tensor, step: number, rates: AdamRates): AdamTensors {
  const first = tf.add(tf.mul(before.first, beta1), tf.mul(gradient, 1 - beta1)) as tf.Tensor1D;
  const second = tf.add(tf.mul(before.second, beta2), tf.mul(tf.square(gradient), 1 - beta2)) as tf.Tensor1D;
  const rate = rates.learningRate / (1 - beta1 ** step);
  const spread = tf.add(tf.sqrt(tf.mul(second, 1 / (1 - beta2 ** step))), epsilon);
  const kept = tf.mul(before.theta, 1 - rates.weightDecay * rates.learningRate);
  return { theta: tf.sub(kept, tf.mul(tf.div(first, spread), rate)) as tf.Tensor1D, first, second };
}

/** The gradient, shortened to at most `limit`, and its norm before that. */
export function clipByNorm(gradient: tf.Tensor1D, limit: number): { clipped: tf.Tensor; norm: tf.Scalar } {
  const norm = tf.sqrt(tf.sum(tf.square(gradient))) as tf.Scalar;
  // min(1, limit / norm), without reading the norm back first.
  return { clipped: tf.mul(gradient, tf.minimum(1, tf.div(limit, tf.add(norm, 1e-12)))), norm };
}
