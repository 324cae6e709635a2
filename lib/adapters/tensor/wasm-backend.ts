/** TensorFlow.js on WebAssembly: the default trainer. One thread, its binary from the installed package, no network. */
import { dirname, join, sep } from 'node:path';
import { setThreadsCount, setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import type { TensorBackend } from '../../ports/tensor-backend';
import { activate } from './activate';

let configured = false;

export function wasmBackend(): TensorBackend {
  return {
    name: 'wasm',
    async ready() {
      if (!configured) configure();
      await activate('wasm');
    },
  };
}

function configure(): void {
  configured = true;
  const folder = dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json'));
  setWasmPaths(join(folder, 'wasm-out') + sep);
  // One thread: the same bytes on every machine, and the other cores belong to routing.
  setThreadsCount(1);
}
