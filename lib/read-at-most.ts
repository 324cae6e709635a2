/** Reads what comes over the network, from somebody who may send without end. */

/** All of `body`; null where it has more than `maxBytes`, of which no more is read: its connection is ended. Rejects as reading it does. */
export async function readAtMost(body: AsyncIterable<Uint8Array>, maxBytes: number): Promise<Buffer | null> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > maxBytes) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
