import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { makeDirectory } from '../../lib/adapters/make-directory';
import { configFromJson } from '../../lib/config/parse-config';
import type { RouterConfig } from '../../lib/config/router-config';
import { type Bound, boundOf, type OffsetSpan, ReplayRangeError, spanOf } from '../../lib/replay/range';
import type { LocatedDifference } from '../../lib/replay/verify';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import { looksLikeTime } from '../../lib/topics/calendar-time';
import { topics } from '../../lib/topics/topics';
import { foldSettingsOf } from '../../services/dqn-trainer/fold/fold';
import { chooseBackend } from '../../services/dqn-trainer/tensor-backend';
import type { EngineHome } from '../../services/home';
import { progressOf } from '../drive/progress-of';
import { backendAt, configAt, publishedAt, type Retrained, retrain } from '../drive/replay-retrain';
import { type VerifiedRange, verifyRange } from '../drive/replay-verify';
import { findStore } from '../find-store';
import { CliError, exitCodes, type Io } from '../io';
import { lineWriter } from '../line-writer';
import { addHomeOptions, type HomeOptions, openHome } from '../open-home';
import { readConfig } from '../read-config';
import { reasonOf, wholeNumber } from '../read-options';

interface ReplayOptions extends HomeOptions {
  readonly from: Bound;
  readonly to: Bound;
  readonly verify?: boolean;
  readonly retrain?: boolean;
  readonly withLearned?: boolean;
  readonly partition?: number;
  readonly config?: string;
  readonly seed?: number;
  readonly lateOutcomes: boolean;
  readonly dataDir?: string;
  readonly json?: boolean;
  readonly out?: string;
}

/** Differences shown; all of them go to `--out`. */
const shownDifferences = 20;
const listedDifferences = 1_000;

export function addReplay(program: Command, io: Io): void {
  const command = program
    .command('replay')
    .description('Go through the log again: check that every decision comes out the same, or learn the weights anew.')
    .option('--verify', 'recompute every decision of the range and report any difference')
    .option('--retrain', 'learn weights from the range; nothing is published')
    .addOption(
      new Option('--from <where>', 'earliest, end, an offset, or a time (ISO 8601 or epoch ms); inclusive')
        .argParser(bound)
        .default({ kind: 'earliest' }, 'earliest'),
    )
    .addOption(new Option('--to <where>', 'the same; exclusive').argParser(bound).default({ kind: 'end' }, 'end'))
    .option('--partition <n>', 'verify: this partition only; needed for offsets', wholeNumber(0, 100_000))
    .option('--with-learned', 'verify: judge learned threads again too, with the weights in the log')
    .option('-c, --config <file>', 'retrain: this configuration (default: the one in force at the end of the range)')
    .option('--seed <n>', 'retrain: this seed instead of the configuration’s', wholeNumber(0, 2 ** 31))
    .option('--no-late-outcomes', 'retrain: leave out outcomes that came after their decision was closed')
    .option('-d, --data-dir <directory>', 'the store of a stopped engine (default: the one here that was written last)')
    .option('--json', 'one JSON object instead of text')
    .option('--out <path>', 'verify: a file for all differences, as JSON lines; retrain: a folder for the weights');
  addHomeOptions(command)
    .addHelpText(
      'after',
      `
Offsets are those of route.decided (--verify) or learning.events (--retrain);
whole numbers of 12 digits and more are times. A time without a zone is UTC, a date
without a time its midnight. Exits with 1 when a decision differs.

Examples:
  $ quantum-router replay --verify
  $ quantum-router replay --verify --with-learned --from 2026-03-01 --to 2026-03-02 --out differences.jsonl
  $ quantum-router replay --retrain --to 20000 --seed 7 --out weights
  $ quantum-router replay --verify --kafka localhost:9092 --partition 2 --from 1000`,
    )
    .action((options: ReplayOptions) => run(io, options));
}

function bound(text: string): Bound {
  const parsed = boundOf(text);
  if (parsed) return parsed;
  if (looksLikeTime(text)) throw new InvalidArgumentError('There is no such date or time.');
  throw new InvalidArgumentError(
    'It must be earliest, end, an offset, epoch milliseconds, or a time like 2026-03-01T12:00:00Z.',
  );
}

async function run(io: Io, options: ReplayOptions): Promise<void> {
  refuseMixed(options);
  const home = await openReplayHome(io, options);
  try {
    if (options.verify) await runVerify(io, options, home);
    else await runRetrain(io, options, home);
  } catch (error) {
    if (io.stopSignal.aborted) throw new CliError('stopped before the end', exitCodes.stopped);
    if (error instanceof ReplayRangeError) throw new CliError(error.message);
    throw error;
  } finally {
    await home.close();
  }
}

