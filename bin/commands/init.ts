import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { defaultConfigYaml } from '../../lib/config/parse-config';
import { configFromEnvironment } from '../config-from-environment';
import { CliError, type Io } from '../io';
import { defaultConfigFile } from '../read-config';
import { reasonOf } from '../read-options';

export function addInit(program: Command, io: Io): void {
  program
    .command('init')
    .description('Write an annotated configuration: example models with prices, and every setting with its default.')
    .argument('[file]', 'where to write; - writes to stdout', defaultConfigFile)
    .option('-f, --force', 'overwrite an existing file')
    .option(
      '--from-env',
      'find the keys of providers in the environment, ask each for its models, and write a configuration that works',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ quantum-router init\n  $ quantum-router init - | less\n  $ quantum-router init my.yaml --force\n  $ OPENAI_API_KEY=… quantum-router init --from-env',
    )
    .action(async (file: string, options: { force?: boolean; fromEnv?: boolean }) => {
      const text = options.fromEnv ? await configFromEnvironment(io) : defaultConfigYaml();
      if (file === '-') {
        io.stdout.write(text);
        return;
      }
      try {
        writeFileSync(resolve(io.workingDirectory, file), text, { flag: options.force ? 'w' : 'wx' });
      } catch (error) {
        const hint = (error as NodeJS.ErrnoException).code === 'EEXIST' ? ' (--force overwrites it)' : '';
        throw new CliError(`cannot write ${file}: ${reasonOf(error)}${hint}`);
      }
      io.stderr.write(
        options.fromEnv
          ? `written: ${file}; look at the prices, then: quantum-router serve --config ${file}\n`
          : `written: ${file}; put your own models in, then: quantum-router config validate ${file}\n`,
      );
    });
}
