import type { Command } from 'commander';
import { configJsonSchema, formatConfigErrors, parseConfig } from '../../lib/config/parse-config';
import { CliError, type Io } from '../io';
import { defaultConfigFile, readText } from '../read-options';

export function addConfig(program: Command, io: Io): void {
  const config = program.command('config').description('Check a configuration, or print its schema.');
  config
    .command('validate')
    .description('Say all that is wrong with a configuration, each fault with its line and column.')
    .argument('[file]', 'YAML or JSON', defaultConfigFile)
    .addHelpText('after', '\nExamples:\n  $ quantum-router config validate\n  $ quantum-router config validate my.yaml')
    .action((file: string) => {
      const parsed = parseConfig(readText(io, file));
      if (!parsed.ok) {
        const count = parsed.errors.length === 1 ? '1 error' : `${parsed.errors.length} errors`;
        throw new CliError(`${file} has ${count}:\n${formatConfigErrors(parsed.errors, file)}`);
      }
      const { models, strategies, collapse } = parsed.config;
      const providers = new Set(models.map((model) => model.provider)).size;
      io.stdout.write(
        `${file} is valid: ${models.length} models of ${providers} providers, ${strategies.length} strategies, collapse ${collapse}\n`,
      );
    });
  config
    .command('schema')
    .description('Print the JSON Schema of a configuration, for editors.')
    .addHelpText('after', '\nExamples:\n  $ quantum-router config schema > quantum-router.schema.json')
    .action(() => {
      io.stdout.write(`${JSON.stringify(configJsonSchema(), null, 2)}\n`);
    });
}
