/** The tensor backend that trains: which one a configuration means, and the one of that name. */
import { type BackendChoice, fasterBackend } from '../../lib/adapters/tensor/choose-backend';
import { nodeBackend, nodeBackendInstalled } from '../../lib/adapters/tensor/node-backend';
import { wasmBackend } from '../../lib/adapters/tensor/wasm-backend';
import type { RouterConfig } from '../../lib/config/router-config';
import { parameterCount } from '../../lib/learning/rl/network';
import { batchRows, neuralShape } from '../../lib/learning/value/neural-half';
import type { TensorBackend, TensorBackendName } from '../../lib/ports/tensor-backend';

/** About what a described text is long. Nothing is known yet of a caller's own vectors. */
const usualInputs = 100;

export function tensorBackendOf(name: TensorBackendName): TensorBackend {
  return name === 'node' ? nodeBackend() : wasmBackend();
}

/**
 * What trains under this configuration. `auto` stays with the backend of the lineage that goes on (`lineage`, null for a
 * new one): others give other bytes. Throws for one that is asked for by name and not installed.
 */
export function chooseBackend(
  { learning, models }: Pick<RouterConfig, 'learning' | 'models'>,
  lineage: string | null = null,
  nodeInstalled = nodeBackendInstalled(),
): BackendChoice {
  const { backend } = learning;
  if (backend === 'node' && !nodeInstalled)
    throw new Error(
      'learning.backend is node, which is not installed: run `make tensorflow`, or set it to wasm or auto',
    );
  if (backend !== 'auto') return { name: backend, reason: 'learning.backend says so' };
  if (lineage === 'wasm' || (lineage === 'node' && nodeInstalled))
    return { name: lineage, reason: 'the lineage that goes on was made with it' };
  const weights = parameterCount(neuralShape(usualInputs, models.length));
  return fasterBackend({ weights, rows: batchRows }, nodeInstalled);
}

/** Why what is to train under this configuration is not there; null where it is. */
export function faultOfBackend(
  config: Pick<RouterConfig, 'learning' | 'models'>,
  nodeInstalled = nodeBackendInstalled(),
): string | null {
  try {
    chooseBackend(config, null, nodeInstalled);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
