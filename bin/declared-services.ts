/** Every service as it is declared by default, and the gateway's edges: for pictures of the graph. None of it is run. */
import { createMemoryBroker } from '../lib/adapters/memory/memory-broker';
import { createMemoryKeyValue } from '../lib/adapters/memory/memory-key-value';
import { createVirtualClock } from '../lib/adapters/memory/virtual-clock';
import { defaultRouterConfig } from '../lib/config/parse-config';
import type { StrategyGroup } from '../lib/config/strategy-groups';
import type { ServiceDefinition } from '../lib/stream/define-service';
import { createLog } from '../lib/telemetry/log';
import { createMetrics } from '../lib/telemetry/metrics';
import { createBlobStore } from '../lib/weights/blob-store';
import { createWeightsSource } from '../lib/weights/weights-source';
import { declareServices } from '../services/declare-services';
import { createFold } from '../services/dqn-trainer/fold/create-fold';
import { gatewayEdges } from '../services/gateway/service';

export function declaredServices(ownStrategyGroups: readonly StrategyGroup[] = []): ServiceDefinition[] {
  const clock = createVirtualClock();
  const broker = createMemoryBroker({ clock });
  const keyValue = createMemoryKeyValue({ clock, maxEntries: 1 });
  const log = createLog({ level: 'silent' });
  const metrics = createMetrics();
  const blobs = createBlobStore({ broker, keyValue, clock, log });
  const services = declareServices({
    config: defaultRouterConfig([{ name: 'any', provider: 'any' }]),
    keyValue,
    weights: createWeightsSource(blobs, { log, metrics }),
    metrics,
    trainer: {
      broker,
      blobs,
      startFold: createFold('inline'),
      log,
      metrics,
      clock,
      elapsedMs: () => clock.monotonicMs(),
    },
    ownStrategyGroups,
  });
  return [gatewayEdges, ...services];
}
