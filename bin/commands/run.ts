import { existsSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { plainEveryMs } from '../../lab/report/progress';
import { defaultRunRate, defaultRunRequests, runWorkload } from '../../lab/runs/run';
import { readRecordedData } from '../../lab/workloads/recorded-data';
import { simulatedWorld } from '../../lab/workloads/simulated-world';
import type { Workload } from '../../lab/workloads/workload';
import { lockDirectory } from '../../lib/adapters/embedded/directory-lock';
import type { Log, LogLevel } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import { createStatusLine } from '../../lib/terminal/status-line';
import { type EngineHome, embeddedHome } from '../../services/home';
import { logAbove } from '../drive/log-above';
import { showEngineStatus } from '../drive/show-engine-status';
import { aborted, CliError, exitCodes, type Io, say } from '../io';
import { addHomeOptions, type HomeOptions, openDistributedHome, settingsOfHome } from '../open-home';
import { commaSeparated, defaultRunDirectory, reasonNotListening, reasonOf, wholeNumber } from '../read-options';

interface RunCommandOptions extends HomeOptions {
  readonly exit?: boolean;
  readonly world: number;
  readonly data?: string;
  readonly excludeModels: readonly string[];
  readonly requests?: number;
  readonly rate?: number;
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  readonly seed: number;
  readonly logLevel: LogLevel;
}

/** A small file is played slowly enough that the engine can learn while it plays. */
const leastRunSeconds = 30;
const leastRunRate = 20;

export function addRun(program: Command, io: Io): void {
  const command = program
    .command('run')
    .description(
      'Route a workload through the whole engine in this process and show what that was worth; then stay up.',
    )
    .option('--exit', 'end after the table instead of staying up')
    .option('--world <n>', 'which simulated world: permutes skills and prices', wholeNumber(1, 1_000_000), 1)
    .option('--data <file>', 'recorded data (.jsonl or .jsonl.gz) instead of the simulated world')
    .option(
      '--exclude-models <names>',
      'models of the recorded data to leave out, separated by commas',
      commaSeparated,
      [],
    )
    .option(
      '--requests <n>',
      `requests to play (default ${defaultRunRequests}; recorded data: all rows)`,
      wholeNumber(1, 10_000_000),
    )
    .option(
      '--rate <n>',
      `requests per second (default ${defaultRunRate}, less for little data: an outcome must come before the next decision can profit from it)`,
      wholeNumber(1, 100_000),
    )
    .option('--host <address>', 'address of the gateway', '127.0.0.1')
    .option('-p, --port <number>', 'port of the gateway; 0 takes a free one', wholeNumber(0, 65_535), 8_080)
    .option(
      '-d, --data-dir <directory>',
      'where the embedded store lives; what an earlier run left there is removed',
      defaultRunDirectory,
    )
    .option('--seed <n>', 'seed of the workload and the engine', wholeNumber(0, 2 ** 31), 1)
    .addOption(
      program
        .createOption('--log-level <level>', 'how much to log (to stderr)')
        .choices(['debug', 'info', 'warn', 'error', 'silent'])
        .default('error'),
    );
  addHomeOptions(command)
    .addHelpText(
      'after',
      '\nExits with 0 when every request was decided in time and, on the simulated workload, the engine was worth more than\nrandom routing; with 1 otherwise; with 130 when it was stopped. A busy machine\nis given fewer requests per second, which is said.\n\nExamples:\n  $ quantum-router run\n  $ quantum-router run --exit --world 3\n  $ quantum-router run --data recorded.jsonl.gz',
    )
    .action((options: RunCommandOptions) => run(io, options));
}

async function run(io: Io, options: RunCommandOptions): Promise<void> {
  const workload = await workloadOf(io, options);
  const rate =
    options.rate ?? Math.min(defaultRunRate, Math.max(leastRunRate, Math.ceil(workload.rows / leastRunSeconds)));
  const line = createStatusLine(io.stderr, io.clock, plainEveryMs);
  const log = logAbove(io, line, { level: options.logLevel });
  const home = await freshHome(io, options, log);
  const what = workload.simulated
    ? `${workload.name} (SIMULATED models, see docs/simulated-world.md)`
    : `${workload.name} (recorded data)`;
  say(io.stderr, `${workload.rows} requests of ${what} through the whole engine, ${rate} per second`);
  const result = await runWorkload({
    workload,
    home,
    http: { host: options.host, port: options.port },
    trainer: 'worker',
    ratePerSecond: rate,
    seed: options.seed,
    log,
    line,
    onReady: (url) => say(io.stderr, `dashboard and API: ${url}`),
    stopped: () => io.stopSignal.aborted,
  }).catch(async (error: Error) => {
    await home.remove();
    // `make run` hands the port on as a variable.
    const reason = reasonNotListening(error, options, 'PORT=n or --port');
    throw reason === null ? error : new CliError(reason);
  });
  io.stdout.write(result.summary);
  if (!options.exit && !result.stopped && !io.stopSignal.aborted) {
    io.stderr.write(
      `\nThe engine stays up on ${result.engine.url} (Ctrl-C stops).\nA browser shows the dashboard there, \`quantum-router top\` the same here. Try:\n`,
    );
    io.stderr.write(
      `  curl -s ${result.engine.url}/v1/route \\\n       -H 'content-type: application/json' \\\n       -d '{"prompt":"Translate: good morning"}'\n`,
    );
    const hide = showEngineStatus(io, result.engine, line);
    await aborted(io.stopSignal);
    hide();
    io.stderr.write('stopping\n');
  }
  await result.engine.stop();
  await home.remove();
  if (result.stopped)
    throw new CliError(`stopped after ${result.played.sent} of ${workload.rows} requests`, exitCodes.stopped);
  if (result.failure) throw new CliError(result.failure);
}

/** A home that nothing was learned in yet; on Kafka, topics of a prefix of their own. `remove` closes it, and takes those topics away. */
async function freshHome(
  io: Io,
  options: RunCommandOptions,
  log: Log,
): Promise<EngineHome & { remove(): Promise<void> }> {
  const topicPrefix = options.topicPrefix ?? `run-${io.clock.nowMs()}.`;
  const settings = settingsOfHome(io, options.kafka === undefined ? options : { ...options, topicPrefix });
  if (settings) {
    io.stderr.write(`on Kafka at ${settings.kafka.brokers.join(',')}, topics ${topicPrefix}*\n`);
    const home = await openDistributedHome(settings, { log, metrics: createMetrics() });
    return {
      ...home,
      async remove() {
        // Topics that somebody named are kept for them.
        if (options.topicPrefix === undefined) await home.deleteTopics();
        await home.close();
      },
    };
  }
  const directory = resolve(io.workingDirectory, options.dataDir);
  removeEarlierRun(directory);
  const home = embeddedHome({ directory });
  return { ...home, remove: () => home.close() };
}

async function workloadOf(io: Io, options: RunCommandOptions): Promise<Workload> {
  if (options.data === undefined) {
    return simulatedWorld({ world: options.world, rows: options.requests ?? defaultRunRequests, seed: options.seed });
  }
  const file = resolve(io.workingDirectory, options.data);
  try {
    const data = await readRecordedData(file, { excludeModels: options.excludeModels });
    return options.requests === undefined ? data : { ...data, rows: Math.min(data.rows, options.requests) };
  } catch (error) {
    throw new CliError(`${options.data}: ${reasonOf(error)}`);
  }
}

/** Only what a store consists of is removed: a directory with anything else in it is not ours to clean. */
function removeEarlierRun(directory: string): void {
  if (!existsSync(directory)) return;
  if (!existsSync(join(directory, 'store.json'))) {
    throw new CliError(`${directory} exists and is no store of an earlier run: name another with --data-dir`);
  }
  // Of a store that somebody uses nothing is removed.
  const unlock = lockDirectory(directory);
  rmSync(directory, { recursive: true, force: true });
  unlock();
}
