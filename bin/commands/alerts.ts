import { type Command, InvalidArgumentError } from 'commander';
import { suggestName } from '../../lib/config/describe-issues';
import { ruleNames } from '../../lib/config/schema/alert-schema';
import { isoText } from '../../lib/topics/calendar-time';
import type { Alert, AlertSilence } from '../../lib/topics/generated/messages';
import { formatTable } from '../format-table';
import { askGateway, gatewayAt } from '../gateway-client';
import { CliError, type Io } from '../io';
import { defaultGatewayUrl, gatewayUrl, readLength } from '../read-options';

interface Options {
  readonly url: string;
  readonly json?: boolean;
}

interface SilenceOptions extends Options {
  readonly rule?: string;
  readonly subject?: string;
  readonly for: number;
  readonly reason: string;
  readonly author?: string;
}

/** As GET /v1/alerts answers. */
interface Listed {
  readonly ringing: readonly Omit<Alert, 'notify'>[];
  readonly resolved: readonly Omit<Alert, 'notify'>[];
  readonly silences: readonly AlertSilence[];
}

const hourMs = 3_600_000;
/** As many as one screen shows beside what rings. */
const shownResolved = 10;

export function addAlerts(program: Command, io: Io): void {
  const alerts = program
    .command('alerts')
    .description('Show what rings and what has stopped, and silence it: of a running gateway.')
    .addHelpText(
      'after',
      `
Examples:
  $ quantum-router alerts list
  $ quantum-router alerts silence --rule errorRate --subject openai --for 2h --reason "they know"
  $ quantum-router alerts unsilence 0d6a5c0e`,
    );
  const add = (name: string, description: string, options?: { readonly isDefault: boolean }) =>
    alerts
      .command(name, options)
      .description(description)
      .option('--url <url>', 'a running gateway', gatewayUrl, defaultGatewayUrl)
      .option('--json', 'as JSON');
  const ask = (options: Options, method: string, path: string, body?: unknown): Promise<Listed> =>
    askGateway<Listed>(gatewayAt(io, options.url), method, path, body);
  add('list', 'List what rings, what has stopped and what is silenced.', { isDefault: true }).action(
    async (options: Options) => show(io, await ask(options, 'GET', '/v1/alerts'), options),
  );
  add('silence', 'Have nobody told of some alerts for a while; they ring on here.')
    .option('--rule <rule>', `alerts of this rule: ${ruleNames.join(', ')} (default: of all)`, ruleName)
    .option('--subject <subject>', 'alerts about this, as the list shows it (default: about anything)')
    .option('--for <duration>', 'such as 30m, 2h or 7d', duration, hourMs)
    .requiredOption('--reason <text>', 'why, for whoever wonders')
    .option('--author <name>', 'who wants it (default: the key, or the user of this machine)')
    .action(async ({ rule, subject, for: durationMs, reason, author, ...options }: SilenceOptions) => {
      const by = author ?? io.environment['USER'] ?? '';
      const body = { action: 'start', rule: rule ?? null, subject: subject ?? null, durationMs, reason, author: by };
      show(io, await ask(options, 'POST', '/v1/alerts/silences', body), options);
    });
  add('unsilence', 'End a silence.')
    .argument('<silenceId>', 'as the list shows it, or how it begins')
    .action(async (begin: string, options: Options) => {
      const silenceId = idOf(await ask(options, 'GET', '/v1/alerts'), begin);
      show(io, await ask(options, 'POST', '/v1/alerts/silences', { action: 'end', silenceId }), options);
    });
}

/** So much of an id tells silences apart; with less, a slip of the hand could end the only one there is. */
const leastBeginning = 8;

/** The one silence whose id begins so; what was given where none does, which the gateway then says. */
function idOf({ silences }: Listed, begin: string): string {
  if (begin.length < leastBeginning && !silences.some(({ silenceId }) => silenceId === begin))
    throw new CliError(`silenceId: ${JSON.stringify(begin)} is too short; say its first ${leastBeginning} characters`);
  const found = silences.map(({ silenceId }) => silenceId).filter((id) => id.startsWith(begin));
  if (found.length > 1 && !found.includes(begin))
    throw new CliError(`${found.length} silences begin with ${JSON.stringify(begin)}: ${found.join(', ')}`);
  return found.length === 1 ? found[0]! : begin;
}

function ruleName(text: string): string {
  if ((ruleNames as readonly string[]).includes(text)) return text;
  throw new InvalidArgumentError(`There is no such rule${suggestName(text, ruleNames)}.`);
}

/** In milliseconds. */
function duration(text: string): number {
  const ms = readLength(text, 4, 30);
  if (ms !== null) return ms;
  throw new InvalidArgumentError('It must look like 30m, 2h or 7d, up to 30d.');
}

function show(io: Io, listed: Listed, { json }: Options): void {
  if (json) {
    io.stdout.write(`${JSON.stringify(listed, null, 2)}\n`);
    return;
  }
  const { ringing, resolved, silences } = listed;
  const { columns } = io.stdout;
  if (ringing.length === 0) io.stdout.write('nothing rings\n');
  else {
    const rows = ringing.map(({ severity, rule, subject, raisedAtMs, silencedUntilMs, summary }) => [
      ...[severity, rule, subject || '–', time(raisedAtMs), silencedUntilMs === null ? '' : time(silencedUntilMs)],
      summary,
    ]);
    io.stdout.write(formatTable(['severity', 'rule', 'of', 'since', 'silenced until', 'what'], rows, columns));
  }
  if (resolved.length > 0) {
    const rows = resolved
      .slice(0, shownResolved)
      .map(({ rule, subject, raisedAtMs, resolvedAtMs }) => [
        ...[rule, subject || '–', time(raisedAtMs), time(resolvedAtMs ?? raisedAtMs)],
      ]);
    io.stdout.write(`\nhas stopped\n${formatTable(['rule', 'of', 'since', 'until'], rows, columns)}`);
  }
  if (silences.length > 0) {
    const rows = silences.map(({ silenceId, rule, subject, author, untilMs, reason }) => [
      ...[silenceId, rule || 'all', subject || 'all', author, time(untilMs), reason],
    ]);
    io.stdout.write(
      `\nsilences\n${formatTable(['silence', 'rule', 'of', 'author', 'until', 'reason'], rows, columns)}`,
    );
  }
}

function time(atMs: number): string {
  return isoText(atMs).slice(0, 19);
}
