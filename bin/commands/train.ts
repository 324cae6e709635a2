import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type HeldOutReport, judgeHeldOut, newestVersion, splitRows, writeRows } from '../../lab/runs/train';
import { readRecordedData } from '../../lab/workloads/recorded-data';
import type { Workload } from '../../lab/workloads/workload';
import { configFromJson } from '../../lib/config/parse-config';
import type { RouterConfig } from '../../lib/config/router-config';
import { shownHash, signed } from '../../lib/figures/figures';
import { ensureServiceTopics } from '../../lib/stream/run-engine';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import { readLast } from '../../lib/topics/read-last';
import { topics } from '../../lib/topics/topics';
import type { EngineHome } from '../../services/home';
import { declaredServices } from '../declared-services';
import { startOwnTrainer } from '../drive/own-trainer';
import { progressOf } from '../drive/progress-of';
import { applyTo } from '../drive/put-config';
import { CliError, type Io } from '../io';
import { addHomeOptions, type HomeOptions, openHome, settingsOfHome } from '../open-home';
import { readConfig } from '../read-config';
import { commaSeparated, defaultDataDirectory, reasonOf } from '../read-options';

interface TrainOptions extends HomeOptions {
  readonly data: string;
  readonly config?: string;
  readonly dataDir: string;
  readonly holdOut: number;
  readonly excludeModels: readonly string[];
  readonly json?: boolean;
}

/** Partitions of the request path in a store that is made here, as `serve` makes it. */
const partitionsOfNewStore = 4;

export function addTrain(program: Command, io: Io): void {
  const command = program
    .command('train')
    .description(
      'Warm start: learn from recorded data before the first request. Rows go into the log as learning events with the outcomes of all models; those it has already are passed over.',
    )
    .requiredOption('--data <file>', 'recorded data: .jsonl or .jsonl.gz')
    .addOption(
      new Option('--feedback <mode>', 'full: the rows have the outcomes of all models')
        .choices(['full'])
        .default('full'),
    )
    .option('-c, --config <file>', 'configuration to put in force (default: the one in force there)')
    .option('-d, --data-dir <directory>', 'the store of a stopped engine; made if there is none', defaultDataDirectory)
    .option('--hold-out <share>', 'share of the rows kept back to measure what was learned', share, 0.1)
    .option('--exclude-models <names>', 'models to leave out, separated by commas', commaSeparated, [])
    .option('--json', 'one JSON object instead of text');
  addHomeOptions(command)
    .addHelpText(
      'after',
      `
On an embedded store this process trains and publishes. On Kafka it writes the rows, and the cluster's trainer does the rest.

Examples:
  $ quantum-router train --data recorded.jsonl.gz
  $ quantum-router train --data recorded.jsonl.gz --config my.yaml --data-dir data/engine --hold-out 0
  $ quantum-router train --data recorded.jsonl.gz --kafka localhost:9092`,
    )
    .action((options: TrainOptions) => train(io, options));
}

function share(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value < 1) return value;
  throw new InvalidArgumentError('It must be at least 0 and less than 1.');
}

