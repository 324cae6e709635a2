/**
 * What chaos is made in: a Kafka, a Redis and every service as its own process, all started here on free ports and in
 * one folder, and all gone at the end, whatever happened.
 */
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { serviceProcesses } from '../../bin/commands/services';
import { declaredServices } from '../../bin/declared-services';
import { expelDead } from '../../bin/drive/expel-dead';
import { applyTo } from '../../bin/drive/put-config';
import { type Supervisor, startSupervisor } from '../../bin/drive/supervisor';
import { type LocalServer, startKafka, startRedis } from '../../infra/local-servers';
import { systemClock } from '../../lib/adapters/system';
import { processSettings } from '../../lib/config/process-settings';
import type { RouterConfig } from '../../lib/config/router-config';
import { parseStrategyGroups } from '../../lib/config/strategy-groups';
import type { Delivery } from '../../lib/ports/broker';
import type { Clock } from '../../lib/ports/clock';
import { ensureServiceTopics } from '../../lib/stream/run-engine';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import { distributedHome } from '../../services/home';
import { chainName, type PlacementName, placements } from '../../services/placements';
import type { ProcessName } from '../../services/process';
import { until } from './until';

export type ChaosHome = Awaited<ReturnType<typeof distributedHome>>;

export interface Cluster {
  readonly kafka: LocalServer;
  readonly redis: LocalServer;
  /** The harness's own door to the servers. */
  readonly home: ChaosHome;
  readonly clock: Clock;
  readonly partitions: number;
  /** A process that is silent for so long loses its partitions. */
  readonly sessionTimeoutMs: number;
  /** Whether there is more than one instance of the chain, so that one can take over from another. */
  readonly hasSpare: boolean;
  readonly processes: Processes;
  /** Which process runs a service. */
  processOf(service: ProcessName): ProcessName;
  stop(): Promise<void>;
}

/** The engine's processes, by instance id (`route-intake-0`). */
export interface Processes {
  readonly ids: ReadonlySet<string>;
  /** Processes that ended by themselves. */
  readonly ends: number;
  url(id: string): string | null;
  /** Adds an instance of a service; resolves when it is ready. */
  add(service: ProcessName, id: string): Promise<void>;
  /** Stops one cleanly, for good. */
  remove(id: string): Promise<void>;
  /** Kills one with SIGKILL, once it is ready; a gateway once the other one is, too. Resolves when it is dead; it is started anew by itself. */
  kill(id: string): Promise<void>;
  /** Kills one with SIGKILL, whatever it is at; resolves with whether there was a process to kill. */
  killAnyhow(id: string): Promise<boolean>;
  /** SIGSTOP and SIGCONT. */
  freeze(id: string): void;
  thaw(id: string): void;
  untilReady(id: string): Promise<void>;
  untilAllReady(): Promise<void>;
}

export interface ClusterOptions {
  /** Holds the servers' data and everybody's logs. */
  readonly directory: string;
  readonly config: RouterConfig;
  readonly partitions: number;
  readonly placement: PlacementName;
  /** Of the process from request to decision, where there is one; default 1. Of all others there is one. */
  readonly instances?: number;
  /** The only processes that are started; default all. */
  readonly only?: readonly ProcessName[] | null;
  /** Strategies that have a group of their own. */
  readonly strategyGroups?: string | null;
  readonly delivery?: Delivery;
  /** Of all processes; default Kafka's own lower limit for it. */
  readonly sessionTimeoutMs?: number;
  /** Whether groups are told of a process that has died by who started it; without, its session has to end. */
  readonly expelsDead?: boolean;
}

/** Kafka's own lower limit for it. */
const defaultSessionTimeoutMs = 6_000;
/** A machine with nothing to spare starts a dozen processes slowly: this ends only what hangs. */
const readyLimitMs = 400_000;
/** Free ones: several clusters may run on this machine. */
const ports = { HTTP_PORT: '0', METRICS_PORT: '0' };

