/** The threat model names a test for every defence: it must be there, by that name. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(__dirname, '../..');

interface Row {
  readonly threat: string;
  readonly file: string;
  readonly name: string;
}

function rowsOf(document: string): Row[] {
  const lines = document.slice(document.indexOf('## Threat model')).split('\n');
  const rows = lines.filter((line) => line.startsWith('| ') && !/^\| (threat|---)/.test(line));
  return rows.map((line) => {
    const [threat = '', , shown = ''] = line.slice(2, -2).split(' | ');
    const [, file = '', name = ''] = /^`([^`]+)`: (.+)$/.exec(shown) ?? [];
    return { threat, file, name };
  });
}

/** Names as they are written, whatever quotes they stand in. */
function hasTest({ file, name }: Row): boolean {
  if (!existsSync(join(root, file))) return false;
  const text = readFileSync(join(root, file), 'utf8');
  return [`'${name}'`, `"${name}"`, `\`${name}\``].some((quoted) => text.includes(quoted));
}

test('every threat of the document has a test that is there', () => {
  const rows = rowsOf(readFileSync(join(root, 'docs/security.md'), 'utf8'));
  expect(rows.length).toBeGreaterThan(20);
  expect(rows.filter((row) => row.name === '' || !hasTest(row))).toEqual([]);
});

test('a test that is not there is noticed', () => {
  const [row] = rowsOf('## Threat model\n| a threat | a defence | `test/lint/threat-model.test.ts`: no such test |\n');
  expect(row).toMatchObject({ threat: 'a threat', name: 'no such test' });
  expect(hasTest({ ...row!, name: 'never ' + 'written' })).toBe(false);
  expect(hasTest({ ...row!, file: 'test/nowhere.test.ts' })).toBe(false);
});