async function train(io: Io, options: TrainOptions): Promise<void> {
  const file = resolve(io.workingDirectory, options.data);
  const workload = await readRecordedData(file, { excludeModels: options.excludeModels }).catch((error: Error) => {
    throw new CliError(`${options.data}: ${reasonOf(error)}`);
  });
  const log = createLog({ level: 'error' });
  const home = await openHome(io, options, { log, metrics: createMetrics() });
  try {
    const config = await configOf(io, options, home, workload);
    if (config.encoder.keyed)
      throw new CliError(
        'recorded rows have the common hash, and encoder.keyed is true: the learner would skip them all',
      );
    await ensureTopics(home, settingsOfHome(io, options)?.partitions ?? null);
    const split = splitRows(workload, options.holdOut, config.seed);
    const writing = progressOf(io, 'rows written');
    const written = await writeRows(home, split.train, config, writing.update);
    writing.finish();
    const rows = { written, known: split.train.length - written, heldOut: split.heldOut.length };
    if (options.kafka !== undefined) {
      const text = `${rowsText(rows)}; the trainer of the cluster learns from them: see \`models list\`\n`;
      io.stdout.write(options.json ? `${JSON.stringify({ rows })}\n` : text);
      return;
    }
    const trainer = await startOwnTrainer(home, log);
    const folding = progressOf(io, 'events learned');
    await trainer.foldToEnd(folding.update).finally(() => trainer.stop());
    folding.finish();
    const newest = await newestVersion(home);
    if (!newest) throw new CliError(`${rowsText(rows)}: too few for weights`);
    const heldOut = await judgeHeldOut(home, newest.version, split, config, log);
    const { weights } = newest.version;
    const { policySha256, sequence, learnedRewards, lineage } = weights;
    const report = { rows, policySha256, sequence, learnedRewards, lineage, isInForce: newest.isInForce, heldOut };
    io.stdout.write(options.json ? `${JSON.stringify(report)}\n` : describe(report));
  } finally {
    await home.close();
  }
}

/** The configuration given, else the one in force, else the one found here; it must know every model of the data. */
async function configOf(io: Io, options: TrainOptions, home: EngineHome, workload: Workload): Promise<RouterConfig> {
  const { broker, topicPrefix } = home;
  const accepts = ({ json }: { json: string }) => void configFromJson(json);
  const isThere = (await broker.listTopics()).some(({ name }) => name === topicPrefix + topics.config.name);
  const applied = isThere ? await readLast(broker, topics.config, topicPrefix, { accepts }) : null;
  const { config, origin } =
    options.config === undefined && applied
      ? { config: configFromJson(applied.json), origin: null }
      : await readConfig(io, { ...options, configWins: true });
  const known = config.models.map(({ name }) => name);
  const unknown = workload.models.map(({ name }) => name).filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw new CliError(
      `${options.data} has outcomes of models that are not configured: ${unknown.join(', ')} (configured are ${known.join(', ')}): ` +
        `add them to the configuration, or leave them out with --exclude-models ${unknown.join(',')}`,
    );
  if (origin) await applyTo(home, config, origin);
  return config;
}

/** A new store gets all its topics, with the partitions a server would give them. */
async function ensureTopics(home: EngineHome, partitions: number | null): Promise<void> {
  const { broker, topicPrefix } = home;
  const made = (await broker.listTopics()).find(({ name }) => name === topicPrefix + topics.routeRequested.name);
  const requestPathPartitions = made?.partitions ?? partitions ?? partitionsOfNewStore;
  await ensureServiceTopics(declaredServices(), { broker, topicPrefix, requestPathPartitions });
}

interface Rows {
  readonly written: number;
  readonly known: number;
  readonly heldOut: number;
}

function rowsText({ written, known, heldOut }: Rows): string {
  return `${written} rows written, ${known} were there already, ${heldOut} held out`;
}

interface TrainReport {
  readonly rows: Rows;
  readonly policySha256: string;
  readonly sequence: number;
  readonly learnedRewards: number;
  readonly lineage: string;
  readonly isInForce: boolean;
  readonly heldOut: HeldOutReport | null;
}

function describe({ rows, policySha256, sequence, learnedRewards, isInForce, heldOut }: TrainReport): string {
  const policy = shownHash(policySha256);
  const state = isInForce ? `in force as sequence ${sequence}` : 'waits as a candidate: see `models list`';
  const lines = [`rows      ${rowsText(rows)}`, `weights   ${policy}, ${learnedRewards} rewards learned; ${state}`];
  if (heldOut) {
    const { policy: score, best, bestModel, difference, rows: count } = heldOut;
    const { mean, low, high } = difference;
    lines.push(
      `held out  quality ${score.toFixed(4)}, best single model (${bestModel}) ${best.toFixed(4)}: ` +
        `${signed(mean, 4)} (${low.toFixed(4)} … ${high.toFixed(4)}) on ${count} rows`,
    );
  }
  return `${lines.join('\n')}\n`;
}
