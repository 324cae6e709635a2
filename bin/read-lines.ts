/** Lines of a stream, without their ends. The last one needs no line break. */
import { StringDecoder } from 'node:string_decoder';

export async function* readLines(chunks: AsyncIterable<string | Buffer>): AsyncGenerator<string> {
  // A character may be cut between two chunks.
  const decoder = new StringDecoder('utf8');
  let rest = '';
  for await (const chunk of chunks) {
    const lines = (rest + (typeof chunk === 'string' ? chunk : decoder.write(chunk))).split('\n');
    rest = lines.pop()!;
    for (const line of lines) yield line;
  }
  if (rest !== '') yield rest;
}
