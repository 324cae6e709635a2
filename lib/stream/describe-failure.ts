/**
 * What may be said of an error that a record caused. Messages of errors quote what they failed at, and that may be a
 * prompt: a dead letter has the message without quotations, and the log only the kind of error and where it was thrown.
 */
import { InvalidRecordError } from '../avro/codec';

const maxMessageLength = 300;
const maxFrames = 4;
const quoted = /"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`(?:[^`\\]|\\.)*`/gs;

/** For a dead letter, which follows the access rules of the record itself: kind of error and message. */
export function reasonOf(error: unknown): string {
  if (error instanceof InvalidRecordError) return `a record that does not fit its schema, field ${error.field}`;
  if (!(error instanceof Error)) return `${typeof error} was thrown`;
  const message = error.message.slice(0, 4 * maxMessageLength).replace(quoted, '"…"');
  return `${error.name}: ${message.slice(0, maxMessageLength)}`;
}

/** For the log: no word of the message. */
export function placeOf(error: unknown): { readonly failure: string; readonly at: readonly string[] } {
  if (!(error instanceof Error)) return { failure: typeof error, at: [] };
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return { failure: error.name.slice(0, 100), at: frames.slice(0, maxFrames).map((line) => line.trim().slice(0, 200)) };
}
