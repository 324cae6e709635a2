/** The configuration that a command starts with: where it comes from, how much it counts, and what is doubtful about it. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { InForce } from '../lib/config/apply-config';
import { formatDiff } from '../lib/config/diff-config';
import {
  type ConfigError,
  defaultConfigYaml,
  defaultRouterConfig,
  formatConfigErrors,
  parseConfig,
} from '../lib/config/parse-config';
import type { RouterConfig } from '../lib/config/router-config';
import { providerSchema } from '../lib/config/schema/provider-schema';
import type { ConfigOrigin } from '../lib/config/settle-config';
import { dictionaryOf } from '../lib/dictionary';
import { CliError, type Io } from './io';
import { nameOf, readText } from './read-text';

export const defaultConfigFile = 'quantum-router.yaml';

export interface ReadConfig {
  readonly config: RouterConfig;
  readonly origin: ConfigOrigin;
}

export interface ConfigOptions {
  readonly config?: string;
  readonly configWins?: boolean;
}

/** Adds the options of `ConfigOptions`, for commands that start an engine. */
export function addConfigOptions(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration (default: quantum-router.yaml, else the built-in example)')
    .option('--config-wins', 'put the file in force also where somebody has changed the configuration meanwhile');
}

/** The named configuration, else the one in the working directory, else the built-in example (and says so). */
export async function readConfig(io: Io, options: ConfigOptions): Promise<ReadConfig> {
  const { configWins = false } = options;
  const found = configFileOf(io, options);
  if (found === null) {
    io.stderr.write(`no ${defaultConfigFile} here: using what is in force, else the example models of init\n`);
    const config = parsed(defaultConfigYaml(), 'the built-in example', io);
    return { config, origin: { by: 'the built-in example', wins: 'whenNone', isFile: false } };
  }
  const name = nameOf(found);
  return {
    config: parsed(await readText(io, found), name, io),
    origin: { by: `file ${name}`, wins: configWins ? 'always' : 'whenNewer', isFile: true },
  };
}

/** The named file, else the one in the working directory; null where there is none. */
export function configFileOf(io: Io, { config: named }: ConfigOptions): string | null {
  return named ?? (existsSync(resolve(io.workingDirectory, defaultConfigFile)) ? defaultConfigFile : null);
}

/** Two models of a built-in upstream that needs no key. */
export function demoConfig(): ReadConfig {
  const model = (name: string, expectedQuality: number) => ({ name, provider: 'demo', expectedQuality });
  const config = defaultRouterConfig([model('demo-large', 0.7), model('demo-small', 0.6)], {
    providers: dictionaryOf([['demo', providerSchema.parse({ kind: 'demo' })]]),
  });
  return { config, origin: { by: 'serve --demo', wins: 'whenNone', isFile: false } };
}

function parsed(text: string, name: string, io: Io): RouterConfig {
  const result = parseConfig(text, { environment: io.environment });
  if (!result.ok) throw new CliError(`the configuration is not valid:\n${formatConfigErrors(result.errors, name)}`);
  sayWarnings(io, result.warnings, name);
  return result.config;
}

export function sayWarnings(io: Io, warnings: readonly ConfigError[], name: string): void {
  for (const warning of warnings) io.stderr.write(`warning: ${formatConfigErrors([warning], name)}\n`);
}

/** Says what a start has made of the configuration, where that is not what the reader would expect. */
export function sayInForce(io: Io, { kept, changed, changes, version }: InForce, { origin }: ReadConfig): void {
  if (kept !== null) {
    io.stderr.write(
      `warning: ${origin.by} is NOT in force: ${kept}. It would change:\n${formatDiff(changes)}\n` +
        'Take the changes over into the file, or let the file win with --config-wins.\n',
    );
  } else if (changed && changes.length > 0) {
    io.stderr.write(`${origin.by} is in force as version ${version}; it changed:\n${formatDiff(changes)}\n`);
  }
}
