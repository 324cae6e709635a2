import { type Command, InvalidArgumentError } from 'commander';
import { forgetFault } from '../../lib/config/schema/forget-schema';
import { short, shownHash, signed } from '../../lib/figures/figures';
import { sleep } from '../../lib/ports/clock';
import { isoText, looksLikeTime, timeSchema } from '../../lib/topics/calendar-time';
import type { ForgottenJudgements, WeightsVersion } from '../../lib/topics/generated/messages';
import { findVersion } from '../../lib/weights/read-weights';
import { addWhereOptions, atGatewayOrLog, openLog, type WhereOptions } from '../drive/gateway-or-log';
import { gatewayDesk, logDesk, type WeightsDesk } from '../drive/weights-desk';
import { findStore } from '../find-store';
import { formatTable } from '../format-table';
import { CliError, exitCodes, type Io } from '../io';
import { wholeNumber } from '../read-options';

interface ModelsOptions extends WhereOptions {
  readonly timeout?: number;
}

interface ForgetOptions extends ModelsOptions {
  readonly source?: string;
  readonly from?: string;
  readonly to?: string;
  readonly reason: string;
}

const defaultTimeoutSeconds = 30;

function forgetTimeOption(text: string): string {
  if (timeSchema.safeParse(text).success) return text;
  if (looksLikeTime(text)) throw new InvalidArgumentError('There is no such date or time.');
  throw new InvalidArgumentError('It must be a time like 2026-11-28T12:00Z.');
}

export function addModels(program: Command, io: Io): void {
  const models = program
    .command('models')
    .description('List the learned weights and their lineage; put others in force.')
    .addHelpText(
      'after',
      `
By default a running gateway is asked, and where there is none, the store
here that was written last. --data-dir works on the store of a stopped engine,
--kafka on a cluster.

Examples:
  $ quantum-router models list
  $ quantum-router models show 3f9a
  $ quantum-router models rollback
  $ quantum-router models forget --source judge:small --from 2026-11-27
  $ quantum-router models promote --kafka localhost:9092`,
    );
  const add = (name: string, description: string) => addWhereOptions(models.command(name).description(description));
  const policy = 'hash of the policy, or an unambiguous beginning of it';
  const timeout = `seconds to wait for a trainer on Kafka (default: ${defaultTimeoutSeconds})`;

  add('list', 'List the versions, last changed first; * is in force.').action((options: ModelsOptions) =>
    atDesk(io, options, (desk) => list(io, desk, options)),
  );
  add('show', 'Show all that is known of a version: lineage, figures, evidence.')
    .argument('<policy>', policy)
    .action((sha256: string, options: ModelsOptions) => atDesk(io, options, (desk) => show(io, desk, sha256, options)));
  add('promote', 'Put a candidate in force, if the off-policy gate agrees; after a rollback, publishing goes on.')
    .argument('[policy]', `${policy} (default: the newest candidate)`)
    .option('--force', "without the gate's consent")
    .option('--timeout <seconds>', timeout, wholeNumber(1, 3_600))
    .action((sha256: string | undefined, options: ModelsOptions & { force?: boolean }) =>
      change(io, options, { kind: 'PROMOTE', policySha256: sha256 ?? null, force: options.force ?? false }),
    );
  add('forget', 'Learn anew without the judgements of a source or a time: a new lineage, through the gate.')
    .option('--source <source>', 'judgements of this source alone, those that still come included')
    .option('--from <time>', 'of outcomes from then on (ISO 8601)', forgetTimeOption)
    .option('--to <time>', 'of outcomes before then', forgetTimeOption)
    .option('--reason <text>', 'why, for who reads the history', '')
    .option(
      '--timeout <seconds>',
      `seconds to wait for what comes of it (default: ${defaultTimeoutSeconds})`,
      wholeNumber(1, 3_600),
    )
    .action((options: ForgetOptions) => forget(io, options));
  add('rollback', 'Put earlier weights in force and hold back newer ones until a promotion.')
    .argument('[policy]', `${policy} (default: the one before)`)
    .option('--timeout <seconds>', timeout, wholeNumber(1, 3_600))
    .action((sha256: string | undefined, options: ModelsOptions) =>
      change(io, options, { kind: 'ROLLBACK', policySha256: sha256 ?? null, force: false }),
    );
}

