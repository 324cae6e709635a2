import * as tf from '@tensorflow/tfjs-core';
import { wasmBackend } from '../../../../lib/adapters/tensor/wasm-backend';

test('starts from the installed files, as often as asked, and computes', async () => {
  const backend = wasmBackend();
  await Promise.all([backend.ready(), wasmBackend().ready()]);
  expect(backend.name).toBe('wasm');
  expect(tf.getBackend()).toBe('wasm');
  const product = tf.tidy(() => tf.matMul(tf.tensor2d([[1, 2]]), tf.tensor2d([[3], [4]])));
  expect(product.dataSync()[0]).toBe(11);
  product.dispose();
});
