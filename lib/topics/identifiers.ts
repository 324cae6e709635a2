/**
 * What an id, a key or a name from outside may be. Ids are compared, hashed and used as keys, so two that differ must stay
 * different on the way: a lone surrogate turns into U+FFFD in UTF-8, and control characters do not survive every log,
 * header and terminal. The HTTP door and intake ask the same function.
 */

/** Unicode characters (code points), of which each takes up to four bytes. */
export const maxIdChars = 200;

/** The rule as a JSON Schema writes it (regular expressions of JSON Schema are Unicode ones). */
export const idPattern = '^[^\\p{Cc}\\p{Cs}]*$';

const forbidden = /[\p{Cc}\p{Cs}]/u;

/** What is wrong with an id or a name, for people; null when nothing is. Never echoes it. */
export function idFault(value: string): string | null {
  return value === '' ? 'must not be empty' : labelFault(value);
}

/** The same for a text that may be empty. */
export function labelFault(value: string): string | null {
  if (codePointsOf(value) > maxIdChars) return `must be at most ${maxIdChars} characters long`;
  const found = forbidden.exec(value);
  if (!found) return null;
  const code = found[0].codePointAt(0)!;
  const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`;
  return code >= 0xd800
    ? `has a lone surrogate (${name} at ${found.index}), which UTF-8 cannot carry`
    : `has a control character (${name} at ${found.index})`;
}

/** Characters of a text as they count for `maxIdChars`; of a much longer one its units, which are more than allowed too. */
export function codePointsOf(value: string): number {
  // Every character has one or two units: most texts need no counting.
  return value.length <= maxIdChars || value.length > 2 * maxIdChars ? value.length : [...value].length;
}
