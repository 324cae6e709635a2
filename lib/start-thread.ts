/** Starts a thread whose code lies beside its caller's. */
import { setFlagsFromString } from 'node:v8';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import { codeBeside } from './code-beside';

/**
 * The command line gives the thread that decides a large young generation, and V8 would give the same to every thread: three
 * times as much again, for threads that nobody waits for. Limits of a worker do not go below what the command line says.
 */
const maxSemiSpaceMb = 16;

/** `folder` and `name` are those of `codeBeside`. */
export function startThread(folder: string, name: string, options: WorkerOptions = {}): Worker {
  const { file, execArgv } = codeBeside(folder, name);
  setFlagsFromString(`--max-semi-space-size=${maxSemiSpaceMb}`);
  return new Worker(file, { ...options, execArgv: [...execArgv] });
}
