/** The newest of many ids in little room: six bytes of a hash each, in one buffer that a row can hold. */
import { hashId } from '../hash-id';

const idBytes = 6;

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

/** Of ids that are kept as `hashId` has them. */
export function fromHashIds(ids: readonly string[]): Buffer {
  return Buffer.concat(ids.map((id) => Buffer.from(id.slice(0, 2 * idBytes), 'hex')));
}

function hashOf(id: string): Buffer {
  return fromHashIds([hashId(id)]);
}
