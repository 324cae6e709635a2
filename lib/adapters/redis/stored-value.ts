/** How a value lies in Redis: a tag byte says whether the value follows or the manifest of one that is kept in chunks. */

/** Names the chunks of one put: no two puts share an id, so chunks of two values cannot be mixed. */
export interface Manifest {
  /** Without spaces. */
  readonly id: string;
  readonly count: number;
  readonly byteLength: number;
}

const valueTag = Buffer.from([0]);
const manifestTag = Buffer.from([1]);

export function storedValue(value: Buffer): Buffer {
  return Buffer.concat([valueTag, value]);
}

export function storedManifest({ id, count, byteLength }: Manifest): Buffer {
  return Buffer.concat([manifestTag, Buffer.from(`${id} ${count} ${byteLength}`)]);
}

/** null where there is nothing, or nothing that was written by this adapter. */
export function readStored(stored: Buffer | null): Buffer | Manifest | null {
  if (!stored || stored.length === 0) return null;
  const rest = stored.subarray(1);
  if (stored[0] === valueTag[0]) return rest;
  const match = stored[0] === manifestTag[0] ? /^(\S+) (\d+) (\d+)$/.exec(rest.toString('latin1')) : null;
  return match && { id: match[1]!, count: Number(match[2]), byteLength: Number(match[3]) };
}