/** Between two looks for what came of it. */
const lookEveryMs = 500;

async function forget(io: Io, options: ForgetOptions): Promise<void> {
  const { source, from, to, reason, timeout = defaultTimeoutSeconds } = options;
  const rule = { ...(source !== undefined && { source }), ...(from && { from }), ...(to && { to }), reason };
  const fault = forgetFault(rule);
  if (fault) throw new CliError(`--${fault.field} ${fault.message}`, exitCodes.usage);
  await atDesk(io, options, async (desk) => {
    const version = await desk.forget(rule, io.environment['USER'] || 'command line');
    if (!options.json)
      io.stderr.write(`version ${version} of the configuration leaves these judgements out; the log is folded anew\n`);
    const deadlineMs = io.clock.monotonicMs() + timeout * 1_000;
    for (;;) {
      const { versions } = await desk.read();
      const made = versions.find(({ configVersion, forgot }) => forgot && configVersion >= version);
      if (made?.forgot) {
        io.stdout.write(options.json ? `${JSON.stringify(made)}\n` : `${describeForgotten(made, made.forgot)}\n`);
        return;
      }
      if (io.clock.monotonicMs() >= deadlineMs) break;
      await sleep(io.clock, lookEveryMs);
    }
    io.stderr.write(
      'there is nothing to compare yet: `models list` shows the candidate once the log is folded, `models show` what it changes\n',
    );
    if (options.json) io.stdout.write(`${JSON.stringify({ configVersion: version })}\n`);
  });
}

/** Quality of a model that differs by less is the same. */
const leastMove = 0.0005;

function describeForgotten({ weights, state }: WeightsVersion, forgot: ForgottenJudgements): string {
  const { judgements, policySha256, decisions, models } = forgot;
  const moved = models
    .filter(({ before, after }) => Math.abs(after - before) >= leastMove)
    .sort((a, b) => Math.abs(b.after - b.before) - Math.abs(a.after - a.before));
  const rows = moved.map(({ model, before, after }) => [
    model,
    before.toFixed(3),
    after.toFixed(3),
    signed(after - before, 3),
  ]);
  const table = formatTable(['model', 'expected before', 'expected after', 'moved'], rows);
  const of = `over the newest ${decisions} decisions`;
  return [
    `judgements left out: ${judgements}`,
    `weights: ${shownHash(policySha256)} before, ${shownHash(weights.policySha256)} without them (${state})`,
    rows.length > 0
      ? `quality expected of models, ${of}:\n${table.trimEnd()}`
      : `no model is expected to differ, ${of}`,
  ].join('\n');
}

function atDesk(io: Io, options: ModelsOptions, use: (desk: WeightsDesk) => Promise<void>): Promise<void> {
  return atGatewayOrLog(io, options, {
    gateway: (gateway) => use(gatewayDesk(gateway)),
    log: () => atLog(io, options, use),
  });
}

async function atLog(io: Io, options: ModelsOptions, use: (desk: WeightsDesk) => Promise<void>): Promise<void> {
  const { kafka, timeout = defaultTimeoutSeconds } = options;
  const dataDir = kafka === undefined ? findStore(io, options.dataDir) : '';
  const home = await openLog(io, options, dataDir);
  try {
    const where = kafka === undefined ? `the store in ${dataDir}` : `the topics at ${kafka}`;
    await use(logDesk({ home, where, timeoutMs: kafka === undefined ? null : timeout * 1_000 }));
  } finally {
    await home.close();
  }
}