/** Resolves when all services are ready. What was started is stopped again when something cannot be. */
export async function startCluster(options: ClusterOptions): Promise<Cluster> {
  const { directory, config, partitions, placement, sessionTimeoutMs = defaultSessionTimeoutMs } = options;
  const clock = systemClock();
  const stops: (() => Promise<void>)[] = [];
  const stop = async (): Promise<void> => {
    for (const stopOne of stops.splice(0).reverse()) await stopOne();
  };
  try {
    mkdirSync(directory, { recursive: true });
    const kafka = await startKafka({ directory: join(directory, 'kafka') });
    stops.push(() => kafka.stop());
    const redis = await startRedis({ directory: join(directory, 'redis') });
    stops.push(() => redis.stop());
    const environment = {
      KAFKA_BROKERS: kafka.address,
      KAFKA_SESSION_TIMEOUT_MS: String(sessionTimeoutMs),
      REDIS_URL: redis.address,
      PARTITIONS: String(partitions),
      DELIVERY: options.delivery ?? 'at-least-once',
      ...(options.strategyGroups && { STRATEGY_GROUPS: options.strategyGroups }),
    };
    const home = await openHome(directory, environment);
    stops.push(() => home.close());
    await applyTo(home, config);
    // Once, and before the rush of seven processes that would all make them.
    await ensureServiceTopics(declaredServices(), { ...home, requestPathPartitions: partitions });
    const { processes, stop: stopProcesses } = startProcesses(options, environment, home, clock);
    stops.push(stopProcesses);
    await processes.untilAllReady();
    const hasSpare = [...processes.ids].filter((id) => id.startsWith(chainName)).length > 1;
    const processOf = (service: ProcessName): ProcessName =>
      placements[placement].some(({ stages }) => stages.includes(service)) ? chainName : service;
    return { kafka, redis, home, clock, partitions, sessionTimeoutMs, hasSpare, processes, processOf, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function openHome(directory: string, environment: Readonly<Record<string, string>>): Promise<ChaosHome> {
  const destination = createWriteStream(join(directory, 'harness.log'));
  const log = createLog({ level: 'info', nowMs: () => Date.now(), destination });
  const settings = processSettings({ ...environment, INSTANCE_ID: 'chaos' });
  return distributedHome(settings, { log, metrics: createMetrics() });
}

function startProcesses(
  { directory, placement, instances = 1, only = null, strategyGroups, expelsDead = true }: ClusterOptions,
  environment: Readonly<Record<string, string>>,
  home: ChaosHome,
  clock: Clock,
) {
  const lines = createWriteStream(join(directory, 'services.log'));
  const initial = serviceProcesses(instances, placement, parseStrategyGroups(strategyGroups ?? ''))
    .filter(({ service, instanceId }) => service === chainName || instanceId.endsWith('-0'))
    .filter(({ service }) => only === null || only.includes(service))
    .map((one) => ({ ...one, environment: { ...one.environment, ...ports } }));
  // Two gateways: nobody has a single one of what must not be away.
  for (const gateway of initial.filter(({ service }) => service === 'gateway'))
    initial.push({ ...gateway, instanceId: 'gateway-1' });
  const ids = new Set(initial.map(({ instanceId }) => instanceId));
  /** Told to, and not gone yet. */
  const killed = new Set<string>();
  let ends = 0;
  const supervisor = startSupervisor({
    processes: initial,
    environment: { ...inherited(), ...environment, LOG_LEVEL: 'info' },
    clock,
    onLine: (id, line) => lines.write(`${id} ${line}\n`),
    // What dies here was killed: it is no fault of its own, so it is not made to wait.
    maxRestartMs: 200,
    async onExit(one, code, signal) {
      const { instanceId: id } = one;
      if (!killed.delete(id)) ends += 1;
      lines.write(`${id} ended: ${signal ?? `exit code ${code}`}\n`);
      if (expelsDead) await expelDead(home, one);
    },
  });
  const killAll = (): void => {
    // A frozen process hears of nothing, not even that its parent has gone.
    for (const id of ids) supervisor.signal(id, 'SIGKILL');
  };
  process.once('exit', killAll);
  const stop = async (): Promise<void> => {
    for (const id of ids) supervisor.signal(id, 'SIGCONT');
    await supervisor.stop();
    process.removeListener('exit', killAll);
    lines.end();
  };
  const groups = new Map(initial.map(({ service, group }) => [service, group ?? null] as const));
  const processes = handleOf(supervisor, { ids, killed, groups, clock, ends: () => ends });
  return { processes, stop };
}

export const isGateway = (id: string): boolean => id.startsWith('gateway-');

interface Handling {
  readonly ids: Set<string>;
  readonly killed: Set<string>;
  readonly groups: ReadonlyMap<ProcessName, string | null>;
  readonly clock: Clock;
  readonly ends: () => number;
}

function handleOf(supervisor: Supervisor, { ids, killed, groups, clock, ends }: Handling): Processes {
  const untilReady = (id: string): Promise<void> =>
    until(clock, `${id} is ready`, () => supervisor.isReady(id), readyLimitMs);
  /** Of two gateways one is there: that both are gone at once is no fault that two are there to bear. */
  const untilSpared = async (id: string): Promise<void> => {
    for (const other of ids) if (isGateway(id) && isGateway(other) && other !== id) await untilReady(other);
  };
  return {
    ids,
    get ends() {
      return ends();
    },
    url: (id) => supervisor.url(id),
    async add(service, id) {
      ids.add(id);
      supervisor.add({ service, group: groups.get(service) ?? null, instanceId: id, environment: ports });
      await untilReady(id);
    },
    async remove(id) {
      await supervisor.remove(id);
      ids.delete(id);
    },
    async kill(id) {
      await untilReady(id);
      await untilSpared(id);
      const pid = supervisor.pid(id);
      killed.add(id);
      supervisor.signal(id, 'SIGKILL');
      await until(clock, `${id} is dead`, () => supervisor.pid(id) !== pid, readyLimitMs);
    },
    async killAnyhow(id) {
      await untilSpared(id);
      const pid = supervisor.pid(id);
      if (pid === null) return false;
      killed.add(id);
      supervisor.signal(id, 'SIGKILL');
      await until(clock, `${id} is dead`, () => supervisor.pid(id) !== pid, readyLimitMs, 5);
      return true;
    },
    freeze: (id) => supervisor.signal(id, 'SIGSTOP'),
    thaw: (id) => supervisor.signal(id, 'SIGCONT'),
    untilReady,
    async untilAllReady() {
      for (const id of ids) await untilReady(id);
    },
  };
}

/** The environment without what would point the services elsewhere. */
function inherited(): Record<string, string | undefined> {
  const own = /^(KAFKA|REDIS|TOPIC|OTEL|HTTP|METRICS|LOG|INSTANCE|PARTITIONS|DELIVERY|STRATEGY|PLACEMENT)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name)));
}
