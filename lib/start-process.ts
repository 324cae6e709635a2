/** Starts a process whose code lies beside its caller's, from sources as well as built. */
import { type ChildProcess, fork } from 'node:child_process';
import { extname, join } from 'node:path';

export interface ProcessLimits {
  readonly maxHeapMb: number;
}

/**
 * For work that takes much memory once in a while: what a thread took stays with its process after the thread has ended, since
 * the C library keeps it for the next one. Messages are cloned, as between threads. `folder` is the caller's `__dirname`, `name`
 * that of the file without its extension.
 */
export function startProcess(folder: string, name: string, { maxHeapMb }: ProcessLimits): ChildProcess {
  const extension = extname(__filename);
  // From sources (tests, development) the process has to learn TypeScript first; built, it needs nothing.
  const loader = extension === '.ts' ? ['--require', require.resolve('tsx/cjs')] : [];
  return fork(join(folder, `${name}${extension}`), {
    serialization: 'advanced',
    // Of the caller's own options none is inherited: a debugger's port would be taken already.
    execArgv: [...loader, `--max-old-space-size=${maxHeapMb}`],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
}
