/** Text for a terminal of some width: a line that is too long goes on in the next one, and no word is cut. */

/** Lines of at most `width` characters, broken at spaces; a longer word has a line of its own. Spaces in front are kept. */
export function wrapText(text: string, width: number): string[] {
  if (text.length <= width) return [text];
  const indent = /^ */.exec(text)![0];
  const lines: string[] = [];
  let line = indent;
  for (const word of text.trim().split(/ +/)) {
    if (line.trim() !== '' && line.length + 1 + word.length > width) {
      lines.push(line);
      line = indent + word;
    } else line += line.trim() === '' ? word : ` ${word}`;
  }
  return [...lines, line];
}
