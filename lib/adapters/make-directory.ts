/** Making a directory and those above it. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Each by itself: the recursive mkdir of Node 20 never returns where the system refuses to make a directory below one that
 * exists (as in /proc). Throws the system's error.
 */
export function makeDirectory(directory: string): void {
  const found = statSync(directory, { throwIfNoEntry: false });
  if (found?.isDirectory()) return;
  const parent = dirname(directory);
  // What lies above may be a file: whether `statSync` or `mkdirSync` says so depends on the version of Node.
  if (!found && parent !== directory && !statSync(parent, { throwIfNoEntry: false })) makeDirectory(parent);
  try {
    mkdirSync(directory);
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}
