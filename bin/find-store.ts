/** Finds the embedded store that a command is about when nobody names one: the one that was written last. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { CliError, type Io } from './io';
import { defaultDataDirectory, defaultRunDirectory } from './read-options';

/** Of `serve`, `route` and `train`, and of `run`: whoever ran one of them wants to look at that. */
const usual = [defaultDataDirectory, defaultRunDirectory];

/** The directory that was named, else the store among the usual ones that was written last, which is said. Throws a CliError when there is none. */
export function findStore(io: Io, named: string | undefined): string {
  if (named !== undefined) {
    if (isStore(io, named)) return named;
    throw new CliError(`there is no store in ${named}`);
  }
  const found = newestStore(io);
  if (found === null)
    throw new CliError(
      `there is no store in ${usual.join(' or ')}: name one with --data-dir, or run \`serve\` or \`run\` first`,
    );
  io.stderr.write(`reading the store in ${found}\n`);
  return found;
}

/** Null when there is none. */
export function newestStore(io: Io): string | null {
  const stores = usual
    .filter((directory) => isStore(io, directory))
    .map((directory) => ({ directory, writtenAtMs: writtenAtMs(resolve(io.workingDirectory, directory)) }))
    .sort((a, b) => b.writtenAtMs - a.writtenAtMs);
  return stores[0]?.directory ?? null;
}

function isStore(io: Io, directory: string): boolean {
  return existsSync(resolve(io.workingDirectory, directory, 'store.json'));
}

function writtenAtMs(path: string): number {
  const times = readdirSync(path).map((name) => statSync(join(path, name), { throwIfNoEntry: false })?.mtimeMs ?? 0);
  return Math.max(0, ...times);
}
