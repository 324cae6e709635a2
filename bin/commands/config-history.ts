import type { Command } from 'commander';
import { stringify } from 'yaml';
import { diffConfig } from '../../lib/config/diff-config';
import { configFromJson } from '../../lib/config/parse-config';
import { isoText } from '../../lib/topics/calendar-time';
import { type ConfigReplayAnswer, describeReplay } from '../drive/describe-replay';
import { formatTable } from '../format-table';
import { askGateway, gatewayAt } from '../gateway-client';
import { CliError, exitCodes, type Io } from '../io';
import { readConfig } from '../read-config';
import { defaultGatewayUrl, gatewayUrl, lengthOfTime, wholeNumber } from '../read-options';

interface Options {
  readonly url: string;
  readonly json?: boolean;
}

interface DiffOptions extends Options {
  readonly replay?: number;
  readonly requests: number;
}

/** As GET /v1/config/history answers. */
interface History {
  readonly inForce: number;
  readonly versions: readonly {
    readonly version: number;
    readonly appliedAtMs: number;
    readonly appliedBy: string;
    readonly reason: string;
  }[];
}

const versionNumber = wholeNumber(1, Number.MAX_SAFE_INTEGER);

/** Adds to `config` what asks a running gateway for the versions there were. */
export function addConfigHistory(config: Command, io: Io): void {
  const add = (name: string, description: string) =>
    config
      .command(name)
      .description(description)
      .option('--url <url>', 'a running gateway', gatewayUrl, defaultGatewayUrl)
      .option('--json', 'as JSON');
  add('history', 'List the versions that were in force, newest first; * is now.').action(async (options: Options) =>
    list(io, await ask(io, options, 'GET', '/v1/config/history'), options),
  );
  add('show', 'Print a version as YAML.')
    .argument('<version>', 'its number', versionNumber)
    .action(async (version: number, options: Options) => {
      const body = await ask<{ config: unknown }>(io, options, 'GET', `/v1/config/history/${version}`);
      io.stdout.write(options.json ? `${JSON.stringify(body.config, null, 2)}\n` : stringify(body.config));
    });
  add('diff', 'Say what changed between two versions, or what a file would change; --replay: and in decisions.')
    .argument('<from>', 'the earlier version; or a file, to compare what is in force with it')
    .argument('[to]', 'default: the one in force', versionNumber)
    .option('--replay <time>', 'decide the requests of the last 30m, 1h or 2d again under both', lengthOfTime)
    .option('--requests <number>', 'the newest of these at most', wholeNumber(1, 5_000), 1_000)
    .action(async (named: string, to: number | undefined, options: DiffOptions) => {
      if (!/^\d+$/.test(named)) return diffFile(io, named, to, options);
      const from = versionNumber(named);
      const path = `/v1/config/diff?from=${from}${to === undefined ? '' : `&to=${to}`}`;
      const body = await ask<{ changes: readonly string[]; omitted: number }>(io, options, 'GET', path);
      await sayDiff(io, options, body, { against: from, version: to ?? null });
    });
  add('rollback', 'Put an earlier version in force again, as a new one.')
    .argument('<version>', 'its number', versionNumber)
    .option('--reason <text>', 'why, for who reads the history', '')
    .action(async (version: number, options: Options & { reason: string }) => {
      const body = await ask<History & { readonly needsRestart: readonly string[] }>(
        io,
        options,
        'POST',
        '/v1/config/rollback',
        { version, reason: options.reason },
      );
      for (const line of body.needsRestart) io.stderr.write(`${line}\n`);
      list(io, body, options);
    });
}

async function diffFile(io: Io, file: string, to: number | undefined, options: DiffOptions): Promise<void> {
  if (to !== undefined)
    throw new CliError('a file is compared with what is in force: leave out the second version', exitCodes.usage);
  const { config } = await readConfig(io, { config: file });
  const inForce = await ask<{ readonly config: unknown }>(io, options, 'GET', '/v1/config');
  const changes = diffConfig(configFromJson(JSON.stringify(inForce.config)), config);
  await sayDiff(io, options, { changes, omitted: 0 }, { config });
}

async function sayDiff(
  io: Io,
  options: DiffOptions,
  diff: { readonly changes: readonly string[]; readonly omitted: number },
  question: Readonly<Record<string, unknown>>,
): Promise<void> {
  const { replay: lastMs, requests: maxRequests } = options;
  const replay =
    lastMs === undefined
      ? null
      : await ask<ConfigReplayAnswer>(io, options, 'POST', '/v1/config/replay', { ...question, lastMs, maxRequests });
  if (options.json) {
    io.stdout.write(`${JSON.stringify(replay === null ? diff : { ...diff, replay }, null, 2)}\n`);
    return;
  }
  const { changes, omitted } = diff;
  if (changes.length === 0) io.stdout.write('nothing changed\n');
  else io.stdout.write(`${changes.join('\n')}\n${omitted > 0 ? `and ${omitted} more\n` : ''}`);
  if (replay !== null) io.stdout.write(describeReplay(replay, io.stdout.columns));
}

const ask = <T>(io: Io, { url }: Options, method: string, path: string, body?: unknown): Promise<T> =>
  askGateway<T>(gatewayAt(io, url), method, path, body);

function list(io: Io, history: History, { json }: Options): void {
  if (json) {
    io.stdout.write(`${JSON.stringify(history, null, 2)}\n`);
    return;
  }
  const { inForce, versions } = history;
  const rows = versions.map(({ version, appliedAtMs, appliedBy, reason }) => [
    `${version === inForce ? '*' : ' '} ${version}`,
    isoText(appliedAtMs),
    appliedBy,
    reason,
  ]);
  io.stdout.write(`${formatTable(['version', 'since', 'by', 'why'], rows, io.stdout.columns)}\n`);
}
