/**
 * A server may outlive the command that started it, so a record beside its data says which process it is: by pid and
 * start time, because a pid alone may by now be somebody else's. Only a process that matches both is ever signalled.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { processOf } from '../lib/adapters/embedded/directory-lock';
import { systemClock } from '../lib/adapters/system';
import { sleep } from '../lib/ports/clock';

export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in whatever the system counts. */
  readonly startedAt: string;
}

export interface ServerRecord extends ProcessIdentity {
  readonly name: string;
  /** host:port for Kafka, redis://host:port for Redis. */
  readonly address: string;
}

const clock = systemClock();
const pollMs = 20;

/** Who is behind a pid right now; null when nobody is, or only a process that has ended and waits to be reaped. */
export function identify(pid: number): ProcessIdentity | null {
  if (!Number.isInteger(pid) || pid < 1) return null;
  const found = processOf(pid) ?? processFromPs(pid);
  if (!found || (/^[ZX]/.test(found.state) && !hasThreads(pid))) return null;
  return { pid, startedAt: found.startedAt };
}

/** A killed server's first thread may be dead while the others still hold its ports and files. */
function hasThreads(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).length > 1;
  } catch {
    return false;
  }
}

/** For systems without /proc. */
function processFromPs(pid: number): { state: string; startedAt: string } | null {
  const { status, stdout } = spawnSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' });
  const [, state, startedAt] = /^\s*(\S+)\s+(.*\S)/.exec(stdout ?? '') ?? [];
  return status === 0 && state && startedAt ? { state, startedAt } : null;
}

/** Whether the very process meant is still there, not another that was given its pid. */
export function isRunning(process: ProcessIdentity): boolean {
  return identify(process.pid)?.startedAt === process.startedAt;
}

const recordPath = (directory: string): string => join(directory, 'server.json');

export function writeRecord(directory: string, record: ServerRecord): void {
  writeFileSync(recordPath(directory), `${JSON.stringify(record)}\n`);
}

/** The server that was started on this directory and still runs; null when there is none. Forgets one that is gone. */
export function runningServer(directory: string): ServerRecord | null {
  const record = readRecord(directory);
  if (record && isRunning(record)) return record;
  rmSync(recordPath(directory), { force: true });
  return null;
}

function readRecord(directory: string): ServerRecord | null {
  try {
    return JSON.parse(readFileSync(recordPath(directory), 'utf8')) as ServerRecord;
  } catch {
    return null;
  }
}

/**
 * Ends the server of this directory, if it runs: politely first, a frozen one too, and with SIGKILL after `graceMs`.
 * Resolves once it is gone, with its record, or null when none was running.
 */
export async function stopServer(directory: string, { graceMs = 20_000 } = {}): Promise<ServerRecord | null> {
  const record = runningServer(directory);
  if (!record) return null;
  signal(record, 'SIGTERM');
  signal(record, 'SIGCONT');
  if (!(await gone(record, graceMs))) {
    signal(record, 'SIGKILL');
    if (!(await gone(record, 10_000))) throw new Error(`${record.name} (pid ${record.pid}) does not end, even killed`);
  }
  rmSync(recordPath(directory), { force: true });
  return record;
}

/** Sends the signal to that process and to no other; false when it is gone. */
export function signal(target: ProcessIdentity, name: NodeJS.Signals): boolean {
  if (!isRunning(target)) return false;
  try {
    process.kill(target.pid, name);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}

/** Whether the process ended within the limit. */
export async function gone(target: ProcessIdentity, limitMs: number): Promise<boolean> {
  const endMs = clock.monotonicMs() + limitMs;
  while (isRunning(target)) {
    if (clock.monotonicMs() > endMs) return false;
    await sleep(clock, pollMs);
  }
  return true;
}
