/** An engine in this process with its gateway, for commands that need one. */
import { systemClock, systemIds } from '../lib/adapters/system';
import type { ProcessSettings } from '../lib/config/process-settings';
import type { RouterConfig } from '../lib/config/router-config';
import type { ConfigOrigin } from '../lib/config/settle-config';
import type { StrategyGroup } from '../lib/config/strategy-groups';
import { TransientError } from '../lib/ports/broker';
import type { Log } from '../lib/telemetry/log';
import { createMetrics, type Metrics } from '../lib/telemetry/metrics';
import { type Engine, startEngine } from '../services/engine';
import type { ListenSettings } from '../services/gateway/config';
import { openDoor } from '../services/gateway/http/open-door';
import { awaitLog } from '../services/gateway/standby/stand-in';
import { guardProcess } from '../services/guard-process';
import { distributedHome, type EngineHome } from '../services/home';
import { CliError, type Io } from './io';
import { type HomeOptions, openHome, settingsOfHome } from './open-home';

export interface LocalEngineOptions extends HomeOptions {
  /** Of the embedded store; not used on Kafka. */
  readonly dataDir: string;
  readonly config: RouterConfig;
  readonly configOrigin: ConfigOrigin;
  readonly partitions: number;
  readonly http: ListenSettings;
  /** Strategies that have a group of their own; default none. */
  readonly ownStrategyGroups?: readonly StrategyGroup[];
  readonly log: Log;
  /** Whether a Kafka that is away is waited for, by a gateway that answers calls of models meanwhile; else it is an error. */
  readonly waitsForKafka?: boolean;
  /** A service has failed for good: the process should end and be looked at. */
  readonly onFatal: (group: string, error: Error) => void;
}

export interface LocalEngine {
  readonly engine: Engine;
  readonly url: string;
  /** Stops the services, then closes the store. */
  stop(): Promise<void>;
}

export async function startLocalEngine(io: Io, options: LocalEngineOptions): Promise<LocalEngine> {
  const { config, configOrigin, partitions, http, log, onFatal } = options;
  const metrics = createMetrics();
  const unguard = guardProcess({ log, metrics, onFatal: (error) => onFatal('the process', error) });
  const settings = options.waitsForKafka ? settingsOfHome(io, options) : null;
  let home: EngineHome | null = null;
  let retire = async (): Promise<void> => {};
  try {
    const standIn = settings && (await awaitKafka(io, settings, options, metrics));
    if (standIn) ({ home, retire } = standIn);
    home ??= await openHome(io, options, { log, metrics, onFailed: (error) => onFatal('the store', error) });
    const { close } = home;
    const engine = await startEngine({
      ...{ home, config, configOrigin, partitions, http, log, metrics, onFatal },
      ...(standIn && { standIn }),
      trainer: 'worker',
      reportsVitals: true,
      offPathLater: true,
      ...(options.ownStrategyGroups && { ownStrategyGroups: options.ownStrategyGroups }),
      environment: io.environment,
    });
    const retired = retire();
    return {
      engine,
      url: engine.url!,
      async stop() {
        await engine.stop();
        await retired;
        await close();
        unguard();
      },
    };
  } catch (error) {
    await retire();
    await home?.close();
    unguard();
    throw error;
  }
}

/** The port is open from now on, also while Kafka is away. */
async function awaitKafka(io: Io, settings: ProcessSettings, options: LocalEngineOptions, metrics: Metrics) {
  const { http, log, config, partitions } = options;
  const { standby, topicPrefix, kafka } = settings;
  const door = await openDoor(http, metrics, log);
  const parts = { log, metrics, door, standbyFile: standby.file };
  const open = (): Promise<EngineHome> =>
    distributedHome(settings, parts).catch((error: Error) => {
      throw error instanceof TransientError ? error : new CliError(error.message);
    });
  const awaited = await awaitLog(open, {
    ...{ ...parts, clock: systemClock(), createId: systemIds(), settings: http, environment: io.environment },
    ...{ requestPathPartitions: partitions, topicPrefix, givenConfig: async () => config },
    ...{ logName: `Kafka at ${kafka.brokers.join(', ')}`, stopSignal: io.stopSignal },
  });
  return { ...awaited, door, standbyFile: standby.file };
}
