/** A process that may have little: it says what it lacks, and goes on without what it can do without. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atEnd, start } from '../started';

const main = join(__dirname, '../../dist/bin/main.js');
// The limit is the kernel's, and not every shell has the command for it.
const limited = 'ulimit -v 4000000';
const hasLimit = process.platform === 'linux' && spawnSync('sh', ['-c', limited]).status === 0;

const graphWith = (options: string) =>
  spawnSync('sh', ['-c', `${limited}; exec "$0" "$1" graph`, process.execPath, main], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: options },
  });

(hasLimit ? test : test.skip)('a limit on address space is told in one sentence, with the way out', () => {
  const { status, stdout, stderr } = graphWith('');
  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(
    /^error: a memory of WebAssembly cannot be had \(.*\): lift the limit on address space \(ulimit -v\), or set NODE_OPTIONS=--disable-wasm-trap-handler\n$/,
  );
  expect(graphWith('--disable-wasm-trap-handler')).toMatchObject({ status: 0, stderr: '' });
});

// A file of Linux that takes nothing, as on a full disk.
(existsSync('/dev/full') ? test : test.skip)(
  'an engine whose log takes no more lines goes on without them',
  async () => {
    const directory = mkdtempSync(join(tmpdir(), 'quantum-router-scarce-'));
    atEnd(() => rmSync(directory, { recursive: true, force: true }));
    const command = 'exec "$0" "$1" run --exit --requests 4 --port 0 --data-dir "$2" 2> /dev/full';
    const { ended } = start('sh', ['-c', command, process.execPath, main, join(directory, 'store')]);
    expect(await ended).toBe(0);
  },
);