async function change(
  io: Io,
  options: ModelsOptions,
  wish: { kind: 'PROMOTE' | 'ROLLBACK'; policySha256: string | null; force: boolean },
): Promise<void> {
  await atDesk(io, options, async (desk) => {
    const answer = await desk.ask({ ...wish, requestedBy: io.environment['USER'] || 'command line' });
    const { policySha256, sequence, why } = answer;
    io.stdout.write(
      options.json ? `${JSON.stringify(answer)}\n` : `${policySha256} is in force as sequence ${sequence}: ${why}\n`,
    );
  });
}

async function list(io: Io, desk: WeightsDesk, { json }: ModelsOptions): Promise<void> {
  const { inForce, versions } = await desk.read();
  if (json) {
    io.stdout.write(`${JSON.stringify({ inForce, versions })}\n`);
    return;
  }
  if (versions.length === 0) {
    io.stdout.write('no weights have been learned yet\n');
    return;
  }
  const header = ['', 'sequence', 'policy', 'lineage', 'state', 'reason', 'rewards', 'events', 'published'];
  const figures = ['error', 'neural weight'];
  io.stdout.write(
    formatTable(
      [...header, ...figures],
      versions.map((version) => rowOf(version, inForce)),
      io.stdout.columns,
      ['published', 'events', 'neural weight', 'error', 'lineage'],
    ),
  );
}

function rowOf({ weights, state }: WeightsVersion, inForce: string | null): (string | number)[] {
  const { policySha256, sequence, fromOffset, toOffset, publishedAtMs, metrics } = weights;
  return [
    policySha256 === inForce ? '*' : '',
    sequence === 0 ? '' : sequence,
    shownHash(policySha256),
    weights.lineage,
    state,
    weights.reason,
    weights.learnedRewards,
    `${fromOffset}..${toOffset}`,
    sequence === 0 ? '' : timeOf(publishedAtMs),
    figureOf(metrics['linearError']),
    figureOf(metrics['neuralWeight']),
  ];
}

async function show(io: Io, desk: WeightsDesk, sha256: string, { json }: ModelsOptions): Promise<void> {
  const { inForce, versions } = await desk.read();
  const { version, ...rest } = findVersion(versions, sha256);
  if (!version) throw new CliError('why' in rest ? (rest.why as string) : 'there is no such version');
  io.stdout.write(json ? `${JSON.stringify(version)}\n` : describe(version, inForce));
}

function describe(version: WeightsVersion, inForce: string | null): string {
  const { weights, state, why, configVersion, evidence, changedAtMs } = version;
  const { policySha256, sequence, publishedAtMs } = weights;
  const published = sequence === 0 ? 'never in force' : `sequence ${sequence}, ${timeOf(publishedAtMs)}`;
  const rows: [string, string][] = [
    ['policy', policySha256],
    ['basis', weights.basisSha256],
    ['parent', weights.parentSha256 ?? 'none'],
    ['state', `${policySha256 === inForce ? 'in force' : state} since ${timeOf(changedAtMs)}`],
    ['why', why === '' ? weights.reason : `${weights.reason}: ${why}`],
    ['published', published],
    ['learned', `${weights.learnedRewards} rewards of learning.events ${weights.fromOffset}..${weights.toOffset}`],
    ['lineage', `${weights.lineage}: seed ${weights.seed}, ${weights.backend}, encoder ${weights.encoderVersion}`],
    ['config', `version ${configVersion}`],
    ['models', weights.models.join(', ')],
    ['figures', figuresOf(weights.metrics)],
    ['evidence', figuresOf(evidence)],
  ];
  const text = rows.map(([name, value]) => `${name.padEnd(9)}  ${value}\n`).join('');
  return version.forgot ? `${text}${describeForgotten(version, version.forgot)}\n` : text;
}

function figuresOf(figures: Readonly<Record<string, number>>): string {
  const all = Object.entries(figures).map(([name, value]) => `${name} ${figureOf(value)}`);
  return all.length === 0 ? 'none' : all.join(', ');
}

function figureOf(value: number | undefined): string {
  return value === undefined ? '' : short(value, 4);
}

function timeOf(ms: number): string {
  return isoText(ms);
}
