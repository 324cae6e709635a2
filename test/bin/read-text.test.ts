/** What is read as a text: files, devices and pipes, none of which may hold the process for ever. */
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { followConfigFile } from '../../bin/drive/watch-config-file';
import type { Io } from '../../bin/io';
import { readText } from '../../bin/read-text';

let directory: string;
let pipe: string;
let io: Io;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'quantum-router-text-'));
  pipe = join(directory, 'pipe');
  execFileSync('mkfifo', [pipe]);
  io = { workingDirectory: directory } as Io;
});
afterEach(() => rmSync(directory, { recursive: true }));

test('of a pipe that nobody writes to nothing is read', async () => {
  expect(await readText(io, 'pipe')).toBe('');
});

test('a pipe is read to its end, whenever its writer writes', async () => {
  const read = 'read first; while read line; do echo "$line"; done';
  const writer = spawn('sh', ['-c', `exec 3<>"$0"; echo opened; { ${read}; } >&3`, pipe], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise((resolve) => writer.on('exit', resolve));
  await new Promise((resolve) => writer.stdout.once('data', resolve));
  const text = readText(io, 'pipe');
  writer.stdin.end('go\none: 1\ntwo: 2\n');
  expect(await text).toBe('one: 1\ntwo: 2\n');
  await ended;
});

test('a device without an end is refused', async () => {
  await expect(readText(io, '/dev/zero')).rejects.toThrow('/dev/zero is longer than 4194304 bytes');
});

test('a configuration that came through a pipe is not looked at again: there would be nothing in it', async () => {
  const watched = { ...io, onHangup: fail, clock: { setTimer: fail } } as unknown as Io;
  const options = { since: '', configWins: false, putInForce: fail };
  await followConfigFile(watched, 'pipe', options).stop();
});

function fail(): never {
  throw new Error('the pipe is watched');
}
