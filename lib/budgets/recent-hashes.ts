/**
 * The newest of many ids in little room: twelve bytes of a SHA-256 each, in one buffer that a row can hold. Callers choose ids, and
 * two of one hash, of which the second would count as known, must be out of anybody's reach: of six bytes they are not.
 */
import { hash } from 'node:crypto';

const idBytes = 12;

export const noHashes: Buffer = Buffer.alloc(0);

export function isAmong(hashes: Buffer, id: string): boolean {
  const wanted = hashOf(id);
  for (let at = hashes.indexOf(wanted); at >= 0; at = hashes.indexOf(wanted, at + 1)) {
    if (at % idBytes === 0) return true;
  }
  return false;
}

/** With the id as the newest; beyond `most` the oldest go. */
export function withHash(hashes: Buffer, id: string, most: number): Buffer {
  const all = Buffer.concat([hashes, hashOf(id)]);
  return all.subarray(Math.max(0, all.length - most * idBytes));
}

function hashOf(id: string): Buffer {
  return hash('sha256', id, 'buffer').subarray(0, idBytes);
}
