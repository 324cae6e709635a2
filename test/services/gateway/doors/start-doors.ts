/** A whole engine in memory with its doors open, and providers of the test's own behind them. */

import { until } from '../../../../checks/chaos/until';
import { systemClock } from '../../../../lib/adapters/system';
import { defaultRouterConfig } from '../../../../lib/config/parse-config';
import type { ProviderConfig } from '../../../../lib/config/provider-config';
import type { RouterConfig } from '../../../../lib/config/router-config';
import type { Clock } from '../../../../lib/ports/clock';
import { createLog } from '../../../../lib/telemetry/log';
import { createMetrics } from '../../../../lib/telemetry/metrics';
import type { RouteOutcome } from '../../../../lib/topics/generated/messages';
import { topics } from '../../../../lib/topics/topics';
import { startEngine } from '../../../../services/engine';
import type { ListenSettings } from '../../../../services/gateway/config';
import { memoryHome } from '../../../../services/home';
import { patienceMs } from '../../../patience';
import { atEnd } from '../../../started';

export type ProviderFields = Partial<Omit<ProviderConfig, 'timeouts'>> & {
  readonly timeouts?: Partial<ProviderConfig['timeouts']>;
};

export const priced = { inputPerMillionUsd: 1, outputPerMillionUsd: 10, perRequestUsd: 0 };

/** A configuration that always takes the models in the given order: belief decides, and nothing is explored. */
export function orderedConfig(
  models: readonly {
    readonly name: string;
    readonly provider: string;
    readonly upstreamModel?: string;
    readonly expectedQuality?: number;
    readonly price?: RouterConfig['models'][number]['price'];
  }[],
  providers: Readonly<Record<string, ProviderFields>>,
  settings: Partial<Omit<RouterConfig, 'models' | 'providers'>> = {},
): RouterConfig {
  return defaultRouterConfig(
    models.map((model, index) => ({ price: priced, expectedQuality: Math.max(0.1, 0.9 - index * 0.2), ...model })),
    {
      strategies: ['BALANCED'],
      collapse: 'BEST_SCORE',
      explorationFloor: 0,
      // A failing provider stays in: what the doors do with it is what is tested.
      breaker: {
        ...{ openAfterFailures: 1e6, openMs: 5_000, maxOpenMs: 120_000, closeAfterSuccesses: 3 },
        ...{ probeShare: 0.05, providerOpenAfterFailures: 1e6, rampMs: 30_000 },
      },
      ...settings,
      providers: providers as RouterConfig['providers'],
    },
  );
}

export async function startDoors(
  config: RouterConfig,
  environment: Readonly<Record<string, string>> = {},
  http: Partial<ListenSettings> = {},
  clock: Clock = systemClock(),
) {
  const memory = memoryHome({ clock, seed: 1 });
  // It outlives the engines that are started on it, as a Redis would.
  const home = { ...memory, keptItems: { store: memory.keyValue, maxBytes: 1e9 } };
  const logged: string[] = [];
  const metrics = createMetrics();
  const open = () =>
    startEngine({
      home,
      config,
      partitions: 2,
      trainer: 'inline',
      http: { host: '127.0.0.1', port: 0, ...http },
      log: createLog({ level: 'debug', destination: { write: (line: string) => logged.push(line) } }),
      metrics,
      environment,
    });
  let engine = await open();
  const read: RouteOutcome[] = [];
  const follower = await home.broker.follow({
    topic: topics.routeOutcome.name,
    startAt: 'earliest',
    onFailed: (error) => {
      throw error;
    },
    onRecords: (records) => void read.push(...records.map((record) => topics.routeOutcome.codec.decode(record.value!))),
  });
  let stopping: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    stopping ??= (async () => {
      await follower.stop();
      await engine.stop();
      await home.close();
    })();
    return stopping;
  };
  atEnd(stop);
  return {
    get url() {
      return engine.url!;
    },
    get engine() {
      return engine;
    },
    /** Another engine on the same log, at another port. */
    async restart(): Promise<void> {
      await engine.stop();
      engine = await open();
    },
    home,
    metrics,
    clock,
    logged,
    stop,
    /** The outcomes of one decision in order of attempts, as soon as there are so many. */
    async outcomes(decisionId: string, count: number): Promise<RouteOutcome[]> {
      const of = () =>
        read.filter((outcome) => outcome.decisionId === decisionId).sort((a, b) => a.attempt - b.attempt);
      await until(clock, `${count} outcomes are there`, () => of().length >= count, patienceMs, 5);
      return of();
    },
    get: (path: string, headers: Record<string, string> = {}) => fetch(engine.url! + path, { headers }),
    post: (path: string, body: unknown, headers: Record<string, string> = {}, signal?: AbortSignal) =>
      fetch(engine.url! + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
        ...(signal && { signal }),
      }),
  };
}
