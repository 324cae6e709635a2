import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { type EvaluationReport, evaluate } from '../../lab/runs/evaluate';
import { workloadConfig } from '../../lab/runs/workload-config';
import { readRecordedData } from '../../lab/workloads/recorded-data';
import { createLog } from '../../lib/telemetry/log';
import { progressOf } from '../drive/progress-of';
import { formatTable } from '../format-table';
import { CliError, type Io } from '../io';
import { lineWriter } from '../line-writer';
import { commaSeparated, reasonOf, wholeNumber } from '../read-options';

interface EvaluateCommandOptions {
  readonly data: string;
  readonly warm?: { readonly split: string; readonly feedback: 'full' | 'chosen' };
  readonly test?: string;
  readonly feedback: 'chosen' | 'none';
  readonly budget?: number;
  readonly pipeline: 'full' | 'dqn';
  readonly order: 'file' | 'shuffle';
  readonly feedbackDelay: number;
  readonly lockstep?: boolean;
  readonly ope?: boolean;
  readonly seed: number;
  readonly excludeModels: readonly string[];
  readonly decisions?: string;
  readonly timings?: string;
  readonly json?: boolean;
}

export function addEvaluate(program: Command, io: Io): void {
  program
    .command('evaluate')
    .description(
      'Run the engine over recorded data on a virtual clock and compare it with other policies on the same rows.',
    )
    .requiredOption('--data <file>', 'recorded data: .jsonl or .jsonl.gz')
    .option(
      '--warm <split:mode>',
      'rows shown first; mode full: all outcomes, as offline training; chosen: routed, only the chosen outcome',
      warmOf,
    )
    .option('--test <split>', 'rows to report on (default: all that are not warm)')
    .addOption(
      program
        .createOption('--feedback <mode>', 'during the test: learn on from chosen outcomes, or stay frozen')
        .choices(['chosen', 'none'])
        .default('chosen'),
    )
    .option('--budget <usd>', 'spend at most this per request on average', usd)
    .addOption(
      program
        .createOption('--pipeline <name>', 'full: the whole engine; dqn: the Q-network alone decides')
        .choices(['full', 'dqn'])
        .default('full'),
    )
    .addOption(
      program.createOption('--order <order>', 'order of the rows').choices(['file', 'shuffle']).default('file'),
    )
    .option(
      '--feedback-delay <n>',
      'the outcome of a request arrives after this many further requests',
      wholeNumber(0, 1_000_000),
      0,
    )
    .option('--lockstep', 'publish after every reward instead of in steps as in production')
    .option('--ope', "also estimate other policies from the engine's own log of the test rows, next to the truth")
    .option('--seed <n>', 'seed of everything random', wholeNumber(0, 2 ** 31), 1)
    .option('--exclude-models <names>', 'models to leave out, separated by commas', commaSeparated, [])
    .option(
      '--decisions <file>',
      'write a JSON line per test row: id, model, propensity, values {model: predicted quality}',
    )
    .option('--timings <file>', 'write a JSON line per test row: id, wallMs')
    .option('--json', 'print one JSON object instead of tables')
    .addHelpText(
      'after',
      '\nSame data, options and seed: same bytes on stdout and in --decisions. Scores are means over test rows; regret is the mean\nutility below the oracle, which knows the best model of every row. Each baseline has meanScore, meanCostUsd and regret.\n\nExamples:\n  $ quantum-router evaluate --data ulab9.jsonl.gz --warm train:chosen --test test --feedback chosen --seed 1 --json\n  $ quantum-router evaluate --data pb.jsonl.gz --budget 0.0003 --order shuffle --decisions out.jsonl',
    )
    .action((options: EvaluateCommandOptions) => run(io, options));
}

function warmOf(text: string): { split: string; feedback: 'full' | 'chosen' } {
  const [, split, feedback] = /^(.+):(full|chosen)$/.exec(text) ?? [];
  if (!split) throw new InvalidArgumentError('It must be SPLIT:full or SPLIT:chosen.');
  return { split, feedback: feedback as 'full' | 'chosen' };
}

function usd(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('It must be a positive amount in USD.');
}

async function run(io: Io, options: EvaluateCommandOptions): Promise<void> {
  const file = resolve(io.workingDirectory, options.data);
  const workload = await readRecordedData(file, { excludeModels: options.excludeModels }).catch((error: Error) => {
    throw new CliError(`${options.data}: ${reasonOf(error)}`);
  });
  const defaults = workloadConfig(workload, { seed: options.seed, budgetUsdPerRequest: options.budget ?? null });
  const config = {
    ...defaults,
    // The Q-network alone: no other strategy takes part.
    ...(options.pipeline === 'dqn' && { strategies: ['LEARNING_OPTIMIZED' as const] }),
    learning: {
      ...defaults.learning,
      pipeline: options.pipeline,
      publish: options.lockstep ? ('lockstep' as const) : ('steps' as const),
    },
  };
  const decisions = lineWriter(io, options.decisions);
  const timings = lineWriter(io, options.timings);
  const progress = progressOf(io, 'rows');
  const report = await evaluate({
    workload,
    config,
    warm: options.warm ?? null,
    testSplit: options.test ?? null,
    feedback: options.feedback,
    order: options.order,
    feedbackAfter: () => options.feedbackDelay,
    offPolicy: options.ope ?? false,
    seed: options.seed,
    log: createLog({ level: 'error' }),
    onDecision: decisions.write,
    onTiming: timings.write,
    onProgress: progress.update,
    wallMs: () => io.clock.monotonicMs(),
  });
  progress.finish();
  decisions.close();
  timings.close();
  io.stdout.write(options.json ? `${JSON.stringify(report)}\n` : describe(report, io.stdout.columns));
}

function describe(report: EvaluationReport, columns: number): string {
  const rows = Object.entries({ 'this engine': report, ...report.baselines }).map(([name, summary]) => [
    name,
    summary.meanScore.toFixed(4),
    summary.meanCostUsd === null ? 'unknown' : summary.meanCostUsd.toPrecision(4),
    summary.regret.toFixed(4),
  ]);
  const judged = report.offPolicy ? `\n${describeOffPolicy(report.offPolicy, columns)}` : '';
  return `${report.requests} test rows, ${report.updates} rewards learned from\n${formatTable(['policy', 'mean score', 'mean cost USD', 'regret'], rows, columns)}${judged}`;
}

function describeOffPolicy(estimates: NonNullable<EvaluationReport['offPolicy']>, columns: number): string {
  const rows = Object.entries(estimates).map(([name, { truth, refused, snips, dr }]) => [
    name,
    truth.toFixed(4),
    snips ? `${snips.value.toFixed(4)} (${snips.low.toFixed(3)} … ${snips.high.toFixed(3)})` : '',
    dr ? `${dr.value.toFixed(4)} (${dr.low.toFixed(3)} … ${dr.high.toFixed(3)})` : '',
    refused === null ? '' : 'refused: too little in the log',
  ]);
  return `Other policies, estimated from this log:\n${formatTable(['policy', 'truth', 'SNIPS', 'DR', ''], rows, columns)}`;
}
