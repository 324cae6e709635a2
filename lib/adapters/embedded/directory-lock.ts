/**
 * One process at a time in a store's directory: a lock of the kernel on the file `lock`, which no process can outlive and
 * which holds between containers that share a directory and see different process numbers. The directory itself is locked
 * too: whoever removes the file `lock` of a running engine, taking it for one that was left behind, does not let a second in.
 *
 * Node has no flock, so the command `flock` (util-linux, busybox) takes the lock on a file that this process has opened and
 * hands over: such a lock belongs to the open file, stays when the command ends, and goes when this process closes the file
 * or dies. Child processes do not inherit it, since Node opens files close-on-exec. BSD and macOS take the same lock while
 * opening. Where neither works, the lock is what the file says: the holder's pid and start time, which hold on one machine
 * and among processes that see each other.
 */
import { spawnSync } from 'node:child_process';
import { closeSync, constants, existsSync, ftruncateSync, openSync, readFileSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';

interface Holder {
  readonly pid: number;
  readonly host?: string;
  /** When the process started, in whatever the system counts; null where it cannot be told. */
  readonly startedAt: string | null;
  /** Whether the kernel keeps the lock: then the file says who, never whether. */
  readonly byKernel?: boolean;
}

/** How the lock of the kernel was tried: taken, held by another, or not to be had here (and why). */
type KernelLock = 'taken' | 'held' | { readonly missing: string };

export interface LockOptions {
  /** Told once when the kernel keeps no lock here. */
  readonly onNote?: (note: string) => void;
  /** Whoever only reads may do so where nothing can be written: the lock is taken on the file as it is, which nobody learns its holder from. */
  readonly readsOnly?: boolean;
  /** For tests: the command that takes the lock; null for none. */
  readonly command?: string | null;
}

/** The directory is in use by a process that is alive. */
export class DirectoryLockedError extends Error {
  constructor(
    readonly directory: string,
    /** As its holder sees it; null when it is not known. */
    readonly pid: number | null,
    who: string,
  ) {
    super(
      `${directory} is in use by ${who}: the embedded store takes one process. Stop that one or use another directory`,
    );
    this.name = 'DirectoryLockedError';
  }
}

/** `O_EXLOCK` of BSD and macOS, which `fs.constants` does not have. */
const exclusiveLockFlag = 0x20;

/** Takes the lock of an existing directory and returns what gives it back. Throws DirectoryLockedError. */
export function lockDirectory(directory: string, options: LockOptions = {}): () => void {
  const path = join(directory, 'lock');
  let opened: ReturnType<typeof openLocked>;
  try {
    opened = openLocked(path, constants.O_RDWR | constants.O_CREAT, options);
  } catch (error) {
    if (!options.readsOnly || !isReadOnly(error)) throw error;
    return lockUnwritable(directory, path, options);
  }
  const { file, lock } = opened;
  let itself: number | null = null;
  try {
    const holder = readHolder(path);
    if (lock === 'held') throw lockedBy(directory, holder);
    if (lock === 'taken') {
      // Some file systems (NFS) lock files only: there `lock` has to do.
      const directoryLock = openLocked(directory, constants.O_RDONLY, options);
      itself = directoryLock.file;
      if (directoryLock.lock === 'held') throw lockedBy(directory, null);
    }
    if (hasIt(holder, lock)) throw lockedBy(directory, holder);
    if (lock !== 'taken') options.onNote?.(noLockNote(directory, lock.missing));
    const startedAt = processOf(process.pid)?.startedAt ?? null;
    try {
      writeHolder(file, { pid: process.pid, host: hostname(), startedAt, byKernel: lock === 'taken' });
    } catch (error) {
      // On a full disk: where the kernel keeps the lock, the file only says who has it.
      if (lock !== 'taken') throw error;
    }
  } catch (error) {
    if (itself !== null) closeSync(itself);
    closeSync(file);
    throw error;
  }
  let released = false;
  return () => {
    if (released) return;
    released = true;
    // The file stays: removing it would let two processes hold locks on two files of one name.
    ftruncateSync(file);
    if (itself !== null) closeSync(itself);
    closeSync(file);
  };
}

/** Whether whom the file names has the directory. One whose lock the kernel kept is gone, or we would not have it now. */
function hasIt(holder: Holder | null, lock: KernelLock): boolean {
  return holder !== null && !(lock === 'taken' && holder.byKernel) && isAlive(holder);
}

function noLockNote(directory: string, missing: string): string {
  return `the kernel keeps no lock on ${directory} (${missing}): only processes of this machine and of one container keep out of each other's way`;
}

function isReadOnly(error: unknown): boolean {
  return ['EACCES', 'EPERM', 'EROFS'].includes((error as NodeJS.ErrnoException).code ?? '');
}

/** Keeps out who writes, on a file or a directory that this process may not write to. A copy may have no file `lock`. */
function lockUnwritable(directory: string, path: string, options: LockOptions): () => void {
  const files: number[] = [];
  let missing: string | null = null;
  const release = (): void => {
    for (const file of files.splice(0)) closeSync(file);
  };
  try {
    for (const one of existsSync(path) ? [path, directory] : [directory]) {
      const { file, lock } = openLocked(one, constants.O_RDONLY, options);
      files.push(file);
      const holder = readHolder(path);
      if (lock === 'held' || hasIt(holder, lock)) throw lockedBy(directory, holder);
      if (lock !== 'taken') missing = lock.missing;
    }
    if (missing !== null) options.onNote?.(noLockNote(directory, missing));
    return release;
  } catch (error) {
    release();
    throw error;
  }
}

function openLocked(path: string, flags: number, options: LockOptions): { file: number; lock: KernelLock } {
  const command = options.command === undefined ? 'flock' : options.command;
  if (command !== null && (process.platform === 'darwin' || process.platform.endsWith('bsd'))) {
    try {
      return { file: openSync(path, flags | exclusiveLockFlag | constants.O_NONBLOCK), lock: 'taken' };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
      return { file: openSync(path, flags), lock: 'held' };
    }
  }
  const file = openSync(path, flags, 0o644);
  return { file, lock: command === null ? { missing: 'not asked for' } : lockByCommand(command, file) };
}

function lockByCommand(command: string, file: number): KernelLock {
  // In the child the file is number 3.
  const { status, error, stderr } = spawnSync(command, ['-n', '3'], { stdio: ['ignore', 'ignore', 'pipe', file] });
  if (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { missing: code === 'ENOENT' ? `there is no command ${command}` : error.message };
  }
  const said = stderr.toString().trim();
  if (status === 0) return 'taken';
  return status === 1 && said === '' ? 'held' : { missing: said || `${command} ended with ${status}` };
}

function lockedBy(directory: string, holder: Holder | null): DirectoryLockedError {
  if (!holder || holder.pid < 1) return new DirectoryLockedError(directory, null, 'another process');
  const elsewhere = holder.host !== undefined && holder.host !== hostname() ? ` on ${holder.host}` : '';
  return new DirectoryLockedError(directory, holder.pid, `process ${holder.pid}${elsewhere}`);
}

function writeHolder(file: number, holder: Holder): void {
  ftruncateSync(file);
  writeSync(file, JSON.stringify(holder), 0);
}

/** null when the file names nobody. */
function readHolder(path: string): Holder | null {
  try {
    const holder = JSON.parse(readFileSync(path, 'utf8')) as Holder;
    return Number.isInteger(holder.pid) ? holder : null;
  } catch {
    return null;
  }
}

function isAlive(holder: Holder): boolean {
  if (holder.pid < 1) return false;
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
