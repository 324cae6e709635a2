/** What is said of a store that cannot be used: which part is hit, and what to do. One sentence each, for people. */

/** Something in the store is not as it was written. */
export class StoreDamagedError extends Error {
  constructor(
    readonly directory: string,
    /** What is hit: "page 12 of table log", "record 7 of route.decided/2". */
    readonly part: string,
    reason: string,
    wayOut = `\`quantum-router store check --data-dir ${directory}\` lists all that is hit, \`quantum-router store repair --data-dir ${directory}\` copies what can be read into a new file and keeps the old one`,
  ) {
    super(`the store in ${directory} is damaged: ${part}: ${reason}. ${wayOut}`);
    this.name = 'StoreDamagedError';
  }
}

/** The file is not there any more: there is nothing to be checked or repaired. */
export function fileGone(directory: string): StoreDamagedError {
  const wayOut = `Put it back from a copy, or remove ${directory} to begin anew`;
  return new StoreDamagedError(directory, 'data.mdb', 'the file is gone', wayOut);
}

/** Nothing is written any more, since what is in memory may be ahead of what is stored, or what is written would be lost. */
export class StoreFailedError extends Error {
  constructor(
    readonly directory: string,
    reason: string,
    options?: ErrorOptions,
  ) {
    super(
      `the store in ${directory} failed and takes no more writes: ${reason}. \`quantum-router store check --data-dir ${directory}\` says whether what is there is whole`,
      options,
    );
    this.name = 'StoreFailedError';
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'it is on a file system that can only be read',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the quota of this user is used up',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'it is a file',
  EISDIR: 'a directory is in the place of one of its files',
  ENOENT: 'it cannot be made there',
  ENAMETOOLONG: 'the path is too long',
  ELOOP: 'the path is a loop of symbolic links',
  EMFILE: 'this process has too many files open',
  EFBIG: 'no file may grow so large here (ulimit -f, or the file system)',
  EIO: 'the disk reports an error',
};

/** The directory cannot hold a store that is written to. `wayOut` says what to do; another directory holds other data. */
export class StoreUnusableError extends Error {
  constructor(
    readonly directory: string,
    reason: string,
    { wayOut = 'name another directory with --data-dir', ...options }: ErrorOptions & { readonly wayOut?: string } = {},
  ) {
    super(`cannot keep a store in ${directory}: ${reason}; ${wayOut}`, options);
    this.name = 'StoreUnusableError';
  }
}

/** What the system's code means for a store; null when the error has none that is known. */
export function reasonOfSystemError(error: unknown): string | null {
  const { code } = error as NodeJS.ErrnoException;
  return (typeof code === 'string' && Object.hasOwn(reasons, code) && reasons[code]) || null;
}