function refuseMixed(options: ReplayOptions): void {
  const { verify, retrain: retrains, partition, withLearned, config, seed, lateOutcomes, from, to } = options;
  const refuse = (message: string): never => {
    throw new CliError(message, exitCodes.usage);
  };
  if (verify === retrains) refuse('give one of --verify and --retrain');
  if (retrains && (partition !== undefined || withLearned)) refuse('--partition and --with-learned go with --verify');
  if (verify && (config !== undefined || seed !== undefined || !lateOutcomes))
    refuse('--config, --seed and --no-late-outcomes go with --retrain');
  if (verify && partition === undefined && [from, to].some(({ kind }) => kind === 'offset'))
    refuse('an offset is one of a partition: add --partition');
}

/** The log without any service: nothing is decided or written. */
async function openReplayHome(io: Io, options: ReplayOptions): Promise<EngineHome> {
  const dataDir = options.kafka === undefined ? findStore(io, options.dataDir) : '';
  return openHome(
    io,
    { ...options, dataDir },
    { log: createLog({ level: 'error' }), metrics: createMetrics(), readOnly: true },
  );
}

async function runVerify(io: Io, options: ReplayOptions, home: EngineHome): Promise<void> {
  const { from, to, partition = null, withLearned = false, out, json } = options;
  const differences: LocatedDifference[] = [];
  let found = 0;
  const lines = lineWriter(io, out);
  const progress = progressOf(io, 'decisions');
  const startedMs = io.clock.monotonicMs();
  const verified = await verifyRange({
    home,
    from,
    to,
    partition,
    withLearned,
    log: createLog({ level: 'error' }),
    onDifference(difference) {
      found++;
      if (differences.length < listedDifferences) differences.push(difference);
      lines.write(difference);
    },
    onProgress: progress.update,
    signal: io.stopSignal,
  }).finally(lines.close);
  progress.finish();
  const seconds = secondsSince(io, startedMs);
  const report = { ...verified, seconds, differences, differencesLeftOff: found - differences.length };
  io.stdout.write(json ? `${JSON.stringify(report)}\n` : describeVerified(report));
  if (verified.different > 0)
    throw new CliError(`${verified.different} decisions do not come out as they were recorded`);
}

function secondsSince(io: Io, startedMs: number): number {
  return (io.clock.monotonicMs() - startedMs) / 1_000;
}

type VerifyReport = VerifiedRange & {
  readonly seconds: number;
  /** The first thousand. */
  readonly differences: readonly LocatedDifference[];
  readonly differencesLeftOff: number;
};

function describeVerified(report: VerifyReport): string {
  const { ranges, records, seconds, decisions, verified, different, outsideRange, threads, differences } = report;
  const shown = differences.slice(0, shownDifferences).map(describeDifference);
  const more = differences.length - shown.length + report.differencesLeftOff;
  return [
    `range      ${ranges.map(({ partition, from, to }) => `${partition}@${from}..${to}`).join('  ')}`,
    `records    ${records} read in ${seconds.toFixed(1)} s (${Math.round(records / Math.max(seconds, 1e-3))} per second)`,
    `decisions  ${decisions}: ${verified} verified, ${different} different, ${outsideRange} unverifiable: outside the range`,
    `           besides ${report.duplicates} duplicates and ${report.undecodable} undecodable records`,
    `threads    ${threads.recomputed} judged again, ${threads.different} different, ${threads.unverifiable} unverifiable`,
    `           besides ${threads.skipped} learned ones left out`,
    differences.length === 0 ? 'no differences' : 'differences',
    ...shown,
    ...(more > 0 ? [`  and ${more} more (--out writes all of them)`] : []),
    '',
  ].join('\n');
}

function describeDifference(difference: LocatedDifference): string {
  const { partition, offset, requestId, of, field, recorded, recomputed } = difference;
  return `  ${partition}@${offset} ${requestId}, ${of}: ${field} is ${JSON.stringify(recorded)}, comes out as ${JSON.stringify(recomputed)}`;
}

