/** Reads what a person wrote (a file, or stdin as `-`) and says in a sentence why it cannot be read. */
import { closeSync, openSync, readSync } from 'node:fs';
import { resolve } from 'node:path';
import { CliError, type Io } from './io';
import { reasonOf } from './read-options';

/** More than any text that is read as a whole may have, and little enough to be held in memory. */
const maxTextBytes = 4_194_304;
const chunkBytes = 65_536;

/** The text of a file, or of stdin when `file` is `-`, without a byte order mark. Throws a CliError with the reason. */
export async function readText(io: Io, file: string): Promise<string> {
  const bytes = file === '-' ? await bytesOfStdin(io) : bytesOfFile(io, file);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new CliError(`${nameOf(file)} is not UTF-8 text: save it as UTF-8`);
  }
}

/** How a message calls the source of a text. */
export function nameOf(file: string): string {
  return file === '-' ? 'stdin' : file;
}

function tooLong(file: string): CliError {
  return new CliError(`${nameOf(file)} is longer than ${maxTextBytes} bytes: is it the right file?`);
}

/** Bounded, so that a device without an end is no trap. */
function bytesOfFile(io: Io, file: string): Buffer {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(resolve(io.workingDirectory, file), 'r');
    const chunks: Buffer[] = [];
    for (let length = 0; length <= maxTextBytes; ) {
      const chunk = Buffer.alloc(chunkBytes);
      const read = readSync(descriptor, chunk);
      if (read === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, read));
      length += read;
    }
  } catch (error) {
    throw new CliError(`cannot read ${file}: ${reasonOf(error)}`);
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
  throw tooLong(file);
}

async function bytesOfStdin(io: Io): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of io.stdin()) {
    const bytes = Buffer.from(chunk as string);
    chunks.push(bytes);
    length += bytes.length;
    if (length > maxTextBytes) throw tooLong('-');
  }
  return Buffer.concat(chunks);
}
