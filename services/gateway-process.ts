/** The gateway as a process of its own. */
import { systemClock, systemIds } from '../lib/adapters/system';
import type { ProcessSettings } from '../lib/config/process-settings';
import { ensureServiceTopics } from '../lib/stream/run-engine';
import { validateGraph } from '../lib/stream/validate-graph';
import { declareProcess, type ProcessParts, type RunningProcess } from './declare-process';
import { createGateway } from './gateway/gateway';
import { openDoor } from './gateway/http/open-door';
import { gatewayEdges } from './gateway/service';
import { awaitLog, readConfigFile } from './gateway/standby/stand-in';
import { watchWrites } from './gateway/watch-writes';
import { distributedHome, type EngineHome } from './home';

/** The gateway waits for Kafka instead of ending: calls of models are answered meanwhile, where it is known which there are. */
export async function startGateway(settings: ProcessSettings, parts: ProcessParts): Promise<RunningProcess> {
  const { http, kafka, standby, topicPrefix } = settings;
  // Before anything is started: a port that is taken ends the process at once, and probes hear that it is not ready yet.
  const door = await openDoor(http, parts.metrics, parts.log);
  const options = {
    ...{ clock: systemClock(), createId: systemIds(), metrics: parts.metrics, log: parts.log },
    ...{ requestPathPartitions: settings.partitions, topicPrefix, settings: http, standbyFile: standby.file, door },
    ...(parts.environment && { environment: parts.environment }),
  };
  let home: EngineHome | null = null;
  let retire = async (): Promise<void> => {};
  try {
    const awaited = await awaitLog<EngineHome>(() => distributedHome(settings, parts), {
      ...options,
      ...{ logName: `Kafka at ${kafka.brokers.join(', ')}`, stopSignal: parts.stopSignal },
      givenConfig: async () =>
        standby.configFile === null ? null : readConfigFile(standby.configFile, parts.environment ?? {}),
    });
    ({ home, retire } = awaited);
    const { host, definitions } = await declareProcess(home, settings, parts);
    validateGraph([gatewayEdges, ...definitions], host);
    // Its own and no others: it may have no right even to see those of the services.
    await ensureServiceTopics([gatewayEdges], host);
    const writes = watchWrites(home.broker, options.clock);
    const gateway = await createGateway({
      ...options,
      broker: writes.broker,
      waitingFor: writes.waitingFor,
      ...(home.tokenBuckets && { tokenBuckets: home.tokenBuckets }),
      ...(home.keptItems && { keptItems: home.keptItems }),
      untold: awaited.untold,
      onFailed: parts.onFatal,
    });
    const retired = retire();
    const { close } = home;
    return {
      url: gateway.url,
      async stop() {
        await gateway.stop();
        await retired;
        await close();
      },
    };
  } catch (error) {
    await door.close();
    await retire();
    await home?.close();
    throw error;
  }
}
