/** The command line: one file per command in `commands/`, one way of failing for all of them. */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { addAlerts } from './commands/alerts';
import { addAudit } from './commands/audit';
import { addConfig } from './commands/config';
import { addEvaluate } from './commands/evaluate';
import { addExperiments } from './commands/experiments';
import { addExplain } from './commands/explain';
import { addGraph } from './commands/graph';
import { addInit } from './commands/init';
import { addKeys } from './commands/keys';
import { addModels } from './commands/models';
import { addReplay } from './commands/replay';
import { addRoute } from './commands/route';
import { addRun } from './commands/run';
import { addServe } from './commands/serve';
import { addServices } from './commands/services';
import { addShadows } from './commands/shadows';
import { addStore } from './commands/store';
import { addTop } from './commands/top';
import { addTopics } from './commands/topics';
import { addTrain } from './commands/train';
import { fitHelp } from './fit-help';
import { CliError, exitCodes, type Io } from './io';
import { reasonOf } from './read-options';
import { version } from './version';

/** Adds one command to the program. */
export type AddCommand = (program: Command, io: Io) => void;

const commands: readonly AddCommand[] = [
  addRun,
  addServe,
  addServices,
  addTop,
  addInit,
  addConfig,
  addRoute,
  addExplain,
  addEvaluate,
  addReplay,
  addModels,
  addExperiments,
  addShadows,
  addTrain,
  addKeys,
  addAudit,
  addAlerts,
  addTopics,
  addStore,
  addGraph,
];

const epilogue = `
Results go to stdout, progress and errors to stderr.

Exit codes:
  0    it worked
  1    it did not, or some of the input was refused
  2    the command line is wrong
  130  it was stopped (Ctrl-C) before its end

Examples:
  $ quantum-router init                          write an annotated configuration
  $ quantum-router serve                         run the engine and its HTTP gateway
  $ quantum-router route requests.jsonl          decide a file of requests`;

/** Runs one command line (without the program's name). Resolves with the exit code and never rejects. */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  const program = createProgram(io);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return exitCodes.ok;
  } catch (error) {
    // Commander has already written its own messages.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    const failure = error instanceof Error ? error : new Error(String(error));
    const exitCode = failure instanceof CliError ? failure.exitCode : exitCodes.failed;
    // What the user asked for is no error.
    const isError = exitCode !== exitCodes.stopped;
    io.stderr.write(`${isError ? 'error: ' : ''}${sentenceOf(failure)}\n`);
    if (isError && argv.includes('--debug')) io.stderr.write(`${failure.stack ?? ''}\n`);
    return exitCode;
  }
}

/** Our own errors are written for people; what the system says is put into words, with the path or address it is about. */
function sentenceOf(failure: Error): string {
  const { code, path, syscall } = failure as NodeJS.ErrnoException;
  if (failure instanceof CliError || code === undefined || syscall === undefined) return failure.message.trim();
  return path === undefined ? reasonOf(failure) : `${path}: ${reasonOf(failure)}`;
}

function createProgram(io: Io): Command {
  const program = new Command('quantum-router')
    .description('Decides, for every request, which language model should answer it.')
    .version(version, '--version', 'print the version')
    .option('--debug', 'print the stack of an error')
    // Throws instead of ending the process; commands added below inherit both settings.
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(fitHelp(text, io.stdout.columns)),
      writeErr: io.stderr.write,
      getOutHelpWidth: () => io.stdout.columns,
      getErrHelpWidth: () => io.stderr.columns,
    })
    .showSuggestionAfterError()
    .helpCommand('help [command]', 'show help for a command')
    .addHelpText('after', epilogue);
  for (const add of commands) add(program, io);
  for (const command of allCommands(program)) refuseEmptyValues(command);
  // `--debug` is wanted behind the command too, where people add it after an error.
  for (const command of allCommands(program)) {
    if (command !== program)
      command.option('--debug', 'print the stack of an error').showHelpAfterError('(add --help for its options)');
  }
  return program;
}

/** Options whose empty value means something. */
const mayBeEmpty = ['--reason', '--topic-prefix'];

/**
 * An empty value is a variable of a script that was never set: `--data-dir "$DATA"` would keep the store wherever the command
 * happens to be run, and `--config "$CONFIG"` go by another file without a word.
 */
function refuseEmptyValues(command: Command): void {
  for (const option of command.options) {
    if (!option.required || option.parseArg || mayBeEmpty.includes(option.long ?? '')) continue;
    option.argParser((text: string) => {
      if (text === '') throw new InvalidArgumentError('It is empty.');
      return text;
    });
  }
}

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}
