import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { readLines } from '../../lib/read-lines';
import { logBetween } from '../drive/log-above';
import { callGateway, type GatewayAnswer, gatewayAt } from '../gateway-client';
import { CliError, exitCodes, type Io } from '../io';
import { addConfigOptions, type ConfigOptions, type ReadConfig, readConfig, sayInForce } from '../read-config';
import { defaultDataDirectory, gatewayUrl, reasonOf, wholeNumber } from '../read-options';
import { type LocalEngine, startLocalEngine } from '../start-local-engine';

interface RouteOptions extends ConfigOptions {
  readonly url?: string;
  readonly dataDir?: string;
  readonly partitions: number;
  readonly concurrency: number;
}

export function addRoute(program: Command, io: Io): void {
  const command = program
    .command('route')
    .description(
      'Decide a file of requests: JSON Lines in (the body of POST /v1/route), decisions out as JSON Lines in the same order. A refused line becomes {"line", "error"} and the exit code 1.',
    )
    .argument('<file>', 'requests, one JSON object a line; - reads stdin')
    .option('--url <url>', 'a running gateway; without it an engine runs in this process', gatewayUrl)
    .option(
      '-d, --data-dir <directory>',
      `embedded store of the engine in this process (default: ${defaultDataDirectory})`,
    )
    .option('--partitions <number>', 'partitions of the engine in this process', wholeNumber(1, 256), 4)
    .option('--concurrency <number>', 'requests under way at once', wholeNumber(1, 1_000), 64);
  addConfigOptions(command)
    .addHelpText(
      'after',
      '\nExamples:\n  $ quantum-router route requests.jsonl > decisions.jsonl\n  $ echo \'{"prompt": "hello"}\' | quantum-router route - --url http://127.0.0.1:8080',
    )
    .action((file: string, options: RouteOptions) => route(io, file, options));
}

async function route(io: Io, file: string, options: RouteOptions): Promise<void> {
  if (options.url && (options.dataDir ?? options.config ?? options.configWins)) {
    throw new CliError('--url means another process routes: leave out --data-dir and --config', exitCodes.usage);
  }
  const input = await openInput(io, file);
  const fatal = new AbortController();
  const local = options.url ? null : await startHere(io, options, await readConfig(io, options), fatal);
  try {
    const signal = AbortSignal.any([io.stopSignal, fatal.signal]);
    const refused = await routeLines(io, input, {
      url: options.url ?? local!.url,
      concurrency: options.concurrency,
      signal,
      from: file === '-' ? 'the input' : file,
    });
    if (fatal.signal.aborted) throw fatal.signal.reason;
    if (io.stopSignal.aborted) throw new CliError('stopped before the end of the input', exitCodes.stopped);
    if (refused > 0) throw new CliError(refused === 1 ? '1 line was refused' : `${refused} lines were refused`);
  } finally {
    await local?.stop();
  }
}

async function startHere(
  io: Io,
  options: RouteOptions,
  read: ReadConfig,
  fatal: AbortController,
): Promise<LocalEngine> {
  const local = await startLocalEngine(io, {
    dataDir: options.dataDir ?? defaultDataDirectory,
    config: read.config,
    configOrigin: read.origin,
    partitions: options.partitions,
    // Its own, for as long as it runs: the store may have keys, and this command has none of them.
    http: { host: '127.0.0.1', port: 0, anonymous: 'operator', isForCommand: true },
    log: logBetween(io, 'warn'),
    onFatal: (group, error) => fatal.abort(new CliError(`${group} has failed for good: ${error.message}`)),
  });
  sayInForce(io, local.engine.inForce, read);
  return local;
}

async function openInput(io: Io, file: string): Promise<AsyncIterable<string | Buffer>> {
  if (file === '-') return io.stdin();
  const path = resolve(io.workingDirectory, file);
  try {
    // Opened before the engine starts: a wrong name should fail at once.
    const handle = await open(path);
    const isDirectory = (await handle.stat()).isDirectory();
    await handle.close();
    if (isDirectory) throw new CliError(`cannot read ${file}: it is a directory`);
  } catch (error) {
    throw error instanceof CliError ? error : new CliError(`cannot read ${file}: ${reasonOf(error)}`);
  }
  return createReadStream(path);
}

interface Routing {
  readonly url: string;
  readonly concurrency: number;
  readonly signal: AbortSignal;
  /** What the input is called. */
  readonly from: string;
}

/** Keeps up to `concurrency` requests under way and writes answers in the order of the lines. Returns how many were refused. */
async function routeLines(
  io: Io,
  input: AsyncIterable<string | Buffer>,
  { url, concurrency, signal, from }: Routing,
): Promise<number> {
  const startedMs = io.clock.monotonicMs();
  const underWay: { line: number; answer: Promise<GatewayAnswer> }[] = [];
  let line = 0;
  let sent = 0;
  let done = 0;
  let refused = 0;

  const writeNext = async (): Promise<void> => {
    const next = underWay.shift()!;
    const answer = await next.answer;
    done += 1;
    if (!answer.ok) refused += 1;
    const result = answer.ok ? answer.body : { line: next.line, ...(answer.body as object) };
    io.stdout.write(`${JSON.stringify(result)}\n`);
    if (io.stderr.isTerminal && done % 100 === 0) io.stderr.write(`\rrouted ${done} of ${sent} sent`);
  };

  for await (const read of readLines(input)) {
    line += 1;
    if (signal.aborted) break;
    if (read.ok && read.text.trim() === '') continue;
    const answer = read.ok
      ? callGateway(gatewayAt(io, url), 'POST', '/v1/route', read.text)
      : Promise.resolve({ ok: false, status: 400, body: { error: { code: 'malformed_line', message: read.message } } });
    // It is awaited in its turn; until then a failure must not count as unhandled.
    answer.catch(() => {});
    underWay.push({ line, answer });
    sent += 1;
    if (underWay.length >= concurrency) await writeNext();
  }
  while (underWay.length > 0) await writeNext();
  const seconds = (io.clock.monotonicMs() - startedMs) / 1_000;
  const told =
    done === 0 && !signal.aborted
      ? `there are no requests in ${from}`
      : `routed ${done - refused} of ${done} requests in ${seconds.toFixed(1)} s`;
  io.stderr.write(`${io.stderr.isTerminal ? '\r' : ''}${told}\n`);
  return refused;
}
