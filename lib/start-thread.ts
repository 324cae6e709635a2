/** Starts the thread whose code lies beside its caller's, from sources as well as built. */
import { extname, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Worker, type WorkerOptions } from 'node:worker_threads';

/**
 * The command line gives the thread that decides a large young generation, and V8 would give the same to every thread: three
 * times as much again, for threads that nobody waits for. Limits of a worker do not go below what the command line says.
 */
const maxSemiSpaceMb = 16;

/** `folder` is the caller's `__dirname`, `name` that of the file without its extension. */
export function startThread(folder: string, name: string, options: WorkerOptions = {}): Worker {
  // From sources (tests, development) the thread has to learn TypeScript first; built, it needs nothing.
  const extension = extname(__filename);
  const execArgv = extension === '.ts' ? ['--require', require.resolve('tsx/cjs')] : [];
  setFlagsFromString(`--max-semi-space-size=${maxSemiSpaceMb}`);
  return new Worker(join(folder, `${name}${extension}`), { ...options, execArgv });
}
