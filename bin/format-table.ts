/** Text in columns, for people; programs use `--json`. */

import { printable } from '../lib/terminal/fit-text';
import { wrapText } from '../lib/terminal/wrap-text';

type Cell = string | number;

const gap = '  ';

/**
 * Columns are as wide as their widest cell; numbers stand to the right. Where that is wider than `columns`, the columns
 * titled in `droppable` are left out one by one, then cells of text are wrapped between words; where that is not enough,
 * every row becomes a block of `title  value` lines. No word is ever cut.
 */
export function formatTable(
  header: readonly string[],
  rows: readonly (readonly Cell[])[],
  columns = Number.POSITIVE_INFINITY,
  droppable: readonly string[] = [],
): string {
  const all = [header, ...rows.map((row) => row.map(shown))];
  const widest = header.map((_, c) => Math.max(...all.map((row) => String(row[c]).length)));
  const dropped = droppable[0] === undefined ? -1 : header.indexOf(droppable[0]);
  if (dropped >= 0 && totalOf(widest) > columns) {
    const without = <T>(row: readonly T[]): T[] => row.filter((_, c) => c !== dropped);
    return formatTable(without(header), rows.map(without), columns, droppable.slice(1));
  }
  const least = header.map((_, c) => Math.max(...all.map((row) => longestWord(String(row[c])))));
  const widths = narrowed(widest, least, columns);
  if (!widths) return blocks(header, all.slice(1), columns);
  const ruled = [header, widths.map((width) => '-'.repeat(width)), ...all.slice(1)];
  return ruled.map((row) => `${linesOf(row, widths)}\n`).join('');
}

/** A cell as it fits into its row, whoever wrote what is in it. */
function shown(cell: Cell): Cell {
  return typeof cell === 'number' ? cell : printable(cell.replaceAll(/\s*[\n\r]\s*|\t/g, ' '));
}

function totalOf(widths: readonly number[]): number {
  return widths.reduce((sum, width) => sum + width, 0) + gap.length * (widths.length - 1);
}

/** Takes from the widest column that can still be wrapped until all fit; null when they cannot. */
function narrowed(widest: readonly number[], least: readonly number[], columns: number): number[] | null {
  const widths = [...widest];
  let over = totalOf(widths) - columns;
  while (over > 0) {
    let at = -1;
    for (let c = 0; c < widths.length; c++) if (widths[c]! > least[c]! && (at < 0 || widths[c]! > widths[at]!)) at = c;
    if (at < 0) return null;
    widths[at]!--;
    over--;
  }
  return widths;
}

/** One row; cells that are too long go on in the lines below. */
function linesOf(row: readonly Cell[], widths: readonly number[]): string {
  const cells = row.map((cell, c) => wrapText(String(cell), widths[c]!));
  const height = Math.max(...cells.map((lines) => lines.length));
  return Array.from({ length: height }, (_, line) =>
    cells
      .map((lines, c) => {
        const text = lines[line] ?? '';
        return typeof row[c] === 'number' ? text.padStart(widths[c]!) : text.padEnd(widths[c]!);
      })
      .join(gap)
      .trimEnd(),
  ).join('\n');
}

function blocks(header: readonly string[], rows: readonly (readonly Cell[])[], columns: number): string {
  const titles = header.map((title) => title.trim());
  const width = Math.max(...titles.map((title) => title.length));
  const block = (row: readonly Cell[]): string =>
    row
      .flatMap((cell, c) => {
        const text = String(cell).trim();
        if (text === '') return [];
        const lines = wrapText(text, Math.max(1, columns - width - gap.length));
        return lines.map((line, l) => `${(l === 0 ? titles[c]! : '').padEnd(width)}${gap}${line}\n`);
      })
      .join('');
  return rows.map(block).join('\n');
}

function longestWord(text: string): number {
  const indent = text.length - text.trimStart().length;
  return Math.max(
    0,
    ...text
      .trim()
      .split(/ +/)
      .map((word) => indent + word.length),
  );
}
