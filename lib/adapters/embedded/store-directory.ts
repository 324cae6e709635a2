/** The directory of a store: making it, its files, and the marker that says how the store was left. */
import { readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeDirectory } from '../make-directory';
import { bootId } from './directory-lock';
import type { Durability } from './group-commit';
import { reasonOfSystemError, StoreUnusableError } from './store-damage';
import { currentFormat, readableFormats } from './store-tables';

export interface StoreMarker {
  readonly format: number;
  readonly durability: Durability;
  /** Closed in order; else the process died, or is at work. */
  readonly clean: boolean;
  readonly bootId: string | null;
  /** Whether `data.mdb` has been made; absent in markers of earlier versions. */
  readonly hasData?: boolean;
  /** `stateOf` the data file when it was closed in order. */
  readonly left?: string;
}

/** By which a file that nobody has touched since is known; null where there is none. */
export function stateOf(dataFile: string): string | null {
  const found = statSync(dataFile, { throwIfNoEntry: false, bigint: true });
  return found ? [found.dev, found.ino, found.size, found.mtimeNs].join('/') : null;
}

export function dataFileOf(directory: string): string {
  return join(directory, 'data.mdb');
}

function markerFileOf(directory: string): string {
  return join(directory, 'store.json');
}

/** Makes the directory and those above it. Throws StoreUnusableError. */
export function makeStoreDirectory(directory: string): void {
  try {
    makeDirectory(directory);
  } catch (error) {
    throw unusable(directory, error);
  }
}

/** The system's error as one about this directory; an error that is not the system's is returned as it is. */
export function unusable(directory: string, error: unknown): Error {
  if (error instanceof StoreUnusableError) return error;
  const reason = reasonOfSystemError(error);
  return reason === null ? (error as Error) : new StoreUnusableError(directory, reason, { cause: error });
}

export function readMarker(directory: string): StoreMarker | null {
  try {
    return JSON.parse(readFileSync(markerFileOf(directory), 'utf8')) as StoreMarker;
  } catch {
    return null;
  }
}

export function writeMarker(directory: string, marker: Omit<StoreMarker, 'format' | 'bootId'>): void {
  const draft = `${markerFileOf(directory)}.draft`;
  writeFileSync(draft, JSON.stringify({ format: currentFormat, ...marker, bootId: bootId() } satisfies StoreMarker));
  renameSync(draft, markerFileOf(directory));
}

/** Throws when the marker says that the store is of another version's making, or that its file may not be whole. */
export function refuseUnsafe(directory: string, marker: StoreMarker | null): void {
  if (!marker) return;
  if (!readableFormats.includes(marker.format)) {
    throw new Error(
      `the format of the store in ${directory} is ${marker.format}; this version reads ${readableFormats.join(', ')}`,
    );
  }
  if (wasCutOff(marker)) {
    throw new Error(
      `the machine went down while the store in ${directory} was open with durability 'process', so what was written last may be missing and the file may be damaged (durability 'disk' survives this). \`quantum-router store repair --data-dir ${directory}\` copies all that can be read into a new file, which can then be used`,
    );
  }
}

/** Whether the machine went down while nothing was certain to be on the disk. */
export function wasCutOff(marker: StoreMarker): boolean {
  const machineCrashed = marker.bootId !== null && bootId() !== null && marker.bootId !== bootId();
  return !marker.clean && marker.durability === 'process' && machineCrashed;
}
