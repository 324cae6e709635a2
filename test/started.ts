/**
 * What a test file has started, so that it ends with the file even where a test fails before it stops what it started.
 * Programs are run through test/watched.js, which ends them, and all they started, when this process is gone too.
 */
import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const ends: (() => unknown)[] = [];

/** Calls `end` after the last test of the file, the newest first. It must bear being called where all has ended already. */
export function atEnd(end: () => unknown): void {
  ends.push(end);
}

/** Ends everything. Throws, when all are through, what the first failed one threw. */
export async function endAll(): Promise<void> {
  const failures: unknown[] = [];
  for (const end of ends.splice(0).reverse()) {
    try {
      await end();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length > 0) throw failures[0];
}

const watched = join(__dirname, 'watched.js');

export interface Started {
  readonly child: ChildProcess;
  /** Exit status; null when a signal ended it. Rejects when it could not be started. */
  readonly ended: Promise<number | null>;
  /** Kills the program and all it has started; resolves when it is gone. */
  kill(): Promise<void>;
}

/**
 * Starts a program whose life ends with that of this test file and of this process. Its standard input is closed;
 * signals that its `child` is sent are passed on to it.
 */
export function start(
  program: string,
  args: readonly string[],
  options: Pick<SpawnOptions, 'cwd' | 'env'> = {},
): Started {
  const child = spawn(process.execPath, [watched, program, ...args], {
    ...options,
    // A process group of its own: all of it can be killed at once.
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.once('exit', () => {
    try {
      // What the program has started and left behind is still of its group.
      process.kill(-child.pid!, 'SIGKILL');
    } catch {
      // Nothing was left behind.
    }
  });
  const ended = new Promise<number | null>((resolve, reject) => child.once('error', reject).once('close', resolve));
  // Whoever awaits it sees a failure; until then it is nobody's.
  ended.catch(() => {});
  const kill = async (): Promise<void> => {
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    // Its end of the pipe tells it to kill its whole group.
    child.stdin!.destroy();
    await gone;
  };
  atEnd(kill);
  return { child, ended, kill };
}

export interface Ran {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end. */
export async function runToEnd(...command: Parameters<typeof start>): Promise<Ran> {
  const { child, ended } = start(...command);
  let stdout = '';
  let stderr = '';
  child.stdout!.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr!.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  return { status: await ended, stdout, stderr };
}
