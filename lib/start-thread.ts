/** Starts the thread whose code lies beside its caller's, from sources as well as built. */
import { extname, join } from 'node:path';
import { Worker, type WorkerOptions } from 'node:worker_threads';

/** `folder` is the caller's `__dirname`, `name` that of the file without its extension. */
export function startThread(folder: string, name: string, options: WorkerOptions = {}): Worker {
  // From sources (tests, development) the thread has to learn TypeScript first; built, it needs nothing.
  const extension = extname(__filename);
  const execArgv = extension === '.ts' ? ['--require', require.resolve('tsx/cjs')] : [];
  return new Worker(join(folder, `${name}${extension}`), { ...options, execArgv });
}