async function runRetrain(io: Io, options: ReplayOptions, home: EngineHome): Promise<void> {
  const { broker, topicPrefix } = home;
  const of = { topic: topicPrefix + topics.learningEvents.name, partition: 0 };
  if (!(await broker.listTopics()).some(({ name }) => name === of.topic))
    throw new ReplayRangeError(`there is no topic ${of.topic}: nothing was ever learned here`);
  const span = await spanOf(broker, of, options.from, options.to);
  if (span.from === span.to)
    throw new ReplayRangeError(`there are no learning events from offset ${span.from} to ${span.to}`);
  const { config, origin } = await configOf(io, options, home, span);
  // `auto` means what trained at the time, so that the same weights come out.
  const trained = config.learning.backend === 'auto' ? await backendAt(home, span) : null;
  const { name: backend } = chooseBackend(config, trained);
  const settings = foldSettingsOf({ ...config, seed: options.seed ?? config.seed }, backend, home.encoder);
  const progress = progressOf(io, 'events');
  const startedMs = io.clock.monotonicMs();
  const { weights, ...counts } = await retrain({
    broker,
    topicPrefix,
    span,
    settings,
    lateOutcomes: options.lateOutcomes,
    rewardWeights: config.reward.weights,
    onProgress: (done) => progress.update(done, span.to - span.from),
    signal: io.stopSignal,
  });
  progress.finish();
  const seconds = secondsSince(io, startedMs);
  if (!weights)
    throw new CliError(
      `${counts.events} events from offset ${span.from} to ${span.to} hold too few rewards for weights`,
    );
  const published = await publishedAt(home, weights.toOffset);
  if (options.out !== undefined) writeWeights(io, options.out, weights);
  const report = {
    policySha256: weights.policy.sha256,
    basisSha256: weights.basis.sha256,
    fromOffset: span.from,
    toOffset: weights.toOffset,
    range: span,
    learnedRewards: weights.learnedRewards,
    ...counts,
    seed: settings.seed,
    config: origin,
    backend: weights.backend,
    models: weights.models,
    published: published && {
      policySha256: published.policySha256,
      sequence: published.sequence,
      same: published.policySha256 === weights.policy.sha256,
    },
    seconds,
  };
  io.stdout.write(options.json ? `${JSON.stringify(report)}\n` : describeRetrained(report));
}

type RetrainReport = Omit<Retrained, 'weights'> & {
  readonly policySha256: string;
  readonly basisSha256: string;
  readonly fromOffset: number;
  readonly toOffset: number;
  readonly range: OffsetSpan;
  readonly learnedRewards: number;
  readonly seed: number;
  readonly config: string;
  readonly backend: string;
  readonly published: { readonly policySha256: string; readonly sequence: number; readonly same: boolean } | null;
  readonly seconds: number;
};

function describeRetrained(report: RetrainReport): string {
  const { range, published, events, seconds } = report;
  return [
    `policy     ${report.policySha256}`,
    `basis      ${report.basisSha256}`,
    `made from  learning.events ${report.fromOffset}..${report.toOffset}: ${report.learnedRewards} rewards, ${report.lateOutcomes} late outcomes in the range; seed ${report.seed}, ${report.config}, ${report.backend}`,
    `read       ${range.from}..${range.to}: ${events} events in ${seconds.toFixed(1)} s (${report.duplicates} duplicates, ${report.foreign} of another encoder, ${report.undecodable} undecodable${report.skipped > 0 ? `, ${report.skipped} passed over` : ''})`,
    published === null
      ? 'published  nothing at this offset is kept'
      : `published  at this offset: ${published.same ? 'the same' : published.policySha256} (sequence ${published.sequence})`,
    '',
  ].join('\n');
}

async function configOf(
  io: Io,
  options: ReplayOptions,
  home: EngineHome,
  span: OffsetSpan,
): Promise<{ config: RouterConfig; origin: string }> {
  if (options.config !== undefined)
    return { config: (await readConfig(io, options)).config, origin: `config ${options.config}` };
  const { applied, changes } = await configAt(home, span);
  if (changes > 0)
    io.stderr.write(`the configuration changed ${changes} times within the range: the last one is used throughout\n`);
  return { config: configFromJson(applied.json), origin: `config ${applied.version}` };
}

function writeWeights(io: Io, folder: string, { policy, basis }: NonNullable<Retrained['weights']>): void {
  const path = resolve(io.workingDirectory, folder);
  try {
    makeDirectory(path);
    writeFileSync(join(path, `policy-${policy.sha256}`), policy.bytes);
    writeFileSync(join(path, `basis-${basis.sha256}`), basis.bytes);
  } catch (error) {
    throw new CliError(`cannot write into ${folder}: ${reasonOf(error)}`);
  }
}
