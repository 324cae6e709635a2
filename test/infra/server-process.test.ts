import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  gone,
  identify,
  isRunning,
  type ProcessIdentity,
  runningServer,
  signal,
  stopServer,
  writeRecord,
} from '../../infra/server-process';
import { patienceMs } from '../patience';

const children: ChildProcess[] = [];
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'quantum-router-server-'));
});
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  rmSync(directory, { recursive: true });
});

/** A process that stays until it is ended, and has printed that it is ready for signals. */
async function startChild(script = ''): Promise<ProcessIdentity> {
  const code = `${script}; setInterval(() => {}, 1000); console.log('ready')`;
  const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await once(child.stdout!, 'data');
  return identify(child.pid!)!;
}

const recordOf = (identity: ProcessIdentity) => ({ name: 'redis', address: 'redis://127.0.0.1:1', ...identity });

it('recognises a process by pid and start time', async () => {
  const child = await startChild();
  expect(isRunning(child)).toBe(true);
  expect(isRunning({ ...child, startedAt: 'another time' })).toBe(false);
  expect(identify(0)).toBeNull();
  expect(identify(-child.pid)).toBeNull();
  expect(identify(2 ** 30)).toBeNull();
});

it('finds the server of a directory while it runs and forgets it once it is gone', async () => {
  const child = await startChild();
  expect(runningServer(directory)).toBeNull();
  writeRecord(directory, recordOf(child));
  expect(runningServer(directory)).toEqual(recordOf(child));
  signal(child, 'SIGKILL');
  expect(await gone(child, patienceMs)).toBe(true);
  expect(runningServer(directory)).toBeNull();
});

it('never ends another process that was given the pid of its server', async () => {
  const child = await startChild();
  writeRecord(directory, recordOf({ ...child, startedAt: 'another time' }));
  expect(await stopServer(directory)).toBeNull();
  expect(signal({ ...child, startedAt: 'another time' }, 'SIGKILL')).toBe(false);
  expect(isRunning(child)).toBe(true);
});

it('takes a record that cannot be read as no server', async () => {
  writeFileSync(join(directory, 'server.json'), '{"pid":');
  expect(await stopServer(directory)).toBeNull();
});

it('ends a server and says which it was; a second time there is nothing to end', async () => {
  const child = await startChild();
  writeRecord(directory, recordOf(child));
  expect(await stopServer(directory)).toEqual(recordOf(child));
  expect(isRunning(child)).toBe(false);
  expect(await stopServer(directory)).toBeNull();
});

it('lets a frozen server shut down in order', async () => {
  const child = await startChild("process.on('SIGTERM', () => process.exit(7))");
  const ended = once(children[0]!, 'exit');
  writeRecord(directory, recordOf(child));
  signal(child, 'SIGSTOP');
  await stopServer(directory);
  expect(await ended).toEqual([7, null]);
});

it('kills a server that does not end in time', async () => {
  const child = await startChild("process.on('SIGTERM', () => {})");
  const ended = once(children[0]!, 'exit');
  writeRecord(directory, recordOf(child));
  await stopServer(directory, { graceMs: 50 });
  expect(await ended).toEqual([null, 'SIGKILL']);
});
