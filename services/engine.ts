/** All services of the engine together in one process: declared, started readers first, stopped writers first. */
import { createConfigWriter, type InForce } from '../lib/config/apply-config';
import type { Environment } from '../lib/config/expand-references';
import type { RouterConfig } from '../lib/config/router-config';
import type { ConfigOrigin } from '../lib/config/settle-config';
import { startSettingsOf } from '../lib/config/start-settings';
import type { StrategyGroup } from '../lib/config/strategy-groups';
import { tableChecks } from '../lib/config/table-checks';
import { assertKey, type Encoder, faultOfKey } from '../lib/learning/features/encoder-key';
import type { Broker } from '../lib/ports/broker';
import type { KeyValue } from '../lib/ports/key-value';
import { seededRandom } from '../lib/random/seeded';
import { defaultRuntimeLimits, type Host, type RuntimeLimits } from '../lib/stream/host';
import { ensureServiceTopics, type RunningEngine, runServices } from '../lib/stream/run-engine';
import type { ServiceStatus } from '../lib/stream/run-service';
import { followView } from '../lib/stream/view';
import type { Log } from '../lib/telemetry/log';
import { createMetrics, type Metrics } from '../lib/telemetry/metrics';
import { ensureSinglePartitionTopic } from '../lib/topics/ensure-topic';
import { topics } from '../lib/topics/topics';
import { declareOn } from './declare-services';
import type { TrainerHost } from './dqn-trainer/fold/create-fold';
import { faultOfBackend } from './dqn-trainer/tensor-backend';
import type { ListenSettings } from './gateway/config';
import { createGateway, type Gateway } from './gateway/gateway';
import type { GatewayOptions } from './gateway/gateway-options';
import { type Door, openDoor } from './gateway/http/open-door';
import type { PolicyJudge } from './gateway/learning/judge-apart';
import { gatewayEdges } from './gateway/service';
import { type WatchedWrites, watchWrites } from './gateway/watch-writes';
import type { EngineHome } from './home';
import { type PlacementName, placements } from './placements';
import { reportVitals } from './report-vitals';

export type { TrainerHost } from './dqn-trainer/fold/create-fold';

export interface EngineOptions {
  readonly home: EngineHome;
  /** Put in force at start where it counts more than what the store has; otherwise the engine starts on the store's. */
  readonly config: RouterConfig;
  /** Where it comes from; by default it replaces whatever there is. */
  readonly configOrigin?: ConfigOrigin;
  /** Partitions of the request path; fixed for the life of a store. */
  readonly partitions: number;
  /** `worker`: training in a thread of its own; `inline`: in this one, for virtual clocks. */
  readonly trainer: TrainerHost;
  /** Where the gateway listens (port 0 takes a free one); null: no gateway. */
  readonly http: ListenSettings | null;
  /** Where it listens already, calls that were made before the log was there, and where to keep what such calls need. */
  readonly standIn?: Required<Pick<GatewayOptions, 'door' | 'untold' | 'standbyFile'>>;
  readonly log: Log;
  /** Where the gateway finds the keys of providers, by the names that the configuration gives. */
  readonly environment?: Environment;
  readonly metrics?: Metrics;
  readonly limits?: Partial<RuntimeLimits>;
  /** Whether it says every few seconds how it is, which is what alerts are judged by; for engines that somebody looks after. */
  readonly reportsVitals?: boolean;
  /** Decides as soon as the services on the request path are restored; the others restore what they know meanwhile. */
  readonly offPathLater?: boolean;
  /** Which services share a task; by default those from request to decision do. */
  readonly placement?: PlacementName;
  /** Strategies that have a group of their own; the decision waits for their scores, until its deadline. */
  readonly ownStrategyGroups?: readonly StrategyGroup[];
  /** A service has failed for good, or the gateway cannot follow the log any more. */
  readonly onFatal?: (group: string, error: Error) => void;
}

export interface Engine {
  readonly broker: Broker;
  readonly keyValue: KeyValue;
  readonly metrics: Metrics;
  /** Where the gateway listens; null without one. */
  readonly url: string | null;
  status(): readonly ServiceStatus[];
  /** What came of the configuration it was started with. */
  readonly inForce: InForce;
  /** Puts a configuration in force; resolves when it is durable. Throws when somebody else changed it meanwhile. */
  applyConfig(config: RouterConfig): Promise<void>;
  /** The same, where it counts more than what the log has by now. */
  putInForce(config: RouterConfig, origin: ConfigOrigin): Promise<InForce>;
  /** Rewards folded into the newest tuning that this process has seen. */
  learnedRewards(): number;
  /** What other policies would have scored and cost; null without a gateway. */
  readonly judge: PolicyJudge | null;
  /** Stops everything cleanly; the home stays open. */
  stop(): Promise<void>;
}

