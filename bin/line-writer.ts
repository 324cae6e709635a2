/** Files of JSON lines that commands write besides their result. */
import { closeSync, openSync, writeSync } from 'node:fs';
import { resolve } from 'node:path';
import { CliError, type Io } from './io';
import { reasonOf } from './read-options';

export interface LineWriter {
  write(line: object): void;
  close(): void;
}

/** Opened at once, so that a wrong path shows before the work; without a file nothing is written. */
export function lineWriter(io: Io, file: string | undefined): LineWriter {
  if (file === undefined) return { write: () => {}, close: () => {} };
  let descriptor: number;
  try {
    descriptor = openSync(resolve(io.workingDirectory, file), 'w');
  } catch (error) {
    throw new CliError(`cannot write ${file}: ${reasonOf(error)}`);
  }
  return {
    write: (line) => void writeSync(descriptor, `${JSON.stringify(line)}\n`),
    close: () => closeSync(descriptor),
  };
}
