/** Text that has to fit: measured in columns of a terminal, where some characters take two, and cut with an ellipsis. */
import stringWidth from 'string-width';

const ellipsis = '…';
/** A class of a regular expression: what moves the cursor, changes colours, rings, or turns the direction of what follows. */
export const obeyedCharacters = '\\p{Cc}\\u202a-\\u202e\\u2066-\\u2069';
const obeyed = new RegExp(`[${obeyedCharacters}]`, 'gu');

/** The text without anything that a terminal would obey. */
export function printable(text: string): string {
  return text.replace(obeyed, '�');
}

/** Columns that printable text takes. */
export function widthOf(text: string): number {
  return stringWidth(text);
}

/** Printable, and at most `columns` wide: what is too long ends in an ellipsis, or begins with one. */
export function cutText(text: string, columns: number, keep: 'start' | 'end' = 'start'): string {
  const clean = printable(text);
  if (widthOf(clean) <= columns) return clean;
  if (columns < 1) return '';
  const characters = [...clean];
  if (keep === 'end') characters.reverse();
  let cut = '';
  for (const character of characters) {
    const longer = keep === 'start' ? cut + character : character + cut;
    if (widthOf(longer) > columns - 1) break;
    cut = longer;
  }
  return keep === 'start' ? cut + ellipsis : ellipsis + cut;
}

/** Exactly `columns` wide, with spaces at the end or, for figures, in front. */
export function padText(text: string, columns: number, side: 'left' | 'right' = 'left'): string {
  const cut = cutText(text, columns);
  const spaces = ' '.repeat(columns - widthOf(cut));
  return side === 'left' ? cut + spaces : spaces + cut;
}
