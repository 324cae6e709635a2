import { resolve } from 'node:path';
import type { Command } from 'commander';
import { checkStore } from '../../lib/adapters/embedded/check-store';
import { repairStore } from '../../lib/adapters/embedded/copy-store';
import type { StoreProblem } from '../../lib/adapters/embedded/store-reader';
import { formatTable } from '../format-table';
import { CliError, type Io } from '../io';
import { defaultDataDirectory } from '../read-options';

interface StoreOptions {
  readonly dataDir: string;
  readonly json?: boolean;
}

/** A damaged store may have one for every page. */
const listedProblems = 100;

export function addStore(program: Command, io: Io): void {
  const command = program.command('store').description('Look after the embedded store while no engine runs on it.');
  command
    .command('check')
    .description('Read the whole store and say which part of it is damaged, if any. Changes nothing.')
    .option('-d, --data-dir <directory>', 'where the embedded store lives', defaultDataDirectory)
    .option('--json', 'print JSON')
    .addHelpText('after', '\nExits with 1 when something is damaged.\n\nExamples:\n  $ quantum-router store check')
    .action((options: StoreOptions) => check(io, options));
  command
    .command('repair')
    .description('Copy all that can be read into a new file and keep the old one beside it.')
    .option('-d, --data-dir <directory>', 'where the embedded store lives', defaultDataDirectory)
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nExits with 1 when something could not be copied.\n\nExamples:\n  $ quantum-router store repair --data-dir data/engine',
    )
    .action((options: StoreOptions) => repair(io, options));
}

function check(io: Io, options: StoreOptions): void {
  const { problems, problemCount, tables, fileBytes, format } = checkStore(directoryOf(io, options), noteTo(io));
  if (options.json) io.stdout.write(`${JSON.stringify({ format, fileBytes, problemCount, problems, tables })}\n`);
  else {
    io.stdout.write(
      formatTable(
        ['table', 'entries', 'bytes'],
        tables.map((table) => [table.name, table.entries, table.bytes]),
        io.stdout.columns,
      ),
    );
    io.stdout.write(`format ${format ?? 'unknown'}, ${fileBytes} bytes of file\n`);
    writeProblems(io, problems, problemCount);
  }
  if (problemCount > 0) {
    throw new CliError(
      `${countOf(problemCount)} damaged; \`quantum-router store repair --data-dir ${options.dataDir}\` copies the rest into a new file`,
    );
  }
  io.stderr.write('nothing is damaged\n');
}

function repair(io: Io, options: StoreOptions): void {
  const repaired = repairStore(directoryOf(io, options), noteTo(io));
  const { records, others, salvaged, problems, keptAs } = repaired;
  if (options.json) io.stdout.write(`${JSON.stringify(repaired)}\n`);
  else {
    io.stdout.write(`copied ${records} records and ${others} other entries into a new file\n`);
    if (salvaged > 0) io.stdout.write(`${salvaged} of them were found by looking at every page of the file\n`);
    io.stdout.write(`the old file is ${keptAs}; it may hold prompts: remove it when you do not need it\n`);
    writeProblems(io, problems.slice(0, listedProblems), problems.length);
  }
  if (problems.length > 0)
    throw new CliError(
      `${countOf(problems.length)} could not be copied and ${problems.length === 1 ? 'is' : 'are'} lost to the new file`,
    );
}

function writeProblems(io: Io, problems: readonly StoreProblem[], count: number): void {
  for (const { part, reason } of problems) io.stdout.write(`${part}: ${reason}\n`);
  if (count > problems.length) io.stdout.write(`and ${count - problems.length} more\n`);
}

function countOf(count: number): string {
  return count === 1 ? 'one part' : `${count} parts`;
}

function directoryOf(io: Io, options: StoreOptions): string {
  return resolve(io.workingDirectory, options.dataDir);
}

function noteTo(io: Io): { onNote: (note: string) => void } {
  return { onNote: (note) => io.stderr.write(`${note}\n`) };
}
