/**
 * Scenarios on a Kafka and a Redis that run already: the engine's services are processes, several of each that can be scaled, and the
 * client is one among others. Every engine has topics of its own, which go with it.
 */
import { randomUUID } from 'node:crypto';
import { serviceProcesses } from '../../bin/commands/services';
import { declaredServices } from '../../bin/declared-services';
import { expelDead } from '../../bin/drive/expel-dead';
import { formatLogLine } from '../../bin/drive/format-log-line';
import { applyTo } from '../../bin/drive/put-config';
import { type Supervisor, startSupervisor } from '../../bin/drive/supervisor';
import { processSettings } from '../../lib/config/process-settings';
import { within } from '../../lib/ports/clock';
import { ensureServiceTopics } from '../../lib/stream/run-engine';
import { type FollowedView, followView } from '../../lib/stream/view';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import type { Tuning } from '../../lib/topics/generated/messages';
import { topics } from '../../lib/topics/topics';
import { distributedHome } from '../../services/home';
import type { PlacementName } from '../../services/placements';
import type { ProcessName } from '../../services/process';
import type { StartScenarioEngine } from './play';

interface KafkaScenarioOptions {
  /** host:port[,host:port…] */
  readonly kafka: string;
  /** redis://host:port; left out, each process caches by itself. */
  readonly redis?: string;
  /** Of every service that can be scaled. */
  readonly instances: number;
  readonly placement: PlacementName;
  /** What the processes inherit: TLS and SASL, for example, come from there. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** A line that a process wrote to its log, for people. */
  readonly onLine: (line: string) => void;
  /** Services that the scenario can do without, besides those that none needs. */
  readonly without?: readonly ProcessName[];
  /** Holds the compiled services; default: beside this file. */
  readonly compiledServices?: string;
}

/** The same as in one process, unless there are more instances. */
const leastPartitions = 4;
/** Nobody asks them anything in a scenario, and they decide nothing. */
const notNeeded: readonly ProcessName[] = ['gateway', 'experiments', 'analytics', 'alerts'];
/** Both end only what hangs: a machine with nothing to spare starts a dozen processes slowly. */
const readyLimitMs = 400_000;
const decisionTimeoutMs = 60_000;

/** Rejects with a readable error when no broker answers. */
export function startOnKafka(options: KafkaScenarioOptions): StartScenarioEngine {
  const { kafka, redis, instances, placement, without = [], compiledServices } = options;
  const processes = serviceProcesses(instances, placement).filter(
    ({ service }) => !notNeeded.includes(service) && !without.includes(service),
  );
  const partitions = Math.max(leastPartitions, instances);
  return async (config, _seed, onFailed) => {
    const environment = {
      ...options.environment,
      KAFKA_BROKERS: kafka,
      ...(redis !== undefined && { REDIS_URL: redis }),
      TOPIC_PREFIX: `scenario-${randomUUID().slice(0, 8)}.`,
      PARTITIONS: String(partitions),
      METRICS_PORT: '0',
      LOG_LEVEL: 'error',
    };
    const settings = processSettings({ ...environment, INSTANCE_ID: 'scenarios' });
    const parts = { log: createLog({ level: 'error' }), metrics: createMetrics() };
    const home = await distributedHome(settings, parts);
    const { clock } = home;
    let supervisor: Supervisor | null = null;
    let tunings: FollowedView<Tuning> | null = null;
    const stop = async (): Promise<void> => {
      await supervisor?.stop();
      await tunings?.stop();
      await home.deleteTopics();
      await home.close();
    };
    try {
      await applyTo(home, config);
      // Once, instead of by every process at once.
      await ensureServiceTopics(declaredServices(), { ...home, requestPathPartitions: partitions });
      tunings = await followView('scenarios', topics.tuning, { ...home, ...parts }, (error) => onFailed(error.message));
      supervisor = startSupervisor({
        processes,
        environment,
        clock,
        onLine: (id, line) => options.onLine(formatLogLine(id, line, { color: false })),
        onExit(one, code, signal) {
          onFailed(`${one.instanceId} ended (${signal ?? `exit code ${code}`})`);
          return expelDead(home, one);
        },
        ...(compiledServices !== undefined && { compiledServices }),
      });
      await within(clock, readyLimitMs, supervisor.ready, () => {
        throw new Error(`the services were not ready within ${readyLimitMs / 1_000} s`);
      });
    } catch (error) {
      await stop();
      throw error;
    }
    return {
      home,
      decisionTimeoutMs,
      learnedRewards: () => tunings?.view.get('current')?.learnedRewards ?? 0,
      applyConfig: async (next) => {
        await applyTo(home, next);
      },
      stop,
    };
  };
}
