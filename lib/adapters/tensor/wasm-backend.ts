/** The project's own WebAssembly kernels: the default trainer. One thread, nothing to install or to start, the same bytes everywhere. */
import { trainOn } from '../../learning/rl/engine';
import { engineOnKernels } from '../../learning/rl/step-on-kernels';
import type { TensorBackend } from '../../ports/tensor-backend';

export function wasmBackend(): TensorBackend {
  return {
    name: 'wasm',
    async ready() {
      trainOn(engineOnKernels);
    },
  };
}
