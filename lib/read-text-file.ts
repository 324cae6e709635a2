/** Reads a file whose content somebody else is answerable for, so that none can make its reader wait or take its memory. */
import { type FileHandle, open, stat } from 'node:fs/promises';

const chunkBytes = 1_048_576;

/**
 * The text of a file, without a byte order mark. Rejects with the code ENOENT where there is none, and in words for people for a pipe
 * or a device (which may have no end, or never begin), for more than `maxBytes`, and for what is no UTF-8.
 */
export async function readTextFile(file: string, maxBytes: number): Promise<string> {
  if (!(await stat(file)).isFile()) throw new Error('it is no ordinary file');
  const handle = await open(file, 'r');
  try {
    const bytes = await readUpTo(handle, maxBytes);
    if (bytes === null) throw new Error(`it has more than ${maxBytes} bytes`);
    return textOf(bytes);
  } finally {
    await handle.close();
  }
}

/** Null for more: what a file says of its size need not be so. */
async function readUpTo(handle: FileHandle, maxBytes: number): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  for (let length = 0; length <= maxBytes; ) {
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(Math.min(chunkBytes, maxBytes + 1)));
    if (bytesRead === 0) return Buffer.concat(chunks);
    chunks.push(buffer.subarray(0, bytesRead));
    length += bytesRead;
  }
  return null;
}

function textOf(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Error('it is not UTF-8 text');
  }
}
