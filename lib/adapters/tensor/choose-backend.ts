/** What `auto` means: the faster backend for a size of network, by a rule that gives the same answer every time. */
import type { TensorBackendName } from '../../ports/tensor-backend';

/**
 * Weights times rows of a gradient step from which native TensorFlow is faster than wasm: it multiplies twice as fast, but
 * each of a step's fifty kernels costs it 20 us more. Measured by `make bench-learning`; docs/decisions/0010-tensor-backends.md.
 */
const nodePays = 3_000_000;

export interface BackendChoice {
  readonly name: TensorBackendName;
  readonly reason: string;
}

export interface StepSize {
  /** Parameters of the network. */
  readonly weights: number;
  /** Rows of a batch. */
  readonly rows: number;
}

/** The faster of those that are there. No probe: a busy moment must not decide what weights are made of. */
export function fasterBackend({ weights, rows }: StepSize, nodeInstalled: boolean): BackendChoice {
  const size = `${weights} weights x ${rows} rows`;
  if (weights * rows < nodePays) return { name: 'wasm', reason: `${size}: wasm is the fastest` };
  if (nodeInstalled) return { name: 'node', reason: `${size}: native TensorFlow is faster than wasm` };
  return { name: 'wasm', reason: `${size}: native TensorFlow would be faster, but is not installed (make tensorflow)` };
}
