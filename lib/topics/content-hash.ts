/**
 * Tells a request that comes again from another one that has taken its id. The hash is salted with the id, so equal
 * prompts of different requests do not look equal, and cut to 64 bits: enough to tell two contents of one id apart.
 * Somebody who holds the log can still try out guesses of a short prompt, as they can with the sketch beside it.
 */
import { hashIdOfBytes } from '../hash-id';
import type { Limits, RouteRequested } from './generated/messages';
import { schemaVersions } from './generated/schemas';
import { noLimits } from './schema-defaults';

/** How the request travels is no part of what it asks. */
const notContent = new Set(['requestId', 'replyTo', 'requestedAtMs']);

const contentFields = (schemaVersions['RouteRequested']!.at(-1)!.schema as { fields: { name: string }[] }).fields
  .map((field) => field.name as keyof RouteRequested)
  .filter((name) => !notContent.has(name));

/** 16 hexadecimal digits. The same for a field left out and for its default; deterministic over processes and restarts. */
export function contentHashOf(request: RouteRequested): string {
  end = 0;
  addPart(request.requestId);
  for (const field of contentFields) {
    const value = request[field];
    // A field that a later schema adds is not there in older requests: it counts where it says something.
    if (value === null || value === undefined || (Array.isArray(value) && value.length === 0)) continue;
    addPart(field);
    if (Buffer.isBuffer(value)) addPart(value.toString('base64'));
    else if (typeof value === 'string') addPart(value);
    else if (field === 'messages') {
      // Their number, too: a role may be named like the field that follows.
      addPart(String(request.messages.length));
      for (const message of request.messages) {
        addPart(message.role);
        addPart(message.content);
      }
    } else if (field === 'limits' && limitsNothing(request.limits)) addPart(noLimitsText);
    else addPart(canonicalText(value));
  }
  const hashed = hashIdOfBytes(content.subarray(0, end));
  if (content.length > mostKeptBytes) content = Buffer.alloc(firstBytes);
  return hashed;
}

/** The content of the request in hand as UTF-8, reused: putting it together as a text makes two more copies of every prompt. */
const firstBytes = 16 * 1024;
const mostKeptBytes = 1024 * 1024;
let content = Buffer.alloc(firstBytes);
let end = 0;
/** UTF-8 takes three bytes a UTF-16 unit at most. */
const mostUnitBytes = 3;

/** Its length goes before each part, so that no two lists of parts run together the same way. */
function addPart(text: string): void {
  addText(String(text.length));
  addText('|');
  addText(text);
}

function addText(text: string): void {
  const needed = end + mostUnitBytes * text.length;
  if (needed > content.length) {
    const larger = Buffer.alloc(2 * needed);
    content.copy(larger, 0, 0, end);
    content = larger;
  }
  if (!addPlainText(text)) end += content.write(text, end);
}

/** Below this the call into native code costs more than a loop. */
const mostPlain = 64;

/** Adds a short text of ASCII alone; false when it is another one. */
function addPlainText(text: string): boolean {
  if (text.length > mostPlain) return false;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return false;
    content[end + i] = code;
  }
  end += text.length;
  return true;
}

const limitNames = Object.keys(noLimits) as readonly (keyof Limits)[];
const noLimitsText = canonicalText(noLimits);

/** As most requests. */
function limitsNothing(limits: Limits): boolean {
  for (const name of limitNames) {
    const limit = limits[name];
    if (Array.isArray(limit) ? limit.length > 0 : limit !== null) return false;
  }
  return true;
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
