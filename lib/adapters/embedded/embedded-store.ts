/**
 * The one lmdb file behind the embedded broker and key-value store: opening, the lock, named tables, writing (see
 * group-commit.ts) and flushing. After a crash of the machine only a store of durability `disk` is certain to be whole.
 */
import { closeSync, fdatasync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Database, open, type RootDatabase } from 'lmdb';
import type { Clock } from '../../ports/clock';
import { bootId, lockDirectory } from './directory-lock';
import { createGroupCommit, type Durability, type StoreWork } from './group-commit';

export type { Durability } from './group-commit';

export interface EmbeddedStoreOptions {
  /** Made when absent. */
  readonly directory: string;
  readonly clock: Clock;
  /** What an acknowledged write survives: a kill of the process (default), or a power failure too. */
  readonly durability?: Durability;
  /** How often `process` flushes to disk in the background; default 1,000. */
  readonly flushIntervalMs?: number;
}

export interface EmbeddedStore {
  readonly clock: Clock;
  readonly directory: string;
  /** A named table of binary keys and values. */
  table(name: string): Database<Buffer, Buffer>;
  /** Resolves when the work is durable; rejects with its refusal. Works are applied in the order of the calls. */
  write(work: StoreWork): Promise<void>;
  /** Called once after each commit that applied something. */
  onCommit(listener: () => void): void;
  /** Runs before the store closes: writes can still be made. */
  onClose(listener: () => void): void;
  /** Writes what is queued, flushes, releases the lock. Idempotent. */
  close(): Promise<void>;
}

interface Marker {
  readonly format: number;
  readonly durability: Durability;
  readonly clean: boolean;
  readonly bootId: string | null;
}

const format = 1;
const defaultFlushIntervalMs = 1_000;
// Records of 2 to 4 kB fit several to a page; with the usual 4 kB pages each would take overflow pages of its own.
const pageBytes = 16 * 1024;
const maxTables = 16;

/** Opens (or makes) the store. Throws DirectoryLockedError while another process has it open. */
export function openEmbeddedStore(options: EmbeddedStoreOptions): EmbeddedStore {
  const { directory } = options;
  const durability = options.durability ?? 'process';
  mkdirSync(directory, { recursive: true });
  const unlock = lockDirectory(directory);
  try {
    const markerPath = join(directory, 'store.json');
    refuseUnsafe(directory, readMarker(markerPath));
    writeMarker(markerPath, { format, durability, clean: false, bootId: bootId() });
    const root = openRoot(join(directory, 'data.mdb'), durability);
    return createStore(root, { ...options, durability }, () => {
      writeMarker(markerPath, { format, durability, clean: true, bootId: bootId() });
      unlock();
    });
  } catch (error) {
    unlock();
    throw new Error(`cannot open the store in ${directory}: ${(error as Error).message}`, { cause: error });
  }
}

function openRoot(path: string, durability: Durability): RootDatabase {
  return open({
    path,
    maxDbs: maxTables,
    pageSize: pageBytes,
    ...(durability === 'process' ? { noSync: true, overlappingSync: false } : { overlappingSync: true }),
  });
}

function createStore(
  root: RootDatabase,
  options: EmbeddedStoreOptions & { durability: Durability },
  onClosed: () => void,
): EmbeddedStore {
  const { clock, directory, durability } = options;
  const commitListeners: (() => void)[] = [];
  const closeListeners: (() => void)[] = [];
  const flusher = durability === 'process' ? startFlusher(options) : null;
  const commits = createGroupCommit(root, directory, durability, () => {
    flusher?.dirty();
    for (const listener of commitListeners) listener();
  });
  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    await commits.close();
    await flusher?.stop();
    await root.flushed;
    await root.close();
    onClosed();
  };
  return {
    clock,
    directory,
    table: (name) => root.openDB<Buffer, Buffer>({ name, keyEncoding: 'binary', encoding: 'binary' }),
    write: commits.write,
    onCommit: (listener) => void commitListeners.push(listener),
    onClose: (listener) => void closeListeners.push(listener),
    close() {
      if (!closing) {
        for (const listener of closeListeners) listener();
        closing = close();
      }
      return closing;
    },
  };
}

/** Brings the page cache to disk from time to time, off the event loop. */
function startFlusher(options: EmbeddedStoreOptions): { dirty(): void; stop(): Promise<void> } {
  const { clock } = options;
  const intervalMs = options.flushIntervalMs ?? defaultFlushIntervalMs;
  const file = openSync(join(options.directory, 'data.mdb'), 'r+');
  let isDirty = false;
  let cancelTimer: (() => void) | null = null;
  let flushing: Promise<void> | null = null;
  let stopped = false;

  const flush = (): Promise<void> => {
    isDirty = false;
    flushing ??= new Promise<void>((resolve) => {
      // An error here concerns only what a crash of the machine would lose, which is not promised.
      fdatasync(file, () => resolve());
    }).then(() => {
      flushing = null;
      if (isDirty) schedule();
    });
    return flushing;
  };
  const schedule = (): void => {
    if (cancelTimer || flushing || stopped) return;
    cancelTimer = clock.setTimer(intervalMs, () => {
      cancelTimer = null;
      void flush();
    });
  };
  return {
    dirty() {
      isDirty = true;
      schedule();
    },
    async stop() {
      stopped = true;
      cancelTimer?.();
      await flushing;
      await flush();
      closeSync(file);
    },
  };
}

function readMarker(path: string): Marker | null {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as Marker;
  } catch {
    return null;
  }
}

function writeMarker(path: string, marker: Marker): void {
  const draft = `${path}.draft`;
  writeFileSync(draft, JSON.stringify(marker));
  renameSync(draft, path);
}

function refuseUnsafe(directory: string, marker: Marker | null): void {
  if (!marker) return;
  if (marker.format !== format) throw new Error(`its format is ${marker.format}; this version reads ${format}`);
  const machineCrashed = marker.bootId !== null && bootId() !== null && marker.bootId !== bootId();
  if (!marker.clean && marker.durability === 'process' && machineCrashed) {
    throw new Error(
      `the machine went down while it was open with durability 'process', so it may be damaged. Remove or restore ${directory}; durability 'disk' survives this`,
    );
  }
}
