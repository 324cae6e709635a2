/**
 * Tells a request that comes again from another one that has taken its id. The hash is salted with the id, so equal
 * prompts of different requests do not look equal, and cut to 64 bits: enough to tell two contents of one id apart.
 * Somebody who holds the log can still try out guesses of a short prompt, as they can with the sketch beside it.
 */
import { hashId } from '../hash-id';
import type { RouteRequested } from './generated/messages';
import { schemaVersions } from './generated/schemas';

/** How the request travels is no part of what it asks. */
const notContent = new Set(['requestId', 'replyTo', 'requestedAtMs']);

const contentFields = (schemaVersions['RouteRequested']!.at(-1)!.schema as { fields: { name: string }[] }).fields
  .map((field) => field.name as keyof RouteRequested)
  .filter((name) => !notContent.has(name));

/** 16 hexadecimal digits. The same for a field left out and for its default; deterministic over processes and restarts. */
export function contentHashOf(request: RouteRequested): string {
  let content = part(request.requestId);
  for (const field of contentFields) {
    const value = request[field];
    // A field that a later schema adds is not there in older requests: it counts where it says something.
    if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    content += part(field);
    if (Buffer.isBuffer(value)) content += part(value.toString('base64'));
    else if (typeof value === 'string') content += part(value);
    else if (field === 'messages') {
      // Their number, too: a role may be named like the field that follows.
      content += part(String(request.messages.length));
      for (const message of request.messages) content += part(message.role) + part(message.content);
    } else content += part(canonicalText(value));
  }
  return hashId(content);
}

/** Its length goes before each part, so that no two lists of parts run together the same way. */
function part(text: string): string {
  return `${text.length}|${text}`;
}

/** As JSON, with objects as lists of their entries by key: records keep the order of whoever made them. */
function canonicalText(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalText).join(',')}]`;
  let text = '';
  for (const key of Object.keys(value).sort())
    text += `${text === '' ? '' : ','}[${JSON.stringify(key)},${canonicalText((value as Record<string, unknown>)[key])}]`;
  return `[${text}]`;
}
