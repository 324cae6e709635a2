/** Help texts as wide as the terminal: prose goes on in the next line, an example with a backslash, so that it can be pasted. */
import { wrapText } from '../lib/terminal/wrap-text';

const example = '  $ ';
const continued = '      ';

/** Every line that is too wide for `columns`, broken between words. */
export function fitHelp(text: string, columns: number): string {
  return text
    .split('\n')
    .flatMap((line) => (line.startsWith(example) ? fitExample(line, columns) : wrapText(line, columns)))
    .join('\n');
}

function fitExample(line: string, columns: number): string[] {
  if (line.length <= columns) return [line];
  const at = breakOf(line, columns - 2);
  if (at === null) return [line];
  return [`${line.slice(0, at)} \\`, ...fitExample(`${continued}${line.slice(at + 1)}`, columns)];
}

/** The last space that a shell takes as one, at most at `limit` and behind the line's own indent; null when there is none. */
function breakOf(line: string, limit: number): number | null {
  let quote = '';
  let found: number | null = null;
  for (let at = 0; at < line.length && at <= limit; at++) {
    const char = line[at]!;
    if (quote !== '') quote = char === quote ? '' : quote;
    else if (char === '"' || char === "'") quote = char;
    else if (char === ' ' && at >= continued.length) found = at;
  }
  return found;
}
