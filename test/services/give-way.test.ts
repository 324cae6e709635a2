import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { niceSession } from '../../services/give-way';

const autogroup = '/proc/self/autogroup';
const hasAutogroup = existsSync(autogroup);
if (!hasAutogroup) process.stderr.write('skipped: this kernel does not group processes by session\n');
const onAutogroup = hasAutogroup ? test : test.skip;
const root = join(__dirname, '..', '..');
const program = `const { niceSession } = require('./services/give-way');
niceSession();
process.stdout.write(require('node:fs').readFileSync('${autogroup}', 'utf8'));`;

/** In a process of its own, which leads its session when `detached`. */
function groupAfter(detached: boolean, run = program): string {
  const options = { cwd: root, detached, encoding: 'utf8' as const };
  const { stdout } = spawnSync(process.execPath, ['--import', 'tsx', '-e', run], options);
  return stdout.trim();
}

onAutogroup('a process that leads its session gives way to all others', () => {
  expect(groupAfter(true)).toMatch(/nice 10$/);
});

onAutogroup('what no request waits for gives way, though not as much as what trains', () => {
  const show = `process.stdout.write(require('node:fs').readFileSync('${autogroup}', 'utf8'));`;
  expect(groupAfter(true, `require('./services/off-request-path');${show}`)).toMatch(/nice 5$/);
});

onAutogroup('one that shares its session leaves it alone', () => {
  const before = readFileSync(autogroup, 'utf8').trim();
  expect(groupAfter(false)).toBe(before);
});

test('where there are no sessions nothing happens', () => {
  expect(niceSession).not.toThrow();
});
