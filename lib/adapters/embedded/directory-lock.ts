/**
 * One process at a time in a store's directory. Node has no flock, so the lock is a file that names its holder by pid
 * and start time: the lock of a killed process is recognised as stale, even when its pid has been given to another.
 */
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

interface Holder {
  readonly pid: number;
  /** When the process started, in whatever the system counts; null where it cannot be told. */
  readonly startedAt: string | null;
  /** Which lock this is, so that a fresh one is never mistaken for the stale one just read. */
  readonly id: string;
}

const attempts = 10;

/** The directory is in use by a process that is alive. */
export class DirectoryLockedError extends Error {
  constructor(
    readonly directory: string,
    readonly pid: number,
  ) {
    super(
      `${directory} is in use by process ${pid}: the embedded store takes one process. Stop that one or use another directory`,
    );
    this.name = 'DirectoryLockedError';
  }
}

/** Takes the lock of an existing directory and returns what gives it back. Throws DirectoryLockedError. */
export function lockDirectory(directory: string): () => void {
  const path = join(directory, 'lock');
  const mine: Holder = { pid: process.pid, startedAt: processOf(process.pid)?.startedAt ?? null, id: randomUUID() };
  const draft = `${path}.${mine.id}`;
  writeFileSync(draft, JSON.stringify(mine));
  try {
    for (let attempt = 0; attempt < attempts; attempt++) {
      if (linkIfAbsent(draft, path)) return () => release(path, mine);
      const holder = readHolder(path);
      if (holder && isAlive(holder)) throw new DirectoryLockedError(directory, holder.pid);
      if (holder) removeStale(path, holder);
    }
  } finally {
    rmSync(draft, { force: true });
  }
  throw new Error(`cannot lock ${directory}: other processes keep taking and leaving its lock`);
}

function release(path: string, mine: Holder): void {
  if (readHolder(path)?.id === mine.id) rmSync(path, { force: true });
}

/** Moves the stale lock aside; puts back what it moved when somebody else was quicker and it is a fresh one. */
function removeStale(path: string, stale: Holder): void {
  const aside = `${path}.${randomUUID()}`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  if (readHolder(aside)?.id !== stale.id) linkIfAbsent(aside, path);
  rmSync(aside, { force: true });
}

function linkIfAbsent(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** null when the file is gone. A file that cannot be understood counts as held by nobody alive. */
function readHolder(path: string): Holder | null {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return null;
  }
  try {
    return JSON.parse(text) as Holder;
  } catch {
    return { pid: 0, startedAt: null, id: text };
  }
}

function isAlive(holder: Holder): boolean {
  if (!Number.isInteger(holder.pid) || holder.pid < 1) return false;
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    // EPERM: it is there, but somebody else's.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  const found = processOf(holder.pid);
  if (found === null) return true;
  // A process that was killed and is not yet reaped still answers signals, and holds nothing.
  if (found.state === 'Z' || found.state === 'X') return false;
  return holder.startedAt === null || found.startedAt === holder.startedAt;
}

/** State and start (ticks since boot, with the boot's id) from /proc/PID/stat; null where there is no /proc. */
export function processOf(pid: number): { state: string; startedAt: string } | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the command in brackets and may hold anything, spaces and brackets too.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state: fields[0]!, startedAt: `${bootId()}/${fields[19]}` };
  } catch {
    return null;
  }
}

/** Changes at every start of the machine; null where it cannot be told. */
export function bootId(): string | null {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return null;
  }
}
