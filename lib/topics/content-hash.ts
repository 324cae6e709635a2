/**
 * Tells a request that comes again from another one that has taken its id. The hash is salted with the id, so equal
 * prompts of different requests do not look equal, and cut to 64 bits: enough to tell two contents of one id apart.
 * Somebody who holds the log can still try out guesses of a short prompt, as they can with the sketch beside it.
 */
import { createHash } from 'node:crypto';
import type { RouteRequested } from './generated/messages';
import { schemaVersions } from './generated/schemas';

/** How the request travels is no part of what it asks. */
const notContent = new Set(['requestId', 'replyTo', 'requestedAtMs']);

const contentFields = (schemaVersions['RouteRequested']!.at(-1)!.schema as { fields: { name: string }[] }).fields
  .map((field) => field.name as keyof RouteRequested)
  .filter((name) => !notContent.has(name));

/** 16 hexadecimal digits. The same for a field left out and for its default; deterministic over processes and restarts. */
export function contentHashOf(request: RouteRequested): string {
  const parts = [part(request.requestId)];
  for (const field of contentFields) {
    const value = request[field];
    // A field that a later schema adds is not there in older requests: it counts where it says something.
    if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    parts.push(part(field));
    if (Buffer.isBuffer(value)) parts.push(part(value.toString('base64')));
    else if (typeof value === 'string') parts.push(part(value));
    else if (field === 'messages') {
      // Their number, too: a role may be named like the field that follows.
      parts.push(part(String(request.messages.length)));
      for (const { role, content } of request.messages) parts.push(part(role), part(content));
    } else parts.push(part(JSON.stringify(sorted(value))));
  }
  return createHash('sha256').update(parts.join('')).digest('hex').slice(0, 16);
}

/** Its length goes before each part, so that no two lists of parts run together the same way. */
function part(text: string): string {
  return `${text.length}|${text}`;
}

/** Records keep the order of whoever made them, so their fields are sorted. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return entries.map(([key, inner]) => [key, sorted(inner)]);
}
