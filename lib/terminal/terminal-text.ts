/**
 * What others have written (reasons, names, answers of servers), shown in a terminal: text that would be obeyed there instead of
 * shown is a replacement character. What this program colours and erases itself passes.
 */
export function terminalText(text: string): string {
  return text.replace(obeyed, (found, at: number) => (isOurs(found, text, at) ? found : '\ufffd'));
}

/** Sequences that colour or erase a line; other control characters; those that turn the direction of what follows. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const obeyed = /\u001b\[[\d;]*[mK]|\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu;

function isOurs(found: string, text: string, at: number): boolean {
  if (found.length > 1 || found === '\n' || found === '\t') return true;
  // A status line starts over; in the middle of a text it would hide what stands before it.
  return found === '\r' && (at === 0 || text[at + 1] === '\n');
}
