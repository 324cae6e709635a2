/** Text in columns, for people; programs use `--json`. */

/** Columns are as wide as their widest cell; numbers stand to the right. */
export function formatTable(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => String(row[column]).length)),
  );
  const line = (cells: readonly (string | number)[]): string =>
    cells
      .map((cell, column) =>
        typeof cell === 'number' ? String(cell).padStart(widths[column]!) : String(cell).padEnd(widths[column]!),
      )
      .join('  ')
      .trimEnd();
  return `${[line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')}\n`;
}

/** Characters of a hash shown in lists; enough to name one. */
const shownCharacters = 12;

/** A hash as lists show it. */
export function shortHash(sha256: string): string {
  return sha256.slice(0, shownCharacters);
}
