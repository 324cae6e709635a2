/** The building blocks of the body schemas: what an id, a name and a number of a message may be, as rules and as documentation. */
import { z } from 'zod';
import { rangeOf } from '../../../lib/topics/number-ranges';

export { id, label } from '../../../lib/topics/identifier-schemas';

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
