import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { topics } from '../../../../lib/topics/topics';
import { formatCopy, parseCopy, readCopy, writeCopy } from '../../../../services/gateway/standby/table-copy';

const applied = { version: 3, json: '{}', appliedAtMs: 1, appliedBy: 'test', fileSha256: null };
const rows = { config: [applied], keys: [], profiles: [] };
const text = formatCopy(rows, 'mine.', 17);
const folder = mkdtempSync(join(tmpdir(), 'copy-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a copy says what was copied, and of which engine', () => {
  const { copiedAtMs, tables } = parseCopy(text, 'mine.');
  expect(copiedAtMs).toBe(17);
  const [row] = tables.get('mine.config')!;
  expect([row!.key, topics.config.codec.decode(row!.value)]).toEqual(['current', applied]);
  expect(tables.get('mine.access.keys')).toEqual([]);
});

test.each<[string, string, RegExp]>([
  ['', 'mine.', /no JSON/],
  [text.slice(0, -1), 'mine.', /no JSON/],
  ['null', 'mine.', /no copy/],
  ['{"format":2}', 'mine.', /no copy/],
  [text.replace('"tables":', '"tables":[],"x":'), 'mine.', /no copy/],
  [text, 'yours.', /topics begin with "mine\."/],
])('%j is refused', (given, prefix, reason) => {
  expect(() => parseCopy(given, prefix)).toThrow(reason);
});

test('a file is replaced as a whole, and what cannot be written leaves nothing behind', async () => {
  const file = join(folder, 'copy');
  expect(await readCopy(file, '')).toBeNull();
  for (const nowMs of [1, 2]) await writeCopy(file, formatCopy(rows, '', nowMs));
  expect(await readCopy(file, '')).toMatchObject({ copiedAtMs: 2 });
  writeFileSync(join(folder, 'plain'), '');
  await expect(writeCopy(join(folder, 'plain', 'x'), text)).rejects.toThrow(/ENOTDIR/);
  await expect(writeCopy(folder, text)).rejects.toThrow();
  expect(readdirSync(folder).sort()).toEqual(['copy', 'plain']);
});
