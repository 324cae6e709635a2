/**
 * Room in the data file ahead of every transaction. lmdb (3.5.6) does not survive a full disk: where a page cannot be
 * written it writes past the end of its own error message, or rejects a promise that nobody can await, and the process
 * ends. So the room that a transaction may need is written with zeros beforehand: a full disk then refuses the works
 * before they are applied, and they can be tried again when there is room. This holds where overwriting a file takes no
 * room (ext4, xfs, tmpfs), not on file systems that copy on write (btrfs, zfs).
 */
import { closeSync, existsSync, fstatSync, openSync, statfsSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { TransientError } from '../../ports/broker';
import type { WorkSize } from './group-commit';
import { reasonOfSystemError, StoreUnusableError } from './store-damage';
import { pageBytes } from './store-table';

export interface StoreSpace {
  /** Makes room for a transaction. Throws a TransientError when the disk has none. */
  reserve(size: WorkSize): void;
  close(): void;
}

// Pages that one entry may take besides those for its bytes: its leaf or what its own pages leave empty, and a share of splits.
const pagesPerEntry = 2;
// The upper levels of every table, written by every transaction.
const baseBytes = 512 * 1_024;
// The list of free pages may be written anew: eight bytes for each page of the file.
const freeListShare = 1 / 256;
const minStepBytes = 1_048_576;
const maxStepBytes = 8 * 1_048_576;
const chunk = Buffer.alloc(1_048_576);

/** What must be free on the disk before a store is opened: lmdb maps its lock file and writes its first pages at once. */
const leastFreeBytes = 4 * 1_048_576;
const lockFileBytes = 16_384;

/** Before lmdb opens the file. Throws StoreUnusableError. */
export function requireSpaceToOpen(directory: string, dataFile: string): void {
  if (freeBytesOf(directory) < leastFreeBytes) {
    throw new StoreUnusableError(directory, `the disk is full (less than ${leastFreeBytes / 1_048_576} MB are free)`);
  }
  // lmdb makes this file as a hole and maps it: on a full disk that is a SIGBUS.
  const lockFile = `${dataFile}-lock`;
  if (!existsSync(lockFile) || statSync(lockFile).size < lockFileBytes)
    writeFileSync(lockFile, Buffer.alloc(lockFileBytes));
}

/** Free room on the disk of a directory, for this user. */
export function freeBytesOf(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

/** `usedBytes` tells how far lmdb has come in the file; asked only when what was reserved may be used up. */
export function openStoreSpace(directory: string, dataFile: string, usedBytes: () => number): StoreSpace {
  const file = openSync(dataFile, 'r+');
  let fileBytes = fstatSync(file).size;
  let room = 0;
  /** Zeros after the end of the file, so far as the disk has room. */
  const extendTo = (end: number): void => {
    while (fileBytes < end) fileBytes += writeSync(file, chunk, 0, Math.min(chunk.length, end - fileBytes), fileBytes);
  };
  return {
    reserve(size) {
      const needed =
        baseBytes + size.bytes * 1.25 + size.entries * pagesPerEntry * pageBytes + fileBytes * freeListShare;
      if (needed > room) {
        const used = usedBytes();
        fileBytes = Math.max(fileBytes, fstatSync(file).size);
        if (fileBytes - used < needed) {
          const step = Math.min(maxStepBytes, Math.max(minStepBytes, fileBytes / 8));
          try {
            extendTo(Math.ceil(used + needed));
            extendTo(Math.ceil(used + Math.max(needed, step)));
          } catch (cause) {
            if (fileBytes - used < needed) throw noRoom(directory, cause);
          }
        }
        room = fileBytes - used;
      }
      room -= needed;
    },
    close: () => closeSync(file),
  };
}

function noRoom(directory: string, cause: unknown): Error {
  const reason = reasonOfSystemError(cause);
  if (reason === null) return cause as Error;
  return new TransientError(
    `the store in ${directory} cannot take this now: ${reason}. Nothing of it was written; it goes on when there is room`,
    { cause },
  );
}
