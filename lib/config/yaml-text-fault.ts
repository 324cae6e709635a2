/**
 * Looks over the text of a configuration before it is parsed, in one pass. YAML takes time that grows with the square of the
 * number of keys and, for some shapes, with the power of their nesting, so that a few kilobytes can take minutes.
 */

export const maxConfigBytes = 524_288;
/** Brackets inside one another, and list or key marks in a row; a configuration needs three. */
export const maxYamlDepth = 16;
/** Lines and commas: every entry of a list or a map needs one. */
export const maxYamlEntries = 20_000;

export interface YamlTextFault {
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

/** The first fault, or null. Brackets in quoted texts count, too, where they do not close. */
export function yamlTextFault(text: string): YamlTextFault | null {
  const bytes = Buffer.byteLength(text);
  if (bytes > maxConfigBytes)
    return { line: 1, message: `the configuration has ${bytes} bytes, more than ${maxConfigBytes}` };
  let line = 1;
  let depth = 0;
  /** Marks `- `, `? ` and `: ` since anything else stood in the line. */
  let marks = 0;
  let entries = 0;
  for (let at = 0; at < text.length; at++) {
    const char = text[at]!;
    if (char === '\n') {
      line++;
      marks = 0;
    } else if (char === '[' || char === '{') depth++;
    else if ((char === ']' || char === '}') && depth > 0) depth--;
    else if (isMark(char, text[at + 1])) marks++;
    else if (char !== ' ') marks = 0;
    if (char === '\n' || char === ',') entries++;
    if (depth > maxYamlDepth || marks > maxYamlDepth)
      return { line, message: `the configuration is nested deeper than ${maxYamlDepth} levels` };
    if (entries > maxYamlEntries) return { line, message: `the configuration has more than ${maxYamlEntries} entries` };
  }
  return null;
}

function isMark(char: string, next: string | undefined): boolean {
  return (char === '-' || char === '?' || char === ':') && (next === undefined || next === ' ' || next === '\n');
}
