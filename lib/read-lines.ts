/** Lines of a stream as people and other systems write them: with or without a byte order mark, a line break at the end, CR before LF. */

/** A line, or why it is none. */
export type Line = { readonly ok: true; readonly text: string } | { readonly ok: false; readonly message: string };

/** No request or recorded row is longer; a file without line breaks must not be held in memory as a whole, or read for ever in silence. */
const maxLineBytes = 4_194_304;
const lineFeed = 0x0a;

export async function* readLines(chunks: AsyncIterable<string | Buffer>): AsyncGenerator<Line> {
  // Bytes, since a character may be cut between two chunks.
  let parts: Buffer[] = [];
  let length = 0;
  let isFirst = true;

  /** Null where the line was too long and has been told of. */
  const finish = (): Line | null => {
    const line = length > maxLineBytes ? null : lineOf(Buffer.concat(parts), isFirst);
    parts = [];
    length = 0;
    isFirst = false;
    return line;
  };
  /** Says so at the piece that makes the line too long. */
  const take = (piece: Buffer): Line | null => {
    const wasTooLong = length > maxLineBytes;
    length += piece.length;
    if (length <= maxLineBytes) {
      parts.push(piece);
      return null;
    }
    parts = [];
    return wasTooLong ? null : { ok: false, message: `the line is longer than ${maxLineBytes} bytes` };
  };

  for await (const chunk of chunks) {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    let from = 0;
    for (let at = bytes.indexOf(lineFeed); at >= 0; at = bytes.indexOf(lineFeed, from)) {
      const tooLong = take(bytes.subarray(from, at));
      const line = finish() ?? tooLong;
      if (line) yield line;
      from = at + 1;
    }
    const tooLong = from < bytes.length ? take(bytes.subarray(from)) : null;
    if (tooLong) yield tooLong;
  }
  const last = length > 0 ? finish() : null;
  if (last) yield last;
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
