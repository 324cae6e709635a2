/**
 * What the network's gradient steps run on; serving never uses one. Two backends agree to rounding, not to the bit, so
 * the name of the one that trained belongs to the weights.
 */
export type TensorBackendName = 'wasm' | 'node';

export interface TensorBackend {
  readonly name: TensorBackendName;
  /**
   * Resolves when this one makes the calling thread's tensors, also where another one did before. Rejects, saying what
   * to do, when it cannot be started.
   */
  ready(): Promise<void>;
}
