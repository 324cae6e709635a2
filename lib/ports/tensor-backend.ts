/** Which TensorFlow.js backend trains; serving never uses one. */
export type TensorBackendName = 'wasm' | 'cpu' | 'node';

export interface TensorBackend {
  readonly name: TensorBackendName;
  /** Resolves when tensors can be made. Idempotent. */
  ready(): Promise<void>;
}
