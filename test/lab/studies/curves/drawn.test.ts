import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { drawn } from '../../../../lab/studies/draw-curves';

const docs = join(__dirname, '..', '..', '..', '..', 'docs');

test('the pictures and tables of the docs are those of the figures beside them', () => {
  const files = drawn(docs);
  expect(files.size).toBeGreaterThan(5);
  for (const [path, content] of files) {
    // Where this fails, run `make figures`.
    expect({ path, content: readFileSync(path, 'utf8') }).toEqual({ path, content });
  }
});

test('the figures the docs keep are small: means, no rows', () => {
  const sizes = [...drawn(docs).keys()]
    .filter((path) => path.endsWith('.svg'))
    .map((path) => statSync(path.replace(/svg$/, 'jsonl')).size);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(200_000);
});

describe('a page', () => {
  const folder = mkdtempSync(join(tmpdir(), 'drawn-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'figures'));
  const about = {
    kind: 'about',
    figure: 'toy',
    title: 'Toy',
    path: 'learner',
    seeds: 1,
    rows: 2,
    budgetUsd: null,
    panels: [{ measure: 'score', windowRows: null, policies: ['router'] }],
    parts: [{ name: 'all', from: 0, to: 2 }],
    columns: ['score'],
    changes: [],
  };
  const curve = {
    kind: 'curve',
    figure: 'toy',
    measure: 'score',
    policy: 'router',
    mean: [0, 1],
    low: [0, 1],
    high: [0, 1],
  };
  writeFileSync(join(folder, 'figures', 'toy.jsonl'), `${JSON.stringify(about)}\n${JSON.stringify(curve)}\n`);
  const page = join(folder, 'learning.md');

  test('gets its table between the marks, again and again', () => {
    writeFileSync(page, 'before\n<!-- table:toy:begin -->\nold\n<!-- table:toy:end -->\nafter\n');
    const once = drawn(folder).get(page)!;
    expect(once).toMatch(/^before\n[\s\S]*\| policy \| score \|[\s\S]*\nafter\n$/);
    expect(once).not.toContain('old');
    writeFileSync(page, once);
    expect(drawn(folder).get(page)).toBe(once);
  });

  test('without a place for a figure is refused; a place without a figure says what to do', () => {
    writeFileSync(page, 'nothing\n');
    expect(() => drawn(folder)).toThrow(/lacks <!-- table:toy:begin -->/);
    const marks = (name: string) => `<!-- table:${name}:begin -->\n<!-- table:${name}:end -->\n`;
    writeFileSync(page, marks('toy') + marks('other'));
    const text = drawn(folder).get(page)!;
    expect(text).toMatch(/table:toy:begin -->\n\n\| policy/);
    expect(text).toMatch(/table:other:begin -->\n\n_Not played yet: `make bench-curves ONLY=other`/);
  });
});
