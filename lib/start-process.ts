/** Starts a process whose code lies beside its caller's. */
import { type ChildProcess, fork } from 'node:child_process';
import { codeBeside } from './code-beside';

export interface ProcessLimits {
  readonly maxHeapMb: number;
}

/**
 * For work that takes much memory once in a while: what a thread took stays with its process after the thread has ended, since
 * the C library keeps it for the next one. Messages are cloned, as between threads. `folder` and `name` are those of `codeBeside`.
 */
export function startProcess(folder: string, name: string, { maxHeapMb }: ProcessLimits): ChildProcess {
  const { file, execArgv } = codeBeside(folder, name);
  return fork(file, {
    serialization: 'advanced',
    // Of the caller's own options none is inherited: a debugger's port would be taken already.
    execArgv: [...execArgv, `--max-old-space-size=${maxHeapMb}`],
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
}
