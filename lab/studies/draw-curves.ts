/**
 * Draws the pictures of docs/figures from the JSON lines beside them, and writes their tables into docs/learning.md.
 *
 *     npx tsx lab/studies/draw-curves.ts [--docs docs] [--check]
 *
 * `--check` writes nothing and fails when a picture or a table is not what the lines say.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { figureSvg, figureTable, readFigure } from './curves/draw-figure';

/** What the files should hold, by path. A table whose figure was never played says how to. Throws Error when learning.md has no place for a figure. */
export function drawn(docs: string): Map<string, string> {
  const files = new Map<string, string>();
  const page = join(docs, 'learning.md');
  let text = readFileSync(page, 'utf8');
  for (const [, name] of text.matchAll(/<!-- table:(\S+):begin -->/g)) {
    text = withTable(text, name!, `_Not played yet: \`make bench-curves ONLY=${name}\`, then \`make figures\`._`);
  }
  const folder = join(docs, 'figures');
  const names = readdirSync(folder)
    .filter((file) => file.endsWith('.jsonl'))
    .map((file) => file.slice(0, -'.jsonl'.length));
  for (const name of names.sort()) {
    const figure = readFigure(readFileSync(join(folder, `${name}.jsonl`), 'utf8'));
    files.set(join(folder, `${name}.svg`), figureSvg(figure));
    text = withTable(text, name, figureTable(figure));
  }
  return files.set(page, text);
}

function withTable(text: string, name: string, table: string): string {
  const begin = `<!-- table:${name}:begin -->`;
  const end = `<!-- table:${name}:end -->`;
  const [before, rest] = text.split(begin);
  const after = rest?.split(end)[1];
  if (before === undefined || after === undefined) throw new Error(`docs/learning.md lacks ${begin} … ${end}`);
  return `${before}${begin}\n\n${table}\n\n${end}${after}`;
}

function main(): void {
  const { values } = parseArgs({
    options: { docs: { type: 'string', default: 'docs' }, check: { type: 'boolean', default: false } },
  });
  const stale = [...drawn(values.docs)].filter(
    ([path, content]) => !existsSync(path) || readFileSync(path, 'utf8') !== content,
  );
  for (const [path, content] of stale) {
    if (!values.check) writeFileSync(path, content);
    process.stderr.write(`${values.check ? 'stale, run `make figures`' : 'written'}: ${path}\n`);
  }
  if (values.check && stale.length > 0) process.exit(1);
}

if (require.main === module) main();
