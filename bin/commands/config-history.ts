import type { Command } from 'commander';
import { stringify } from 'yaml';
import { formatTable } from '../format-table';
import { askGateway, gatewayAt } from '../gateway-client';
import type { Io } from '../io';
import { defaultGatewayUrl, gatewayUrl, wholeNumber } from '../read-options';

interface Options {
  readonly url: string;
  readonly json?: boolean;
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
  add('diff', 'Say what changed between two versions.')
    .argument('<from>', 'the earlier version', versionNumber)
    .argument('[to]', 'default: the one in force', versionNumber)
    .action(async (from: number, to: number | undefined, options: Options) => {
      const path = `/v1/config/diff?from=${from}${to === undefined ? '' : `&to=${to}`}`;
      const body = await ask<{ changes: readonly string[]; omitted: number }>(io, options, 'GET', path);
      if (options.json) io.stdout.write(`${JSON.stringify(body, null, 2)}\n`);
      else if (body.changes.length === 0) io.stdout.write('nothing changed\n');
      else io.stdout.write(`${body.changes.join('\n')}\n${body.omitted > 0 ? `and ${body.omitted} more\n` : ''}`);
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
    new Date(appliedAtMs).toISOString(),
    appliedBy,
    reason,
  ]);
  io.stdout.write(`${formatTable(['version', 'since', 'by', 'why'], rows, io.stdout.columns)}\n`);
}
