/** An engine in this process on an embedded store, with its gateway, for commands that need one. */
import { resolve } from 'node:path';
import type { RouterConfig } from '../lib/config/router-config';
import type { Log } from '../lib/telemetry/log';
import { type Engine, startEngine } from '../services/engine';
import { embeddedHome } from '../services/home';
import type { Io } from './io';

export interface LocalEngineOptions {
  readonly dataDirectory: string;
  readonly config: RouterConfig;
  readonly partitions: number;
  readonly http: { readonly host: string; readonly port: number };
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
  const home = await embeddedHome({ directory: resolve(io.workingDirectory, options.dataDirectory) });
  try {
    const { config, partitions, http, log, onFatal } = options;
    const engine = await startEngine({ home, config, partitions, trainer: 'worker', http, log, onFatal });
    return {
      engine,
      url: engine.url!,
      async stop() {
        await engine.stop();
        await home.close();
      },
    };
  } catch (error) {
    await home.close();
    throw error;
  }
}
