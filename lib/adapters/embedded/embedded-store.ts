/**
 * The one lmdb file behind the embedded broker and key-value store: opening, the lock, named tables, writing (see
 * group-commit.ts) and flushing. After a crash of the machine only a store of durability `disk` is certain to be whole.
 */
import { closeSync, existsSync, fdatasync, openSync, statSync } from 'node:fs';
import type { RootDatabase } from 'lmdb';
import { type Clock, sleep } from '../../ports/clock';
import { checkStoreFile } from './check-store';
import { migrateStore } from './copy-store';
import { lockDirectory } from './directory-lock';
import { createGroupCommit, type Durability, type StoreWork } from './group-commit';
import { fileUseOf, maxTables, openRoot, openTable } from './lmdb-root';
import { fileGone, StoreDamagedError } from './store-damage';
import {
  dataFileOf,
  makeStoreDirectory,
  readMarker,
  refuseUnsafe,
  stateOf,
  unusable,
  writeMarker,
} from './store-directory';
import { nameOfKey } from './store-reader';
import { keepSpaceToOpen, openStoreSpace, requireSpaceToOpen } from './store-space';
import { pageBytes, type StoreTable } from './store-table';
import { currentFormat, firstFormat, type TableName } from './store-tables';

export type { Durability } from './group-commit';

export interface EmbeddedStoreOptions {
  /** Made when absent. */
  readonly directory: string;
  readonly clock: Clock;
  /** What an acknowledged write survives: a kill of the process (default), or a power failure too. */
  readonly durability?: Durability;
  /** How often `process` flushes to disk in the background; default 1,000. */
  readonly flushIntervalMs?: number;
  /** Told what an operator should know: a file taken over from an earlier version, no lock of the kernel. */
  readonly onNote?: (note: string) => void;
  /** Called once, when the store has failed: nothing is written any more, and the process should end with this reason. */
  readonly onFailed?: (error: Error) => void;
}

export interface EmbeddedStore {
  readonly clock: Clock;
  readonly directory: string;
  /** A named table. `describeKey` names an entry for people, in errors about damage. */
  table(name: TableName, describeKey?: (key: Buffer) => string): StoreTable;
  /** Resolves when the work is durable; rejects with its refusal. Works are applied in the order of the calls. */
  write(work: StoreWork): Promise<void>;
  /** Bytes of the pages that hold something; the file may be larger by pages that are free and will be used again. */
  liveBytes(): number;
  /** Called inside each transaction, when its works have been applied. */
  onCommitting(listener: () => void): void;
  /** Called once after each commit that applied something. */
  onCommit(listener: () => void): void;
  /** Runs before the store closes: writes can still be made. */
  onClose(listener: () => void): void;
  /** Writes what is queued, flushes, releases the lock. Idempotent. */
  close(): Promise<void>;
}

const defaultFlushIntervalMs = 1_000;
/** How often a full disk is looked at again. */
const roomIntervalMs = 1_000;
/** How often, while something is written, it is asked whether the open file is still the one in the directory. */
const lookAtFileEveryMs = 1_000;

/**
 * Opens (or makes) the store. Throws DirectoryLockedError while another process has it open, StoreUnusableError where
 * nothing can be written, StoreDamagedError where the file is not what was written.
 */
export function openEmbeddedStore(options: EmbeddedStoreOptions): EmbeddedStore {
  const { directory, onNote } = options;
  const durability = options.durability ?? 'process';
  makeStoreDirectory(directory);
  let unlock = (): void => {};
  try {
    unlock = lockDirectory(directory, { ...(onNote && { onNote }) });
    const dataFile = dataFileOf(directory);
    prepareDataFile(directory, dataFile, onNote ?? (() => {}));
    requireSpaceToOpen(directory, dataFile);
    writeMarker(directory, { durability, clean: false, hasData: existsSync(dataFile) });
    const root = openRoot(dataFile, durability);
    writeMarker(directory, { durability, clean: false, hasData: true });
    keepSpaceToOpen(directory);
    return createStore(root, { ...options, durability }, (hasFailed) => {
      try {
        // The file may be another's by now, and ours is not known to be whole.
        const left = hasFailed ? null : stateOf(dataFile);
        if (left !== null) writeMarker(directory, { durability, clean: true, hasData: true, left });
      } catch {
        // On a full disk the store is left as a killed process leaves it, which loses nothing.
      }
      unlock();
    });
  } catch (error) {
    unlock();
    throw unusable(directory, error);
  }
}

