import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gone, identify, type ProcessIdentity } from '../../infra/server-process';
import { patienceMs } from '../patience';
import { atEnd, endAll, runToEnd, start } from '../started';

/** Prints its own pid and that of a child, and stays; `detached`: the child has a process group of its own. */
const family = (detached: boolean) => `
const { spawn } = require('node:child_process');
const child = spawn('sleep', ['1000'], { detached: ${detached} });
console.log(JSON.stringify([process.pid, child.pid]));
setInterval(() => {}, 1000);
`;

async function startFamily(
  detached = false,
): Promise<{ started: ReturnType<typeof start>; members: ProcessIdentity[] }> {
  const started = start(process.execPath, ['-e', family(detached)]);
  const [line] = (await once(started.child.stdout!, 'data')) as [Buffer];
  const pids = JSON.parse(line.toString()) as number[];
  return { started, members: pids.map((pid) => identify(pid)!) };
}

const allGone = async (members: readonly ProcessIdentity[]): Promise<boolean> =>
  (await Promise.all(members.map((member) => gone(member, patienceMs)))).every(Boolean);

it('ends what was started, newest first, also when one of the ends fails', async () => {
  const ended: string[] = [];
  atEnd(() => ended.push('first'));
  atEnd(() => {
    throw new Error('cannot be ended');
  });
  atEnd(async () => ended.push('last'));
  await expect(endAll()).rejects.toThrow('cannot be ended');
  expect(ended).toEqual(['last', 'first']);
});

it.each([false, true])('ends a program together with what that has started (detached: %s)', async (detached) => {
  const { members } = await startFamily(detached);
  await endAll();
  expect(await allGone(members)).toBe(true);
});

it('ends a program when the process that started it is killed', async () => {
  const { started, members } = await startFamily();
  // The pipe closes as it does when nobody is left to hold it.
  started.child.stdin!.destroy();
  expect(await allGone(members)).toBe(true);
});

describe('a worker of a test run', () => {
  const startWorker = (program: string) => {
    const preload = ['--require', join(__dirname, '../end-with-run.js')];
    const worker = spawn(process.execPath, [...preload, '-e', program], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    atEnd(() => worker.kill('SIGKILL'));
    return worker;
  };

  it('ends when its run is gone, and with it what it has started, stopped and orphaned ones too', async () => {
    const worker = startWorker(`
      const { execFileSync, spawn } = require('node:child_process');
      const stopped = spawn('sleep', ['1000'], { detached: true });
      stopped.kill('SIGSTOP');
      const orphan = execFileSync('sh', ['-c', 'sleep 1000 > /dev/null 2>&1 & echo $!'], { encoding: 'utf8' });
      process.on('message', () => {});
      process.send([stopped.pid, Number(orphan)]);
    `);
    const [pids] = (await once(worker, 'message')) as [number[]];
    const members = pids.map((pid) => identify(pid)!);
    expect(members).not.toContain(null);
    worker.disconnect();
    expect(await once(worker, 'exit')).toEqual([1, null]);
    expect(await allGone(members)).toBe(true);
  });

  it('ends by itself when it has been told that there is no more to do', async () => {
    const worker = startWorker("process.on('message', () => process.removeAllListeners('message'))");
    const ended = once(worker, 'exit');
    worker.send('no more');
    expect(await ended).toEqual([0, null]);
  });
});

it('passes signals on, and the way the program ends', async () => {
  const { started, members } = await startFamily();
  started.child.kill('SIGTERM');
  await started.ended;
  expect(started.child.signalCode).toBe('SIGTERM');
  expect(await allGone(members)).toBe(true);
  expect(await runToEnd(process.execPath, ['-e', 'console.log(1); console.error(2); process.exit(3)'])).toEqual({
    status: 3,
    stdout: '1\n',
    stderr: '2\n',
  });
  expect((await runToEnd('/nowhere/no-such-program', [])).status).toBe(127);
});

it('no test has a patience of its own', () => {
  const root = join(__dirname, '..');
  const files = (readdirSync(root, { recursive: true }) as string[]).filter((name) => name.endsWith('.test.ts'));
  const ownLimit = /^jest\.setTimeout\(|^\s*\}, \d+_000\);$|^\s*\},\n\s*\d+_000,\n\s*\);$/m;
  const impatient = files.filter((name) => ownLimit.test(readFileSync(join(root, name), 'utf8')));
  expect(impatient).toEqual([]);
});
