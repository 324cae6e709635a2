/** The tensor backend a configuration asks for. */
import { wasmBackend } from '../../lib/adapters/tensor/wasm-backend';
import type { LearningConfig } from '../../lib/config/router-config';
import type { TensorBackend } from '../../lib/ports/tensor-backend';

/** `auto` takes the fastest that needs nothing but this package. Throws for one that is not built in. */
export function tensorBackendOf(backend: LearningConfig['backend']): TensorBackend {
  if (backend === 'cpu') throw new Error('learning.backend cpu is not built in; use wasm or auto');
  return wasmBackend();
}
