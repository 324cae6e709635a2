import { resolve } from 'node:path';
import type { Command } from 'commander';
import { roles } from '../../lib/access/roles';
import { leastCallBytes, mostCallBytes } from '../../lib/config/process-settings';
import type { LogLevel } from '../../lib/telemetry/log';
import { createStatusLine } from '../../lib/terminal/status-line';
import type { Anonymous } from '../../services/gateway/config';
import { StoppedWaitingError } from '../../services/gateway/standby/stand-in';
import { type LogFormat, logAbove, logFormatOf, logFormats } from '../drive/log-above';
import { describeProviders } from '../drive/say-providers';
import { engineLineEveryMs, showEngineStatus } from '../drive/show-engine-status';
import { followConfigFile, looksOf } from '../drive/watch-config-file';
import { aborted, CliError, exitCodes, type Io } from '../io';
import { addHomeOptions, type HomeOptions } from '../open-home';
import { addOwnGroupOption, type OwnGroupOptions, ownGroupsOf } from '../placement-options';
import { addConfigOptions, type ConfigOptions, configFileOf, demoConfig, readConfig, sayInForce } from '../read-config';
import { defaultDataDirectory, demoDataDirectory, reasonNotListening, traceUrl, wholeNumber } from '../read-options';
import { type LocalEngine, startLocalEngine } from '../start-local-engine';

interface ServeOptions extends HomeOptions, ConfigOptions, OwnGroupOptions {
  readonly dataDir?: string;
  readonly host: string;
  readonly port: number;
  readonly adminPort?: number;
  readonly adminHost: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly anonymous: Anonymous;
  readonly maxCallBytes?: number;
  readonly traceUrl?: string;
  readonly partitions: number;
  readonly logLevel?: LogLevel;
  readonly logFormat?: LogFormat;
  readonly demo?: boolean;
}

export function addServe(program: Command, io: Io): void {
  const serveCommand = program
    .command('serve')
    .description('Run every service of the engine in this process, with the HTTP gateway, until Ctrl-C.')
    .option('--demo', 'answer calls from a built-in upstream that says it is one, with no key and a store of its own')
    .option(
      '-d, --data-dir <directory>',
      `where the embedded store lives (default: ${defaultDataDirectory}, with --demo ${demoDataDirectory})`,
    )
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('-p, --port <number>', 'port to listen on; 0 takes a free one', wholeNumber(0, 65_535), 8_080)
    .option(
      '--admin-port <number>',
      'port of its own for the routes of viewers, operators and admins; 0 takes a free one',
      wholeNumber(0, 65_535),
    )
    .option('--admin-host <address>', 'address that port listens on', '127.0.0.1')
    .option(
      '--max-call-bytes <number>',
      'largest body of a call of a model, pictures and documents included; 4 MiB by default',
      wholeNumber(leastCallBytes, mostCallBytes),
    )
    .option('--trace-url <address>', 'where the dashboard looks at a trace, with {traceId} in it', traceUrl)
    .option('--tls-cert <file>', 'speak TLS with this certificate (PEM, with its chain); taken over when it changes')
    .option('--tls-key <file>', 'its key (PEM)')
    .addOption(
      program
        .createOption(
          '--anonymous <role>',
          'what whoever has no key may do; loopback: everything, where only this machine reaches the port and there is no key yet',
        )
        .choices([...roles, 'loopback', 'never'])
        .default('loopback'),
    )
    .option(
      '--partitions <number>',
      'partitions of the request path; fixed for the life of a store',
      wholeNumber(1, 256),
      4,
    )
    .addOption(
      program
        .createOption('--log-level <level>', 'how much to log (to stderr); as text warn, as JSON info')
        .choices(['debug', 'info', 'warn', 'error', 'silent']),
    )
    .addOption(
      program
        .createOption('--log-format <format>', 'lines for people or for programs; by default text on a terminal')
        .choices([...logFormats]),
    );
  addHomeOptions(addConfigOptions(addOwnGroupOption(serveCommand)))
    .addHelpText(
      'after',
      '\nExamples:\n  $ quantum-router serve\n  $ quantum-router serve --demo\n  $ quantum-router serve --config my.yaml --port 9000\n  $ curl -s localhost:8080/v1/route -H "content-type: application/json" -d \'{"prompt": "hello"}\'',
    )
    .action((options: ServeOptions) => serve(io, options));
}

