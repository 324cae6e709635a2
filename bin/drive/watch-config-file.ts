/**
 * Takes a configuration file over while the engine runs: when it has changed, or when somebody says so. It is looked at
 * rather than listened to, so that it does not matter how it is replaced: in place, by renaming, or behind a symbolic link.
 */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { InForce } from '../../lib/config/apply-config';
import { CliError, type Io } from '../io';
import { type ReadConfig, readConfig, sayInForce } from '../read-config';

/** Between two looks. A file is read once it has looked the same twice: whoever writes it is done then. */
const lookEveryMs = 1_000;

export interface ConfigWatchOptions {
  /** As `looksOf` said before the file was read for the first time. */
  readonly since: string;
  /** Let the file win also where somebody has changed the configuration meanwhile. */
  readonly configWins: boolean;
  readonly putInForce: (read: ReadConfig) => Promise<InForce>;
}

export interface ConfigWatch {
  /** Looks once; reads the file where it has changed. Never rejects. */
  look(): Promise<void>;
  /** Reads the file now, changed or not. Never rejects. */
  reload(): Promise<void>;
  /** Resolves when what was under way is done. */
  stop(): Promise<void>;
}

/** The file has been read before. What is wrong with a newer one is said, and it is not taken. */
export function watchConfigFile(
  io: Io,
  file: string,
  { since, configWins, putInForce }: ConfigWatchOptions,
): ConfigWatch {
  let taken = since;
  let seen = since;
  let failed: string | null = null;
  let turn: Promise<void> = Promise.resolve();
  let cancel = (): void => {};
  let isStopped = false;

  const take = async (looks: string, wasAsked = false): Promise<void> => {
    try {
      const read = await readConfig(io, { config: file, configWins });
      taken = looks;
      const inForce = await putInForce(read);
      failed = null;
      sayInForce(io, inForce, read);
      if (wasAsked && inForce.kept === null && !(inForce.changed && inForce.changes.length > 0))
        io.stderr.write(`${file} was read again: nothing in it has changed\n`);
      for (const line of inForce.needsRestart) io.stderr.write(`warning: ${line}\n`);
    } catch (error) {
      // Said once for a file; one that could not be written to the log is tried again.
      if (failed !== looks) io.stderr.write(`warning: ${file} is not taken over: ${(error as Error).message}\n`);
      failed = looks;
      taken = error instanceof CliError ? looks : '';
    }
  };
  const inTurn = (task: () => Promise<void>): Promise<void> => {
    turn = turn.then(task);
    return turn;
  };
  const look = (): Promise<void> =>
    inTurn(async () => {
      const looks = looksOf(io, file);
      const isSettled = looks === seen;
      seen = looks;
      // A file that is gone is about to be replaced, or was removed: neither is a reason to change anything.
      if (isSettled && looks !== taken && looks !== gone) await take(looks);
    });
  const lookAgain = (): void => {
    cancel = io.clock.setTimer(lookEveryMs, () => {
      void look().then(() => {
        if (!isStopped) lookAgain();
      });
    });
  };
  lookAgain();
  return {
    look,
    reload: () =>
      inTurn(async () => {
        failed = null;
        // Whoever asks wants to hear something.
        await take(looksOf(io, file), true);
      }),
    async stop() {
      isStopped = true;
      cancel();
      await turn;
    },
  };
}

/** Watches a file, and reads it at a hang-up. There is nothing to do without one, or where it was stdin or a pipe: that is read once. */
export function followConfigFile(io: Io, file: string | null, options: ConfigWatchOptions): Pick<ConfigWatch, 'stop'> {
  if (file === null || file === '-' || isPipe(io, file)) return { stop: async () => {} };
  const watch = watchConfigFile(io, file, options);
  const unlisten = io.onHangup(() => void watch.reload());
  return {
    async stop() {
      unlisten();
      await watch.stop();
    },
  };
}

function isPipe(io: Io, file: string): boolean {
  return statSync(resolve(io.workingDirectory, file), { throwIfNoEntry: false })?.isFIFO() ?? false;
}

const gone = 'gone';

/** Which file is there, links followed, and whether it was written to. */
export function looksOf(io: Io, file: string): string {
  try {
    const { dev, ino, size, mtimeMs, ctimeMs } = statSync(resolve(io.workingDirectory, file));
    return [dev, ino, size, mtimeMs, ctimeMs].join(' ');
  } catch {
    return gone;
  }
}
