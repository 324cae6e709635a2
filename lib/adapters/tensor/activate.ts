/** Makes a registered TensorFlow.js backend the one in use in this thread. */
import * as tf from '@tensorflow/tfjs-core';

/** First starts, which take time and must not overtake each other. */
const started = new Map<string, Promise<boolean>>();

export async function activate(registeredName: string): Promise<void> {
  let start = started.get(registeredName);
  if (!start) {
    start = tf.setBackend(registeredName);
    started.set(registeredName, start);
  }
  if (!(await start)) throw new Error(`the TensorFlow.js backend ${registeredName} could not be started`);
  if (tf.getBackend() !== registeredName) await tf.setBackend(registeredName);
}
