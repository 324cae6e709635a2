/** Reads what a person wrote (a file, or stdin as `-`) and says in a sentence why it cannot be read. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import { resolve } from 'node:path';
import { CliError, type Io } from './io';
import { reasonOf } from './read-options';

/** More than any text that is read as a whole may have, and little enough to be held in memory. */
const maxTextBytes = 4_194_304;
const chunkBytes = 65_536;

/** The text of a file, or of stdin when `file` is `-`, without a byte order mark. Throws a CliError with the reason. */
export async function readText(io: Io, file: string): Promise<string> {
  const bytes = file === '-' ? await bytesOf(file, io.stdin()) : await bytesOfFile(io, file);
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

/** Bounded, so that a device without an end is no trap; and of a pipe that nobody writes to, nothing is read instead of waiting for ever. */
async function bytesOfFile(io: Io, file: string): Promise<Buffer> {
  let descriptor: number | null = null;
  try {
    descriptor = openSync(resolve(io.workingDirectory, file), constants.O_RDONLY | constants.O_NONBLOCK);
    if (fstatSync(descriptor).isFIFO()) {
      const first = firstBytesOf(descriptor);
      if (first?.length === 0) return first;
      const pipe = new Socket({ fd: descriptor, readable: true, writable: false });
      descriptor = null;
      return Buffer.concat([first ?? Buffer.alloc(0), await bytesOf(file, pipe)]);
    }
    const chunks: Buffer[] = [];
    for (let length = 0; length <= maxTextBytes; ) {
      const chunk = Buffer.alloc(chunkBytes);
      const read = readSync(descriptor, chunk);
      if (read === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, read));
      length += read;
    }
  } catch (error) {
    throw error instanceof CliError ? error : new CliError(`cannot read ${file}: ${reasonOf(error)}`);
  } finally {
    if (descriptor !== null) closeSync(descriptor);
  }
  throw tooLong(file);
}

/** What is in a pipe now; null where its writer has written nothing yet, and nothing where nobody writes: a stream of it would wait for ever. */
function firstBytesOf(pipe: number): Buffer | null {
  const chunk = Buffer.alloc(chunkBytes);
  try {
    return chunk.subarray(0, readSync(pipe, chunk));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return null;
    throw error;
  }
}

async function bytesOf(file: string, stream: AsyncIterable<unknown>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk as string);
    chunks.push(bytes);
    length += bytes.length;
    if (length > maxTextBytes) throw tooLong(file);
  }
  return Buffer.concat(chunks);
}
