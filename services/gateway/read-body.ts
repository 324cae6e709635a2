/** From the bytes of a request to a checked value, or to an error that names the field. */
import type { z } from 'zod';
import { checkValue } from '../../lib/config/describe-issues';
import { HttpError, invalidFields } from './http-error';
import { locateJsonFault } from './malformed-json';

/** Parses JSON; on failure says where it stops being JSON and in which field. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    if (text.trim() === '') throw new HttpError('malformed_json', 'the body is empty; send a JSON object', '');
    const fault = locateJsonFault(text);
    const where = `line ${fault.line}, column ${fault.column}${fault.field === '' ? '' : ` (${fault.field})`}`;
    throw new HttpError('malformed_json', `not JSON at ${where}: ${fault.message}`, fault.field);
  }
}

export function readBody<T>(schema: z.ZodType<T>, body: unknown): T {
  const checked = checkValue(schema, body);
  if (checked.ok) return checked.value;
  throw invalidFields(checked.issues);
}
