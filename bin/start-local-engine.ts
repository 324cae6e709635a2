/** An engine in this process with its gateway, for commands that need one. */
import type { RouterConfig } from '../lib/config/router-config';
import type { ConfigOrigin } from '../lib/config/settle-config';
import type { StrategyGroup } from '../lib/config/strategy-groups';
import type { Log } from '../lib/telemetry/log';
import { createMetrics } from '../lib/telemetry/metrics';
import { type Engine, startEngine } from '../services/engine';
import type { ListenSettings } from '../services/gateway/config';
import { guardProcess } from '../services/guard-process';
import type { Io } from './io';
import { type HomeOptions, openHome } from './open-home';

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
  let home: Awaited<ReturnType<typeof openHome>> | null = null;
  try {
    home = await openHome(io, options, { log, metrics });
    const { close } = home;
    const engine = await startEngine({
      ...{ home, config, configOrigin, partitions, http, log, metrics, onFatal },
      trainer: 'worker',
      reportsVitals: true,
      ...(options.ownStrategyGroups && { ownStrategyGroups: options.ownStrategyGroups }),
      environment: io.environment,
    });
    return {
      engine,
      url: engine.url!,
      async stop() {
        await engine.stop();
        await close();
        unguard();
      },
    };
  } catch (error) {
    await home?.close();
    unguard();
    throw error;
  }
}
