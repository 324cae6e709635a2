import type { Command } from 'commander';
import { formatDiff } from '../../lib/config/diff-config';
import { configJsonSchema, formatConfigErrors, parseConfig } from '../../lib/config/parse-config';
import { createLog } from '../../lib/telemetry/log';
import { createMetrics } from '../../lib/telemetry/metrics';
import { applyTo } from '../drive/put-config';
import { CliError, exitCodes, type Io } from '../io';
import { addHomeOptions, type HomeOptions, openDistributedHome, settingsOfHome } from '../open-home';
import { defaultConfigFile, readConfig, sayWarnings } from '../read-config';
import { nameOf, readText } from '../read-text';
import { addConfigHistory } from './config-history';

export function addConfig(program: Command, io: Io): void {
  const config = program
    .command('config')
    .description(
      'Check a configuration, put it in force, print its schema; look at earlier versions and go back to one.',
    );
  config
    .command('validate')
    .description('Say all that is wrong with a configuration, each fault with its line and column.')
    .argument('[file]', 'YAML or JSON; - reads stdin', defaultConfigFile)
    .addHelpText(
      'after',
      '\nExamples:\n  $ quantum-router config validate\n  $ quantum-router config validate my.yaml\n  $ quantum-router init - | quantum-router config validate -',
    )
    .action(async (file: string) => {
      const name = nameOf(file);
      const parsed = parseConfig(await readText(io, file), { environment: io.environment });
      if (!parsed.ok) {
        const count = parsed.errors.length === 1 ? '1 error' : `${parsed.errors.length} errors`;
        throw new CliError(`${name} has ${count}:\n${formatConfigErrors(parsed.errors, name)}`);
      }
      sayWarnings(io, parsed.warnings, name);
      const { models, strategies, collapse } = parsed.config;
      const providers = new Set(models.map((model) => model.provider)).size;
      io.stdout.write(
        `${name} is valid: ${models.length} models of ${providers} providers, ${strategies.length} strategies, collapse ${collapse}\n`,
      );
    });
  config
    .command('schema')
    .description('Print the JSON Schema of a configuration, for editors.')
    .addHelpText('after', '\nExamples:\n  $ quantum-router config schema > quantum-router.schema.json')
    .action(() => {
      io.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
    });
  addConfigHistory(config, io);
  const apply = config
    .command('apply')
    .description('Put a configuration in force for every process on Kafka; they take it over while they run.')
    .argument('[file]', 'YAML or JSON; - reads stdin', defaultConfigFile);
  addHomeOptions(apply)
    .addHelpText('after', '\nExamples:\n  $ quantum-router config apply my.yaml --kafka localhost:9092')
    .action((file: string, options: HomeOptions) => applyConfig(io, file, options));
}

async function applyConfig(io: Io, file: string, options: HomeOptions): Promise<void> {
  const settings = settingsOfHome(io, options);
  if (!settings)
    throw new CliError('--kafka must say where; a running gateway takes it at PUT /v1/config', exitCodes.usage);
  const { config: wanted, origin } = await readConfig(io, { config: file, configWins: true });
  const user = io.environment['USER'] ?? io.environment['USERNAME'];
  const by = `config apply ${nameOf(file)}${user ? ` by ${user}` : ''}`;
  const log = createLog({ level: 'error' });
  const parts = { log, metrics: createMetrics(), readOnly: true };
  const home = await openDistributedHome({ ...settings, redis: null }, parts);
  try {
    const { version, changed, changes, needsRestart } = await applyTo(home, wanted, { ...origin, by });
    if (changes.length > 0) io.stderr.write(`it changed:\n${formatDiff(changes)}\n`);
    for (const line of needsRestart) io.stderr.write(`${line}\n`);
    io.stdout.write(
      changed ? `version ${version} of the configuration is in force\n` : `in force already, as version ${version}\n`,
    );
  } catch (error) {
    throw new CliError((error as Error).message);
  } finally {
    await home.close();
  }
}
