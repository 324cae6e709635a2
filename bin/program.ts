/** The command line: one file per command in `commands/`, one way of failing for all of them. */
import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { printable } from '../lib/terminal/fit-text';
import { fitHelp } from './fit-help';
import { aborted, CliError, exitCodes, type Io, type OutputStream, say } from './io';
import { reasonOf } from './read-options';
import { version } from './version';

/** Adds one command to the program. */
export type AddCommand = (program: Command, io: Io) => void;

interface CommandEntry {
  readonly name: string;
  readonly read: () => AddCommand;
  /** It goes by the stop signal itself, because it has something to finish; every other one ends at once where it is. */
  readonly endsInOrder?: true;
}

/**
 * The commands in the order of the help. The code of one is read when it is asked for: all of it together takes a slow machine
 * two seconds.
 */
const commands: readonly CommandEntry[] = [
  { name: 'run', read: () => (require('./commands/run') as typeof import('./commands/run')).addRun, endsInOrder: true },
  {
    name: 'serve',
    read: () => (require('./commands/serve') as typeof import('./commands/serve')).addServe,
    endsInOrder: true,
  },
  {
    name: 'services',
    read: () => (require('./commands/services') as typeof import('./commands/services')).addServices,
    endsInOrder: true,
  },
  { name: 'top', read: () => (require('./commands/top') as typeof import('./commands/top')).addTop, endsInOrder: true },
  { name: 'init', read: () => (require('./commands/init') as typeof import('./commands/init')).addInit },
  { name: 'config', read: () => (require('./commands/config') as typeof import('./commands/config')).addConfig },
  {
    name: 'route',
    read: () => (require('./commands/route') as typeof import('./commands/route')).addRoute,
    endsInOrder: true,
  },
  { name: 'explain', read: () => (require('./commands/explain') as typeof import('./commands/explain')).addExplain },
  {
    name: 'evaluate',
    read: () => (require('./commands/evaluate') as typeof import('./commands/evaluate')).addEvaluate,
  },
  {
    name: 'replay',
    read: () => (require('./commands/replay') as typeof import('./commands/replay')).addReplay,
    endsInOrder: true,
  },
  { name: 'models', read: () => (require('./commands/models') as typeof import('./commands/models')).addModels },
  {
    name: 'experiments',
    read: () => (require('./commands/experiments') as typeof import('./commands/experiments')).addExperiments,
  },
  { name: 'shadows', read: () => (require('./commands/shadows') as typeof import('./commands/shadows')).addShadows },
  { name: 'train', read: () => (require('./commands/train') as typeof import('./commands/train')).addTrain },
  { name: 'keys', read: () => (require('./commands/keys') as typeof import('./commands/keys')).addKeys },
  { name: 'audit', read: () => (require('./commands/audit') as typeof import('./commands/audit')).addAudit },
  { name: 'alerts', read: () => (require('./commands/alerts') as typeof import('./commands/alerts')).addAlerts },
  { name: 'topics', read: () => (require('./commands/topics') as typeof import('./commands/topics')).addTopics },
  { name: 'store', read: () => (require('./commands/store') as typeof import('./commands/store')).addStore },
  { name: 'graph', read: () => (require('./commands/graph') as typeof import('./commands/graph')).addGraph },
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
export async function main(argv: readonly string[], processIo: Io): Promise<number> {
  const { stderr, endLine } = lineEnding(processIo.stderr);
  const io = { ...processIo, stderr };
  const named = commandNamed(argv);
  try {
    // Here the modules of a command are read, which fails where they cannot have what they need.
    const program = createProgram(io, commandsFor(argv, named));
    const running = program.parseAsync([...argv], { from: 'user' });
    await (named?.endsInOrder ? running : untilStopped(running, io.stopSignal));
    return exitCodes.ok;
  } catch (error) {
    // Commander has already written its own messages.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    const failure = error instanceof Error ? error : new Error(String(error));
    const exitCode = failure instanceof CliError ? failure.exitCode : exitCodes.failed;
    // What the user asked for is no error.
    const isError = exitCode !== exitCodes.stopped;
    endLine();
    // What it quotes may be of a file or a server that somebody else wrote.
    const sentence = `${isError ? 'error: ' : ''}${sentenceOf(failure).split('\n').map(printable).join('\n')}`;
    // A terminal would break it in the middle of a word; whoever searches a file wants it in one piece.
    if (io.stderr.isTerminal) say(io.stderr, sentence);
    else io.stderr.write(`${sentence}\n`);
    if (isError && argv.includes('--debug')) io.stderr.write(`${failure.stack ?? ''}\n`);
    return exitCode;
  }
}

/** Ends a line of progress that somebody who was interrupted has left. */
function lineEnding(stream: OutputStream): { readonly stderr: OutputStream; readonly endLine: () => void } {
  let isOpen = false;
  const stderr: OutputStream = {
    write(text) {
      if (text !== '') isOpen = !text.endsWith('\n');
      stream.write(text);
    },
    isTerminal: stream.isTerminal,
    get columns() {
      return stream.columns;
    },
  };
  return { stderr, endLine: () => isOpen && stderr.write('\n') };
}

/** The one that is named first; all of them where help is wanted, or where the word is none and a hint needs the names. */
function commandsFor(argv: readonly string[], named: CommandEntry | undefined): AddCommand[] {
  if (firstWord(argv) === '--version') return [];
  return (named ? [named] : commands).map(({ read }) => read());
}

function commandNamed(argv: readonly string[]): CommandEntry | undefined {
  const first = firstWord(argv);
  return commands.find(({ name }) => name === first);
}

function firstWord(argv: readonly string[]): string | undefined {
  return argv.find((word) => word !== '--debug');
}

/** Rejects once it is stopped, whatever the command still does: whoever called `main` ends the process. */
async function untilStopped(running: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const stopped = aborted(signal).then(() => {
    throw new CliError('stopped before its end', exitCodes.stopped);
  });
  await Promise.race([running, stopped]);
}

/** Our own errors are written for people; what the system says is put into words, with the path or address it is about. */
function sentenceOf(failure: Error): string {
  const { code, path, syscall } = failure as NodeJS.ErrnoException;
  if (failure instanceof CliError || code === undefined || syscall === undefined) return failure.message.trim();
  return path === undefined ? reasonOf(failure) : `${path}: ${reasonOf(failure)}`;
}

function createProgram(io: Io, added: readonly AddCommand[]): Command {
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
  for (const add of added) add(program, io);
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
  const notEmpty = (text: string): string => {
    if (text === '') throw new InvalidArgumentError('It is empty.');
    return text;
  };
  for (const option of command.options) {
    if (option.required && !option.parseArg && !mayBeEmpty.includes(option.long ?? '')) option.argParser(notEmpty);
  }
  for (const argument of command.registeredArguments) if (!argument.parseArg) argument.argParser(notEmpty);
}

function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}
