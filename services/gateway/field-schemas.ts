/** The building blocks of the body schemas: what an id, a name and a number of a message may be, as rules and as documentation. */
import { z } from 'zod';
import { idFault, idPattern, labelFault, maxIdChars } from '../../lib/topics/identifiers';
import { rangeOf } from '../../lib/topics/number-ranges';

/** An id, a key or a name. JSON Schema counts characters as the rule does: by code points. */
export const id = textOf(idFault).meta({ minLength: 1, maxLength: maxIdChars, pattern: idPattern });
/** A text of the caller's that may be empty. */
export const label = textOf(labelFault).meta({ maxLength: maxIdChars, pattern: idPattern });

function textOf(faultOf: (text: string) => string | null): z.ZodString {
  return z.string().check((context) => {
    const message = faultOf(context.value);
    if (message !== null) context.issues.push({ code: 'custom', message, input: context.value });
  });
}

/** A number of a message, within the range its schema has or a narrower one. */
export function numberOf(message: string, path: string, narrower: { min?: number; max?: number } = {}): z.ZodNumber {
  const range = rangeOf(message, path);
  const min = Math.max(range.min, narrower.min ?? range.min);
  const max = Math.min(range.max, narrower.max ?? range.max);
  if (range.isInteger) return z.int().min(min).max(max);
  // Any double is finite here: the text of the body was searched for larger ones.
  const finite = min === range.min ? z.number() : z.number().min(min);
  return max === range.max ? finite : finite.max(max);
}
