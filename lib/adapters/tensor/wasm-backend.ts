/** TensorFlow.js on WebAssembly: the default trainer. One thread, its binary from the installed package, no network. */
import { dirname, join, sep } from 'node:path';
import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import type { TensorBackend } from '../../ports/tensor-backend';

let initialized: Promise<void> | null = null;

export function wasmBackend(): TensorBackend {
  return {
    name: 'wasm',
    ready() {
      initialized ??= initialize();
      return initialized;
    },
  };
}

async function initialize(): Promise<void> {
  const folder = dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'));
  setWasmPaths(join(folder, 'wasm-out') + sep);
  // One thread: the same bytes on every machine, and the other cores belong to routing.
  setThreadsCount(1);
  if (!(await tf.setBackend('wasm'))) throw new Error('the TensorFlow.js wasm backend could not be started');
  await tf.ready();
}