/** Sees to it that the file, when there is one, is whole and of this version's format. */
function prepareDataFile(directory: string, dataFile: string, onNote: (note: string) => void): void {
  const marker = readMarker(directory);
  refuseUnsafe(directory, marker);
  if (!existsSync(dataFile)) {
    if (marker?.hasData || marker?.clean) throw fileGone(directory);
    return;
  }
  const isAsLeft = marker?.clean === true && marker.left !== undefined && marker.left === stateOf(dataFile);
  const { problems, problemCount, format } = checkStoreFile(dataFile, isAsLeft ? 'asLeft' : 'whenOpened');
  const [first] = problems;
  if (first) {
    const more = problemCount > 1 ? ` (and ${problemCount - 1} more)` : '';
    throw new StoreDamagedError(directory, first.part, first.reason + more);
  }
  if (format === firstFormat) {
    onNote(`the store in ${directory} is of format ${firstFormat}: copying it to format ${currentFormat}`);
    const { entries } = migrateStore(directory);
    onNote(`the store in ${directory} has been copied (${entries} entries)`);
  }
}

function createStore(
  root: RootDatabase,
  options: EmbeddedStoreOptions & { durability: Durability },
  onClosed: (hasFailed: boolean) => void,
): EmbeddedStore {
  const { clock, directory, durability } = options;
  const committingListeners: (() => void)[] = [];
  const commitListeners: (() => void)[] = [];
  const closeListeners: (() => void)[] = [];
  const opened: StoreTable[] = [];
  const flusher = durability === 'process' ? startFlusher(options) : null;
  const liveBytes = (): number => opened.reduce((sum, table) => sum + table.pages(), 0) * pageBytes;
  const space = openStoreSpace(directory, dataFileOf(directory), {
    usedBytes: () => fileUseOf(root).usedBytes,
    freeBytes() {
      const { usedBytes, ownBytes } = fileUseOf(root);
      return usedBytes - ownBytes - liveBytes();
    },
  });
  // Opening a table that is not there yet writes. On a full disk a store that has its tables opens, to delete at least.
  space.reserve({ entries: maxTables, bytes: 0 }, true);
  let askToClose = (): void => {};
  const closeAsked = new Promise<void>((resolve) => {
    askToClose = resolve;
  });
  let hasFailed = false;
  const commits = createGroupCommit(root, {
    directory,
    durability,
    reasonToFail: watchFile(dataFileOf(directory), clock),
    onFailed(error) {
      hasFailed = true;
      options.onFailed?.(error);
    },
    reserve: space.reserve,
    pause: () => Promise.race([sleep(clock, roomIntervalMs), closeAsked]),
    onNote: options.onNote ?? (() => {}),
    onCommitting() {
      for (const listener of committingListeners) listener();
    },
    onCommitted() {
      flusher?.dirty();
      for (const listener of commitListeners) listener();
    },
  });
  let closing: Promise<void> | null = null;
  const close = async (): Promise<void> => {
    askToClose();
    await commits.close();
    await flusher?.stop();
    await root.flushed;
    await root.close();
    space.close();
    onClosed(hasFailed);
  };
  return {
    clock,
    directory,
    table(name, describeKey = (key) => nameOfKey(name, key, new Map())) {
      const table = openTable(root, name, (key, reason) => {
        const part = key === null ? `table ${name}` : describeKey(key);
        return new StoreDamagedError(directory, part, reason);
      });
      opened.push(table);
      return table;
    },
    write: commits.write,
    liveBytes,
    onCommitting: (listener) => void committingListeners.push(listener),
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

/**
 * Why nothing that is written would be found again: somebody has removed or replaced the file, of which this process still
 * holds the one that was there. Asked before every commit, it looks once in a while.
 */
function watchFile(dataFile: string, clock: Clock): () => string | null {
  const identity = (): string | null => {
    const found = statSync(dataFile, { throwIfNoEntry: false, bigint: true });
    return found ? `${found.dev}/${found.ino}` : null;
  };
  const opened = identity();
  let lookedAtMs = clock.monotonicMs();
  return () => {
    const nowMs = clock.monotonicMs();
    if (nowMs - lookedAtMs < lookAtFileEveryMs) return null;
    lookedAtMs = nowMs;
    const found = identity();
    if (found === opened) return null;
    return `${dataFile} was ${found === null ? 'removed' : 'replaced'} while it is open`;
  };
}

/** Brings the page cache to disk from time to time, off the event loop. */
function startFlusher(options: EmbeddedStoreOptions): { dirty(): void; stop(): Promise<void> } {
  const { clock } = options;
  const intervalMs = options.flushIntervalMs ?? defaultFlushIntervalMs;
  const file = openSync(dataFileOf(options.directory), 'r+');
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