/** Resolves when every service that is not left for later is restored and reads, and the gateway listens. What had been started is stopped again when something cannot be. */
export async function startEngine(options: EngineOptions): Promise<Engine> {
  const { home, log } = options;
  const { broker, keyValue, clock, topicPrefix, encoder = null } = home;
  const metrics = options.metrics ?? createMetrics();
  const onFatal = options.onFatal ?? (() => {});
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const stopOne of stops.splice(0).reverse()) await stopOne();
  };
  try {
    // The port first: when it is taken, nothing has been started yet, and whoever asks meanwhile hears "not ready".
    const door = options.standIn?.door ?? (options.http && (await openDoor(options.http, metrics, log)));
    if (door) stops.push(() => door.close());
    const configWriter = createConfigWriter({ broker, clock, name: 'engine', topicPrefix, log });
    stops.push(() => configWriter.close());
    // First of all: seed and limits of the services come from what is in force, which need not be what was given.
    await ensureSinglePartitionTopic(broker, topics.config, topicPrefix);
    const inForce = await configWriter.putInForce(options.config, options.configOrigin);
    const { config } = inForce;
    const { seed } = startSettingsOf(config);
    const host: Host = {
      broker,
      keyValue,
      clock,
      elapsedMs: home.elapsedMs,
      createRandom: (...labels) => seededRandom(seed, ...labels),
      metrics,
      log,
      limits: { ...defaultRuntimeLimits, ...options.limits },
      requestPathPartitions: options.partitions,
      topicPrefix,
      tableChecks,
      onFatal,
    };
    assertKey(config, encoder);
    const definitions = declareOn(
      host,
      config,
      options.trainer,
      encoder,
      options.ownStrategyGroups,
      options.environment,
    );
    await ensureServiceTopics(door ? [...definitions, gatewayEdges] : definitions, host);
    const tunings = await followView('engine', topics.tuning, host, (error) => onFatal('engine', error));
    stops.push(() => tunings.stop());
    const placement = placements[options.placement ?? 'chained'];
    const { offPathLater = false } = options;
    const running = await runServices(definitions, host, { placement, edges: [gatewayEdges], offPathLater });
    stops.push(() => running.stop());
    const writes = watchWrites(broker, clock);
    if (options.reportsVitals) {
      const vitals = reportVitals({
        ...host,
        broker: writes.broker,
        ...(home.disk && { disk: home.disk }),
        process: `engine-${home.createId()}`,
        status: () => running.status(),
      });
      stops.push(() => vitals.stop());
    }
    const gateway = door && (await startGateway(options, door, { running, metrics, writes }));
    if (gateway) stops.push(() => gateway.stop());
    return {
      broker,
      keyValue,
      metrics,
      url: gateway?.url ?? null,
      inForce,
      status: () => running.status(),
      applyConfig: async (wanted) => {
        await configWriter.putInForce(wanted);
      },
      putInForce: (wanted, origin) => configWriter.putInForce(wanted, origin),
      learnedRewards: () => tunings.view.get('current')?.learnedRewards ?? 0,
      judge: gateway?.judge ?? null,
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What a configuration asks for that this process has not, by the field that asks for it. */
function faultsHere(config: RouterConfig, encoder: Encoder | null): { field: string; message: string }[] {
  const backend = faultOfBackend(config);
  const key = faultOfKey(config, encoder);
  return [
    ...(backend === null ? [] : [{ field: 'learning.backend', message: backend }]),
    ...(key === null ? [] : [{ field: 'encoder.keyed', message: key }]),
  ];
}

interface Started {
  readonly running: RunningEngine;
  readonly metrics: Metrics;
  readonly writes: WatchedWrites;
}

function startGateway(options: EngineOptions, door: Door, { running, metrics, writes }: Started): Promise<Gateway> {
  const { home, log, partitions, onFatal } = options;
  return createGateway({
    broker: writes.broker,
    clock: home.clock,
    createId: home.createId,
    metrics,
    log,
    requestPathPartitions: partitions,
    topicPrefix: home.topicPrefix,
    ...(options.environment && { environment: options.environment }),
    settings: { ...(home.callsAtOnce && { callsAtOnce: home.callsAtOnce }), ...options.http },
    ...(home.tokenBuckets && { tokenBuckets: home.tokenBuckets }),
    ...(home.keptItems && { keptItems: home.keptItems }),
    ...options.standIn,
    door,
    waitingFor: () => [...writes.waitingFor(), ...running.awaited()],
    status: () => ({ services: running.status() }),
    faultsHere: (config) => faultsHere(config, home.encoder ?? null),
    onFailed: (error) => onFatal?.('gateway', error),
  });
}
