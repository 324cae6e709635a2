import { obeyedCharacters } from './fit-text';

/**
 * What others have written (reasons, names, answers of servers), shown in a terminal: text that would be obeyed there instead of
 * shown is a replacement character. The codes that this program paints with itself pass, and none that could hide a text; an erased
 * line passes where a text begins with it, as a status line does.
 */
export function terminalText(text: string): string {
  return text.replace(obeyed, (found: string, at: number) => (isOurs(found, text, at) ? found : '\ufffd'));
}

/** Our colours; a line that starts over; everything else that is obeyed. */
const obeyed = new RegExp(`\\u001b\\[(?:[012]|3[1-6]|9[56])m|\\r\\u001b\\[2K|[${obeyedCharacters}]`, 'gu');

function isOurs(found: string, text: string, at: number): boolean {
  if (found === '\n' || found === '\t' || found.endsWith('m')) return true;
  // A status line starts over; in the middle of a text it would hide what stands before it.
  return found.startsWith('\r') && (at === 0 || text[at + 1] === '\n');
}
