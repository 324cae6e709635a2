/**
 * Room in the data file ahead of every transaction. lmdb (3.5.6) does not survive a full disk: where a page cannot be
 * written it writes past the end of its own error message, or rejects a promise that nobody can await, and the process
 * ends. So the room that a transaction may need is written with zeros beforehand: a full disk then refuses the works
 * before they are applied, and they can be tried again when there is room. This holds where overwriting a file takes no
 * room (ext4, xfs, tmpfs), not on file systems that copy on write (btrfs, zfs).
 *
 * Deleting needs room as well, since lmdb writes a changed page to another place. So works that add leave a part of the
 * room alone. On a full disk works that free go on there, and the pages that they free take what is added then.
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { TransientError } from '../../ports/broker';
import type { WorkSize } from './group-commit';
import { reasonOfSystemError, StoreUnusableError } from './store-damage';
import { pageBytes } from './store-table';

export interface StoreSpace {
  /** Makes room for a transaction; `frees` lets it use what is kept for deleting. Throws a TransientError when the disk has none. */
  reserve(size: WorkSize, frees: boolean): void;
  close(): void;
}

/** How lmdb uses the file. */
export interface FileUse {
  /** Up to the end of the last page that lmdb has come to. */
  usedBytes(): number;
  /** Of pages among these that hold nothing now. */
  freeBytes(): number;
}

/** What one work that frees writes or removes at most. */
export const maxFreeingEntries = 96;

// Pages that one entry may take besides those for its bytes: its leaf, the one above, and the leaf that it is split into or
// merged with. The last one also stands for what its own pages leave empty.
const pagesPerEntry = 3;
// The upper levels of every table, written by every transaction.
const baseBytes = 512 * 1_024;
// The list of free pages may be written anew: eight bytes for each page of the file.
const freeListShare = 1 / 256;
/**
 * What one transaction may write into free pages on a full disk; a larger one waits until the disk has room. Services write up
 * to some megabytes at once, which a store of some hundred megabytes lets them do.
 */
const reusingOf = (fileBytes: number): WorkSize => ({
  entries: 64,
  bytes: Math.min(16 * 1_048_576, Math.max(2 * 1_048_576, fileBytes / 32)),
});
/** What is kept for works that free: three, since pages that one of them frees can be used by the next but one. */
const freeing: WorkSize = { entries: 3 * maxFreeingEntries, bytes: 0 };
/** Where free pages turned out not to fit, so many times of what the file grew by has to be free besides before the next try. */
const unfitFactor = 4;
const minStepBytes = 1_048_576;
const maxStepBytes = 8 * 1_048_576;
const chunk = Buffer.alloc(1_048_576);

/** What must be free on the disk before a store is opened: lmdb maps its lock file and writes its first pages at once. */
const leastFreeBytes = 4 * 1_048_576;
const lockFileBytes = 16_384;

/** A disk with less than this needs its room for the data. */
const plentyBytes = 16 * leastFreeBytes;

/** Holds the room that an opening needs, for a process that was killed and starts again on a disk that is full by then. */
const reserveFileOf = (directory: string): string => join(directory, 'reserve');

/** Before lmdb opens the file: gives the reserve up where it is needed. Throws StoreUnusableError. */
export function requireSpaceToOpen(directory: string, dataFile: string): void {
  if (freeBytesOf(directory) < leastFreeBytes) rmSync(reserveFileOf(directory), { force: true });
  if (freeBytesOf(directory) < leastFreeBytes) {
    throw new StoreUnusableError(
      directory,
      `the disk is full (less than ${leastFreeBytes / 1_048_576} MB are free)`,
      existsSync(dataFile) ? { wayOut: 'the data is whole: free that much and start again' } : {},
    );
  }
  // lmdb makes this file as a hole and maps it: on a full disk that is a SIGBUS.
  const lockFile = `${dataFile}-lock`;
  if (!existsSync(lockFile) || statSync(lockFile).size < lockFileBytes)
    writeFileSync(lockFile, Buffer.alloc(lockFileBytes));
}

/** Once the store is open: keeps the room for the next opening, where there is any to spare. */
export function keepSpaceToOpen(directory: string): void {
  const reserve = reserveFileOf(directory);
  if (existsSync(reserve) || freeBytesOf(directory) < plentyBytes) return;
  try {
    // Zeros in a hole would hold no room.
    writeFileSync(reserve, Buffer.alloc(leastFreeBytes));
  } catch {
    rmSync(reserve, { force: true });
  }
}

/** Free room on the disk of a directory, for this user. */
export function freeBytesOf(directory: string): number {
  const { bavail, bsize } = statfsSync(directory);
  return bavail * bsize;
}

/** `use` is asked only when what was reserved may be used up, about free pages only on a full disk. */
export function openStoreSpace(directory: string, dataFile: string, use: FileUse): StoreSpace {
  const file = openSync(dataFile, 'r+');
  let fileBytes = fstatSync(file).size;
  let room = 0;
  /** How far lmdb had come when the last transaction relied on free pages; null when it did not. */
  let reliedAt: number | null = null;
  let unfitBytes = 0;
  const neededFor = (size: WorkSize): number =>
    baseBytes + size.bytes * 1.25 + size.entries * pagesPerEntry * pageBytes + fileBytes * freeListShare;
  /** Zeros after the end of the file, so far as the disk has room. */
  const extendTo = (end: number): void => {
    while (fileBytes < end) fileBytes += writeSync(file, chunk, 0, Math.min(chunk.length, end - fileBytes), fileBytes);
  };
  /**
   * Whether free pages may take what is added. Should they not fit, since a large value needs pages that lie side by side, then the
   * file grows into the room that is kept: never into what deleting needs, and each time more has to be free before the next try.
   */
  const mayReuse = (needed: number, usedBytes: number): boolean => {
    if (reliedAt !== null) unfitBytes += unfitFactor * (usedBytes - reliedAt);
    reliedAt = null;
    const least = needed + neededFor(freeing);
    if (room < least || use.freeBytes() < least + unfitBytes) return false;
    reliedAt = usedBytes;
    return true;
  };
  return {
    reserve(size, frees) {
      const needed = neededFor(size);
      const kept = neededFor(freeing) + neededFor(reusingOf(fileBytes));
      if (needed + kept > room) {
        const usedBytes = use.usedBytes();
        fileBytes = Math.max(fileBytes, fstatSync(file).size);
        const wanted = usedBytes + kept + needed;
        let full: unknown = null;
        if (fileBytes < wanted) {
          const step = Math.min(maxStepBytes, Math.max(minStepBytes, fileBytes / 8));
          try {
            extendTo(Math.ceil(wanted));
            extendTo(Math.ceil(usedBytes + kept + Math.max(needed, step)));
          } catch (cause) {
            full = cause;
          }
        }
        room = fileBytes - usedBytes;
        if (room >= needed + kept) [reliedAt, unfitBytes] = [null, 0];
        else if (frees ? room < needed : !mayReuse(needed, usedBytes)) throw noRoom(directory, full);
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
