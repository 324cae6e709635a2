import { formatTable } from '../../bin/format-table';
import { wrapText } from '../../lib/terminal/wrap-text';

const header = ['name', 'count', 'what for'];
const rows = [
  ['first', 7, 'a longer text about what the first one is for'],
  ['second', 12, 'short'],
];

test('as wide as it needs to be; numbers stand to the right', () => {
  expect(formatTable(header, rows)).toBe(
    [
      'name    count  what for',
      '------  -----  ---------------------------------------------',
      'first       7  a longer text about what the first one is for',
      'second     12  short',
      '',
    ].join('\n'),
  );
});

test('text is wrapped between words where the table is too wide', () => {
  expect(formatTable(header, rows, 40)).toBe(
    [
      'name    count  what for',
      '------  -----  -------------------------',
      'first       7  a longer text about what',
      '               the first one is for',
      'second     12  short',
      '',
    ].join('\n'),
  );
});

test('columns that can be done without are left out first', () => {
  expect(formatTable(header, rows, 55, ['count'])).toContain('a longer text about what the first one is for');
  expect(formatTable(header, rows, 55, ['count'])).not.toContain('count');
});

test('where even words are too long, every row is a block', () => {
  expect(formatTable(['name', 'hash'], [['a', 'x'.repeat(30)]], 20)).toBe(`name  a\nhash  ${'x'.repeat(30)}\n`);
});

test.each([20, 40, 60, 80])('at %d columns no word is cut and no line of words is wider', (columns) => {
  const table = formatTable(header, rows, columns);
  for (const line of table.split('\n')) expect(line.length).toBeLessThanOrEqual(columns);
  const words = table.split(/\s+/);
  for (const word of 'a longer text about what the first one is for second short'.split(' '))
    expect(words).toContain(word);
});

test('a text keeps its indent when it goes on', () => {
  expect(wrapText('  one two three', 9)).toEqual(['  one two', '  three']);
  expect(wrapText('word', 2)).toEqual(['word']);
});

test('a cell stays one row, and does nothing to a terminal', () => {
  const reason = 'line one\n  line two\tthree \u001b[2J\u0007\u001b[2K';
  expect(formatTable(['why'], [[reason]])).toBe(
    'why\n---------------------------------\nline one line two three \ufffd[2J\ufffd\ufffd[2K\n',
  );
});
