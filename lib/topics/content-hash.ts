/**
 * Tells a request that comes again from another one that has taken its id. The hash is salted with the id, so equal
 * prompts of different requests do not look equal, and cut to 64 bits: enough to tell two contents of one id apart.
 * Somebody who holds the log can still try out guesses of a short prompt, as they can with the sketch beside it.
 */
import { createHash, type Hash } from 'node:crypto';
import type { RouteRequested } from './generated/messages';
import { schemaVersions } from './generated/schemas';

/** How the request travels is no part of what it asks. */
const notContent = new Set(['requestId', 'replyTo', 'requestedAtMs']);

const contentFields = (schemaVersions['RouteRequested']!.at(-1)!.schema as { fields: { name: string }[] }).fields
  .map((field) => field.name as keyof RouteRequested)
  .filter((name) => !notContent.has(name));

/** 16 hexadecimal digits. The same for a field left out and for its default; deterministic over processes and restarts. */
export function contentHashOf(request: RouteRequested): string {
  const hash = createHash('sha256');
  add(hash, request.requestId);
  for (const field of contentFields) {
    const value = request[field];
    // A field that a later schema adds is not there in older requests: it counts where it says something.
    if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    add(hash, field);
    add(hash, Buffer.isBuffer(value) ? value : typeof value === 'string' ? value : canonical(value));
  }
  return hash.digest('hex').slice(0, 16);
}

/** Its length goes before each part, so that no two lists of parts run together the same way. */
function add(hash: Hash, part: string | Buffer): void {
  hash.update(`${Buffer.byteLength(part)}|`).update(part);
}

/** JSON with sorted keys: records keep the order of whoever made them. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
