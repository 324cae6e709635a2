import { execFileSync } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { configToJson, defaultRouterConfig } from '../../../../lib/config/parse-config';
import { readTextFile } from '../../../../lib/read-text-file';
import { topics } from '../../../../lib/topics/topics';
import {
  formatCopy,
  parseCopy,
  readCopy,
  removeLeftovers,
  writeCopy,
} from '../../../../services/gateway/standby/table-copy';

const json = configToJson(defaultRouterConfig([{ name: 'large', provider: 'north' }]));
const applied = { version: 3, json, appliedAtMs: 1, appliedBy: 'test', fileSha256: null };
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
  ['{"format":1}', 'mine.', /no copy/],
  [text.replace('"value":"', '"value":"AAAA'), 'mine.', /damaged/],
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

/** Written by somebody who knows how. */
function written(tables: object): string {
  const sha256 = createHash('sha256').update(JSON.stringify(tables)).digest('hex');
  return JSON.stringify({ format: 2, topicPrefix: '', copiedAtMs: 1, sha256, tables });
}
const rowOf = (key: string, value: Uint8Array) => ({ key, value: Buffer.from(value).toString('base64') });
const config = [rowOf('current', topics.config.codec.encode(applied))];

test.each<[string, object, RegExp]>([
  ['a key', { config, 'access.keys': [rowOf('k', Buffer.from('garbage'))] }, /row of its table access\.keys/],
  [
    'a configuration',
    { config: [rowOf('current', topics.config.codec.encode({ ...applied, json: '{"models":[]}' }))] },
    /row of its table config/,
  ],
  ['a table', { config, tuning: [] }, /not copied/],
])(
  '%s that cannot be used costs the whole copy: of what is left nobody could say that it is all',
  (_what, tables, reason) => {
    expect(parseCopy(written({ config, 'access.keys': [] }), '').tables.get('access.keys')).toEqual([]);
    expect(() => parseCopy(written(tables), '')).toThrow(reason);
  },
);

test('a pipe, a device, a folder and a file without measure are refused instead of waited for', async () => {
  const pipe = join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  for (const file of [pipe, '/dev/zero', folder]) await expect(readCopy(file, '')).rejects.toThrow(/no ordinary file/);
  await expect(readTextFile(join(folder, 'copy'), 10)).rejects.toThrow('it has more than 10 bytes');
  writeFileSync(join(folder, 'copy'), Buffer.from([0xff, 0xfe]));
  await expect(readCopy(join(folder, 'copy'), '')).rejects.toThrow(/not UTF-8/);
  rmSync(pipe);
});

test('what a killed writer has left beside the file goes with the next start, and nothing else', async () => {
  const file = join(folder, 'kept');
  const [old, fresh, other] = [randomUUID(), randomUUID(), 'mine'].map((end) => `${file}.${end}`) as [
    string,
    string,
    string,
  ];
  for (const path of [old, fresh, other]) writeFileSync(path, 'x');
  for (const path of [old, other]) utimesSync(path, 1, 1);
  await removeLeftovers(file, Date.now());
  expect(
    readdirSync(folder)
      .filter((name) => name.startsWith('kept'))
      .sort(),
  ).toEqual([fresh, other].map((path) => basename(path)).sort());
});
