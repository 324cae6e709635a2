/** Commands that ask a gateway, or the log where there is none: a running one, the store of a stopped engine, a cluster. */
import type { Command } from 'commander';
import { DirectoryLockedError } from '../../lib/adapters/embedded/directory-lock';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import type { EngineHome } from '../../services/home';
import { newestStore } from '../find-store';
import { type GatewayAddress, GatewayUnreachableError, gatewayAt } from '../gateway-client';
import { CliError, exitCodes, type Io } from '../io';
import { addHomeOptions, type HomeOptions, openHome } from '../open-home';
import { defaultGatewayUrl, gatewayUrl } from '../read-options';

export interface WhereOptions extends HomeOptions {
  readonly url?: string;
  readonly dataDir?: string;
  readonly json?: boolean;
}

/** Adds the options of `WhereOptions`. */
export function addWhereOptions(command: Command): Command {
  return addHomeOptions(
    command
      .option(
        '--url <url>',
        `a running gateway (default: ${defaultGatewayUrl}, else the store written last)`,
        gatewayUrl,
      )
      .option('-d, --data-dir <directory>', 'the store of a stopped engine')
      .option('--json', 'as JSON'),
  );
}

/** By default a running gateway is asked, and where there is none, the store here that was written last. */
export async function atGatewayOrLog<T>(
  io: Io,
  { url, dataDir, kafka }: WhereOptions,
  at: { readonly gateway: (gateway: GatewayAddress) => Promise<T>; readonly log: () => Promise<T> },
): Promise<T> {
  if ([url, dataDir, kafka].filter((given) => given !== undefined).length > 1)
    throw new CliError('give one of --url, --data-dir and --kafka', exitCodes.usage);
  if (dataDir === undefined && kafka === undefined) {
    try {
      return await at.gateway(gatewayAt(io, url ?? defaultGatewayUrl));
    } catch (error) {
      // Without a gateway somewhere the store of a stopped engine is what can be meant.
      if (!(error instanceof GatewayUnreachableError) || url !== undefined || newestStore(io) === null) throw error;
    }
  }
  return at.log();
}

/** The log to look into, without any service; `dataDir` is of no account on a cluster. The caller closes it. */
export function openLog(io: Io, options: WhereOptions, dataDir: string): Promise<EngineHome> {
  const parts = { log: createLog({ level: 'error' }), metrics: createMetrics(), readOnly: true };
  return openHome(io, { ...options, dataDir }, parts).catch((error: Error) => {
    if (error instanceof DirectoryLockedError)
      throw new CliError(`an engine (process ${error.pid}) has ${dataDir} open: ask its gateway with --url`);
    throw error;
  });
}
