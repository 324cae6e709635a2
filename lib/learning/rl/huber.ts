/**
 * The Huber loss (Huber 1964): squared for small errors, linear beyond a threshold, so that one absurd target pulls as
 * hard as a large one and no harder.
 */
import * as tf from '@tensorflow/tfjs-core';

/** Weighted sum over outputs, mean over `rows`, of errors (rows x outputs); its gradient is the clipped error. */
export function huberLoss(
  errors: tf.Tensor,
  weights: tf.Tensor,
  rows: number,
  delta: number,
): { loss: tf.Scalar; gradient: tf.Tensor2D } {
  const scaled = tf.mul(weights, 1 / rows);
  const gradient = tf.mul(tf.clipByValue(errors, -delta, delta), scaled) as tf.Tensor2D;
  // c * (e - c / 2) with the clipped error c: e^2/2 within the threshold, linear beyond it.
  const clippedHalf = tf.mul(tf.clipByValue(errors, -delta, delta), 0.5);
  return { loss: tf.sum(tf.mul(gradient, tf.sub(errors, clippedHalf))) as tf.Scalar, gradient };
}