async function serve(io: Io, options: ServeOptions): Promise<void> {
  if (options.demo && options.config !== undefined)
    throw new CliError('--demo has a configuration of its own: leave out --config', exitCodes.usage);
  const { tlsCert, tlsKey } = options;
  if ((tlsCert === undefined) !== (tlsKey === undefined))
    throw new CliError('--tls-cert and --tls-key go together', exitCodes.usage);
  const file = options.demo ? null : configFileOf(io, options);
  const since = file === null ? '' : looksOf(io, file);
  const read = options.demo ? demoConfig() : await readConfig(io, options);
  const line = createStatusLine(io.stderr, io.clock, engineLineEveryMs);
  const format = options.logFormat ?? logFormatOf(io);
  // What a start has to say at every start is for whoever collects logs; a person is told below.
  const log = logAbove(io, line, { format, level: options.logLevel ?? (format === 'text' ? 'warn' : 'info') });
  const failure = new AbortController();
  const local = await start(io, options, {
    ...options,
    dataDir: options.dataDir ?? (options.demo ? demoDataDirectory : defaultDataDirectory),
    config: read.config,
    configOrigin: read.origin,
    partitions: options.partitions,
    http: {
      ...{ host: options.host, port: options.port, anonymous: options.anonymous },
      ...{ adminPort: options.adminPort ?? null, adminHost: options.adminHost },
      ...(options.maxCallBytes !== undefined && { maxCallBytes: options.maxCallBytes }),
      ...(options.traceUrl !== undefined && { traceUrl: options.traceUrl }),
      tls:
        tlsCert === undefined || tlsKey === undefined
          ? null
          : { certFile: resolve(io.workingDirectory, tlsCert), keyFile: resolve(io.workingDirectory, tlsKey) },
    },
    ownStrategyGroups: ownGroupsOf(io, options),
    log,
    waitsForKafka: true,
    onFatal: (group, error) => failure.abort(new CliError(`${group} has failed for good: ${error.message}`)),
  });
  if (local === null) return;
  sayInForce(io, local.engine.inForce, read);
  if (options.demo)
    io.stderr.write('DEMONSTRATION: every answer comes from a built-in upstream, which is no language model\n');
  const watched = followConfigFile(io, file, {
    since,
    configWins: options.configWins ?? false,
    putInForce: ({ config, origin }) => local.engine.putInForce(config, origin),
  });
  if (format === 'text')
    for (const said of describeProviders(local.engine.inForce.config, io.environment)) io.stderr.write(`${said}\n`);
  io.stderr.write(`ready on ${local.url} (a browser shows the dashboard there; Ctrl-C stops)\n`);
  const hide = showEngineStatus(io, local.engine, line);
  await aborted(AbortSignal.any([io.stopSignal, failure.signal]));
  hide();
  io.stderr.write('stopping: finishing what is under way\n');
  await watched.stop();
  await local.stop();
  if (failure.signal.aborted) throw failure.signal.reason;
}

/** Null where it was told to stop before there was a log. */
async function start(
  io: Io,
  options: ServeOptions,
  engineOptions: Parameters<typeof startLocalEngine>[1],
): Promise<LocalEngine | null> {
  try {
    return await startLocalEngine(io, engineOptions);
  } catch (error) {
    if (error instanceof StoppedWaitingError) return null;
    const reason = reasonNotListening(error, options);
    throw reason === null ? error : new CliError(reason);
  }
}
