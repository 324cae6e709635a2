/** What an id, a key or a name is, as a part of the schemas that bodies and configurations are checked by. */
import { z } from 'zod';
import { idFault, idPattern, labelFault, maxIdChars } from './identifiers';

/** An id, a key or a name. JSON Schema counts characters as the rule does: by code points. */
export const id = textOf(idFault).meta({ minLength: 1, maxLength: maxIdChars, pattern: idPattern });
/** A text of the caller's that may be empty. */
export const label = textOf(labelFault).meta({ maxLength: maxIdChars, pattern: idPattern });

/** What somebody says for people to read, which may have lines. */
export const remark = z
  .string()
  .max(1_000)
  .regex(/^(?:\r?\n|\t|[^\p{Cc}\p{Cs}])*$/u, {
    error: 'must have no control characters but line breaks and tabs, and no lone surrogates',
  });

function textOf(faultOf: (text: string) => string | null): z.ZodString {
  return z.string().check((context) => {
    const message = faultOf(context.value);
    if (message !== null) context.issues.push({ code: 'custom', message, input: context.value });
  });
}
