import { resolve } from 'node:path';
import type { Command } from 'commander';
import { defaultStrategyGroup, type StrategyGroup } from '../../lib/config/strategy-groups';
import { ensureServiceTopics } from '../../lib/stream/run-engine';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import { wantsColour } from '../../lib/terminal/wants-colour';
import type { PlacementName } from '../../services/placements';
import { type ProcessName, processesOf } from '../../services/process';
import { declaredServices } from '../declared-services';
import { expelDead } from '../drive/expel-dead';
import { formatLogLine } from '../drive/format-log-line';
import { applyTo } from '../drive/put-config';
import { type ServiceProcess, startSupervisor } from '../drive/supervisor';
import { followConfigFile, looksOf } from '../drive/watch-config-file';
import { formatTable } from '../format-table';
import { aborted, CliError, exitCodes, type Io } from '../io';
import { addHomeOptions, environmentOfHome, type HomeOptions, openDistributedHome, settingsOfHome } from '../open-home';
import { addPlacementOptions, ownGroupsEnvironment, ownGroupsOf, type PlacementOptions } from '../placement-options';
import { addConfigOptions, type ConfigOptions, configFileOf, readConfig, sayInForce } from '../read-config';
import { wholeNumber } from '../read-options';

interface ServicesOptions extends HomeOptions, ConfigOptions, PlacementOptions {
  readonly partitions?: number;
  readonly instances: number;
  readonly host?: string;
  readonly port?: number;
  readonly metricsPort: number;
  readonly logLevel: string;
}

export function addServices(program: Command, io: Io): void {
  const command = program
    .command('services')
    .description(
      'Run every service of the engine and the gateway, each as its own process on Kafka and Redis, until Ctrl-C. One that dies is started anew.',
    )
    .option('--partitions <number>', 'partitions of the request path (default 4)', wholeNumber(1, 256))
    .option('--instances <number>', 'processes of each service that can be scaled', wholeNumber(1, 64), 1)
    .option('--host <address>', 'address of the gateway')
    .option('-p, --port <number>', 'port of the gateway; 0 takes a free one', wholeNumber(0, 65_535))
    .option(
      '--metrics-port <number>',
      'port of the first /metrics of the services, the others take the next ones; 0 takes free ones',
      wholeNumber(0, 65_000),
      0,
    )
    .addOption(
      program
        .createOption('--log-level <level>', 'how much the processes log')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default('info'),
    );
  addHomeOptions(addConfigOptions(addPlacementOptions(command)))
    .addHelpText(
      'after',
      '\nExamples:\n  $ quantum-router services --kafka localhost:9092 --redis redis://localhost:6379\n  $ quantum-router services --kafka localhost:9092 --config my.yaml --instances 2 --log-level warn',
    )
    .action((options: ServicesOptions) => runAll(io, options));
}

async function runAll(io: Io, options: ServicesOptions): Promise<void> {
  const settings = settingsOfHome(io, options);
  if (!settings) throw new CliError('--kafka must say where the topics are', exitCodes.usage);
  const ownGroups = ownGroupsOf(io, options);
  const file = configFileOf(io, options);
  const since = file === null ? '' : looksOf(io, file);
  const read = await readConfig(io, options);
  const parts = { log: createLog({ level: 'error' }), metrics: createMetrics() };
  // Stays open: whoever starts the processes also tells their groups when one has died.
  const home = await openDistributedHome({ ...settings, redis: null }, parts);
  const { broker, topicPrefix } = home;
  // Once here instead of by every process at once.
  await ensureServiceTopics(declaredServices(ownGroups), {
    broker,
    topicPrefix,
    requestPathPartitions: settings.partitions,
  })
    .then(() => applyTo(home, read.config, read.origin))
    .then((inForce) => sayInForce(io, inForce, read))
    .catch((error: Error) => {
      throw new CliError(error.message);
    })
    .catch(async (error: Error) => {
      await home.close();
      throw error;
    });
  const color = wantsColour(io.stderr, io.environment);
  const sayOf = (instanceId: string, line: string): void => {
    io.stderr.write(`${formatLogLine(instanceId, line, { color })}\n`);
  };
  const metricsUrls = new Map<string, string>();
  let wereReady = false;
  const processes = serviceProcesses(options.instances, options.placement, ownGroups).map((process, index) => ({
    ...process,
    // One machine, many processes: a port that all of them were given would be taken by the first.
    environment: {
      ...process.environment,
      METRICS_PORT: String(options.metricsPort === 0 ? 0 : options.metricsPort + index),
    },
  }));
  const supervisor = startSupervisor({
    processes,
    environment: {
      ...io.environment,
      ...environmentOfHome(options),
      ...ownGroupsEnvironment(options),
      LOG_LEVEL: options.logLevel,
      ...(file !== null && { CONFIG_FILE: resolve(io.workingDirectory, file) }),
      ...(options.host !== undefined && { HTTP_HOST: options.host }),
      ...(options.port !== undefined && { HTTP_PORT: String(options.port) }),
    },
    clock: io.clock,
    onLine: sayOf,
    onReady(instanceId, url) {
      if (url === null) return;
      const moved = wereReady && metricsUrls.get(instanceId) !== url;
      metricsUrls.set(instanceId, url);
      if (moved) sayOf(instanceId, `ready again; metrics on ${url}/metrics`);
    },
    onExit: (process, code, signal) => {
      sayOf(process.instanceId, `ended (${signal ?? `exit code ${code}`}); it is started anew`);
      return expelDead(home, process);
    },
  });
  const stopped = aborted(io.stopSignal);
  const watched = followConfigFile(io, file, {
    since,
    configWins: options.configWins ?? false,
    putInForce: ({ config, origin }) => applyTo(home, config, origin),
  });
  await Promise.race([supervisor.ready, stopped]);
  if (!io.stopSignal.aborted) {
    wereReady = true;
    const rows = [...metricsUrls].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, url]) => [id, `${url}/metrics`]);
    io.stderr.write(`metrics of each process:\n${formatTable(['process', 'endpoint'], rows, io.stderr.columns)}`);
    io.stderr.write(`all services are ready; gateway on ${supervisor.url('gateway-0')} (Ctrl-C stops)\n`);
  }
  await stopped;
  io.stderr.write('stopping: finishing what is under way\n');
  await watched.stop();
  await supervisor.stop();
  await home.close();
}

/** The trainer folds one partition and the gateway listens on one port: these two run once. */
const single: readonly ProcessName[] = ['gateway', 'dqn-trainer'];

/** One process of each, or `instances` of those that can share their partitions. */
export function serviceProcesses(
  instances = 1,
  placement: PlacementName = 'separate',
  ownStrategyGroups: readonly StrategyGroup[] = [],
): ServiceProcess[] {
  return processesOf(placement, ownStrategyGroups).flatMap(({ process: service, group }) => {
    const isStrategyGroup = service === defaultStrategyGroup && group !== null;
    return Array.from({ length: single.includes(service) ? 1 : instances }, (_, i) => ({
      service,
      group,
      instanceId: `${isStrategyGroup ? group : service}-${i}`,
      ...(isStrategyGroup && { environment: { STRATEGY_GROUP: group } }),
    }));
  });
}
