import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { defaultConfigYaml } from '../../lib/config/parse-config';
import { CliError, type Io } from '../io';
import { defaultConfigFile } from '../read-config';
import { reasonOf } from '../read-options';

export function addInit(program: Command, io: Io): void {
  program
    .command('init')
    .description('Write an annotated configuration: example models with prices, and every setting with its default.')
    .argument('[file]', 'where to write; - writes to stdout', defaultConfigFile)
    .option('-f, --force', 'overwrite an existing file')
    .addHelpText(
      'after',
      '\nExamples:\n  $ quantum-router init\n  $ quantum-router init - | less\n  $ quantum-router init my.yaml --force',
    )
    .action((file: string, options: { force?: boolean }) => {
      if (file === '-') {
        io.stdout.write(defaultConfigYaml());
        return;
      }
      try {
        writeFileSync(resolve(io.workingDirectory, file), defaultConfigYaml(), { flag: options.force ? 'w' : 'wx' });
      } catch (error) {
        const hint = (error as NodeJS.ErrnoException).code === 'EEXIST' ? ' (--force overwrites it)' : '';
        throw new CliError(`cannot write ${file}: ${reasonOf(error)}${hint}`);
      }
      io.stderr.write(`written: ${file}; put your own models in, then: quantum-router config validate ${file}\n`);
    });
}
