/** Connects the command line to the process it runs in. */
// First: tracing has to be there before anything that could be traced.
import '../lib/telemetry/preload';

import { systemClock } from '../lib/adapters/system';
import { drainSignals } from '../lib/drain-signals';
import { optimiseLater } from '../lib/optimise-later';
import { flushTraces } from '../lib/telemetry/tracing';
import { terminalText } from '../lib/terminal/terminal-text';
import { exitCodes, type Io, type OutputStream } from './io';
import { main } from './program';
import { reasonOf } from './read-options';
import { openScreen } from './terminal-screen';

export { main } from './program';

/** Runs the command of this process and ends it with the command's exit code. */
export function start(): void {
  const argv = process.argv.slice(2);
  // A gateway whose callers wait from the first second on is better off with V8's own pace.
  if (argv[0] === 'run') optimiseLater();
  main(argv, processIo(staysUp(argv))).then(async (exitCode) => {
    await flushTraces();
    // What was written last must reach a pipe before the process ends.
    process.stdout.write('', () => process.exit(exitCode || process.exitCode));
  });
}

/** Commands that stay up and have requests under way. */
const engines: readonly (string | undefined)[] = ['serve', 'run', 'services'];

/** Help is text like any other, also that of an engine. */
function staysUp([command, ...options]: readonly string[]): boolean {
  return engines.includes(command) && !options.some((option) => option === '--help' || option === '-h');
}

function processIo(runsAnEngine: boolean): Io {
  const stop = new AbortController();
  const hangupListeners = new Set<() => void>();
  const end = (): void => {
    // The second time the user means it.
    if (stop.signal.aborted) process.exit(exitCodes.stopped);
    stop.abort();
  };
  for (const signal of drainSignals) process.on(signal, end);
  process.on('SIGHUP', () => {
    // A terminal that is closed ends its processes with SIGHUP: they drain, too. Without one it asks for the files anew.
    const hasTerminal = [process.stdin, process.stdout, process.stderr].some(({ isTTY }) => isTTY);
    if (hasTerminal || hangupListeners.size === 0 || stop.signal.aborted) end();
    else for (const listener of hangupListeners) listener();
  });
  // A reader that went away (`| head`) is no error of ours. An engine drains,
  // and ends with an error: it was to stay up, and whoever watches over it starts it anew. A file that takes no more lines
  // is nothing it would end for: it answers on, and writes on when there is room.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (runsAnEngine) {
        if (isForWantOfRoom(error)) return;
        process.exitCode = exitCodes.failed;
        stop.abort();
      } else if (error.code === 'EPIPE') process.exit(exitCodes.ok);
      else {
        // Half of the results in a file on a full disk, and no word, would be taken for all of them.
        if (stream === process.stdout)
          process.stderr.write(`error: the results cannot be written: ${reasonOf(error)}\n`);
        process.exit(exitCodes.failed);
      }
    });
  }
  const stdout = outputOf(process.stdout);
  return {
    stdout,
    stderr: outputOf(process.stderr),
    // As bytes: whoever reads them sees whether they are text at all.
    stdin: () => process.stdin,
    ...(stdout.isTerminal &&
      process.stdin.isTTY === true && {
        openScreen: (events) => openScreen(process.stdin, process.stdout, process, events),
      }),
    stopSignal: stop.signal,
    onHangup(listener) {
      hangupListeners.add(listener);
      return () => void hangupListeners.delete(listener);
    },
    clock: systemClock(),
    environment: process.env,
    workingDirectory: process.cwd(),
  };
}

const usualColumns = 80;

const isForWantOfRoom = ({ code = '' }: NodeJS.ErrnoException): boolean => ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code);

function outputOf(stream: NodeJS.WriteStream): OutputStream {
  return {
    // Files and pipes get every byte: programs read them.
    write: (text) => void stream.write(stream.isTTY === true ? terminalText(text) : text),
    // A dumb one obeys nothing, so it is written to like a file.
    isTerminal: stream.isTTY === true && process.env['TERM'] !== 'dumb',
    get columns() {
      // A terminal without a size says 0.
      return stream.columns || usualColumns;
    },
  };
}

if (require.main === module) start();
