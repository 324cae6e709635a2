/** Lines of a stream as people and other systems write them: with or without a byte order mark, a line break at the end, CR before LF. */

/** A line, or why it is none. */
export type Line = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly message: string };

/** No request is longer; a file without line breaks must not be held in memory as a whole. */
const maxLineBytes = 4_194_304;
const lineFeed = 0x0a;

export async function* readLines(chunks: AsyncIterable<string | Buffer>): AsyncGenerator<Line> {
  // Bytes, since a character may be cut between two chunks.
  let parts: Buffer[] = [];
  let length = 0;
  let isFirst = true;

  const finish = (): Line => {
    const bytes = Buffer.concat(parts);
    const isTooLong = length > maxLineBytes;
    const line: Line = isTooLong
      ? { ok: false, message: `the line is longer than ${maxLineBytes} bytes` }
      : lineOf(bytes, isFirst);
    parts = [];
    length = 0;
    isFirst = false;
    return line;
  };
  const take = (piece: Buffer): void => {
    length += piece.length;
    if (length <= maxLineBytes) parts.push(piece);
    else parts = [];
  };

  for await (const chunk of chunks) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    let from = 0;
    for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, from)) {
      take(bytes.subarray(from, at));
      yield finish();
      from = at + 1;
    }
    if (from < bytes.length) take(bytes.subarray(from));
  }
  if (length > 0) yield finish();
}

function lineOf(bytes: Buffer, isFirst: boolean): Line {
  try {
    // Only the first line may have a byte order mark; the decoder would take one off every line.
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: !isFirst }).decode(bytes);
    return { ok: true, text: text.endsWith('\r') ? text.slice(0, -1) : text };
  } catch {
    return { ok: false, message: 'the line is not UTF-8 text' };
  }
}
