/** The lock of a store's directory, between processes that cannot see each other. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DirectoryLockedError, lockDirectory } from '../../../../lib/adapters/embedded/directory-lock';
import { atEnd } from '../../../started';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'quantum-router-lock-'));
});
afterEach(() => {
  // A test may have made it unwritable, which keeps everybody but root from removing it.
  chmodSync(directory, 0o755);
  rmSync(directory, { recursive: true });
});

const hasFlock = spawnSync('flock', ['--version']).status === 0;
const unshare = ['--pid', '--fork', '--kill-child'];
const hasNamespaces = hasFlock && spawnSync('unshare', [...unshare, 'true']).status === 0;
const exited = (child: ChildProcess) => new Promise((resolve) => child.once('exit', resolve));

const onlyWith = (condition: boolean, reason: string) =>
  condition ? test : (name: string, _run: () => unknown) => test.skip(`${name} (${reason})`, () => {});

onlyWith(hasNamespaces, 'needs the right to make PID namespaces')(
  'a process of another PID namespace holds it, and its death gives it back',
  async () => {
    const script = join(__dirname, 'store-writer.ts');
    const arguments_ = [...unshare, process.execPath, '--import', 'tsx', script, directory, 'process', '0'];
    const child = spawn('unshare', arguments_, { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await new Promise((resolve) => child.stdout.once('data', resolve));
      // Its pid there is of no use here: another process may have the same number.
      expect(JSON.parse(readFileSync(join(directory, 'lock'), 'utf8')).pid).toBeLessThan(10);
      expect(() => lockDirectory(directory)).toThrow(DirectoryLockedError);
      expect(() => lockDirectory(directory)).toThrow(/is in use by process \d+: the embedded store takes one process/);
    } finally {
      const gone = exited(child);
      child.stdout.destroy();
      child.kill('SIGKILL');
      await gone;
    }
    await lockWhenFree(directory);
  },
);

/** The kernel ends the processes of a namespace a moment after its first one. */
async function lockWhenFree(of: string): Promise<void> {
  for (;;) {
    try {
      return lockDirectory(of)();
    } catch (error) {
      if (!(error instanceof DirectoryLockedError)) throw error;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
}

onlyWith(hasFlock, 'needs the command flock')('a lock of the kernel counts whatever the file says', async () => {
  const file = join(directory, 'lock');
  writeFileSync(file, 'not one of ours');
  const holder = spawn('flock', [file, 'sh', '-c', 'echo held; exec sleep 60'], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  // `flock` waits for the command it started, which has the lock too.
  const end = () => spawnSync('pkill', ['-P', String(holder.pid)]);
  atEnd(end);
  await new Promise((resolve) => holder.stdout.once('data', resolve));
  expect(() => lockDirectory(directory)).toThrow(`${directory} is in use by another process`);
  end();
  await exited(holder);
  lockDirectory(directory)();
});

onlyWith(hasFlock, 'needs the command flock')(
  'what a holder wrote does not matter once the kernel has given its lock back',
  () => {
    const left = { pid: process.pid, startedAt: null, byKernel: true };
    writeFileSync(join(directory, 'lock'), JSON.stringify(left));
    lockDirectory(directory)();
  },
);

test('children do not inherit it', () => {
  const unlock = lockDirectory(directory);
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  atEnd(() => child.kill());
  unlock();
  lockDirectory(directory)();
  child.kill();
});

test('where the kernel keeps no lock the file does, and that is said', () => {
  const notes: string[] = [];
  const options = { command: 'no-such-command', onNote: (note: string) => notes.push(note) };
  const unlock = lockDirectory(directory, options);
  expect(notes).toEqual([
    `the kernel keeps no lock on ${directory} (there is no command no-such-command): only processes of this machine and of one container keep out of each other's way`,
  ]);
  expect(() => lockDirectory(directory, options)).toThrow(`in use by process ${process.pid}`);
  unlock();
  lockDirectory(directory, options)();
});

onlyWith(hasFlock, 'needs the command flock')('removing the file `lock` lets no second process in', () => {
  const unlock = lockDirectory(directory);
  rmSync(join(directory, 'lock'));
  expect(() => lockDirectory(directory)).toThrow(`${directory} is in use by another process`);
  unlock();
  lockDirectory(directory)();
});

test('giving it back twice does not take it from the next one', () => {
  const unlock = lockDirectory(directory);
  unlock();
  const next = lockDirectory(directory);
  unlock();
  expect(() => lockDirectory(directory)).toThrow(DirectoryLockedError);
  next();
});

/** Root may write everywhere: what it must not is shown as somebody who is nobody. */
function asNobody<T>(act: () => T): T {
  const isRoot = process.geteuid!() === 0;
  if (isRoot) process.seteuid!(65_534);
  try {
    return act();
  } finally {
    if (isRoot) process.seteuid!(0);
  }
}

onlyWith(hasFlock, 'needs the command flock')('whoever only reads may do so where nothing can be written', () => {
  const file = join(directory, 'lock');
  const allow = (mode: 'read' | 'write'): void => {
    chmodSync(directory, mode === 'read' ? 0o555 : 0o755);
    chmodSync(file, mode === 'read' ? 0o444 : 0o644);
  };
  const readsOnly = { readsOnly: true };
  const unlock = lockDirectory(directory);
  allow('read');
  // One who writes keeps him out all the same, and he one who writes.
  expect(() => asNobody(() => lockDirectory(directory, readsOnly))).toThrow(`process ${process.pid}`);
  unlock();
  expect(() => asNobody(() => lockDirectory(directory))).toThrow('EACCES');
  const unlockReader = asNobody(() => lockDirectory(directory, readsOnly));
  allow('write');
  expect(() => lockDirectory(directory)).toThrow(DirectoryLockedError);
  unlockReader();
  lockDirectory(directory)();
  // A copy of the data alone has no file for a lock.
  rmSync(file);
  chmodSync(directory, 0o555);
  asNobody(() => lockDirectory(directory, readsOnly))();
});

test('whoever only reads sees one who writes without a lock of the kernel, and says where the kernel keeps none', () => {
  const file = join(directory, 'lock');
  // As it was written where the command flock was missing.
  writeFileSync(file, JSON.stringify({ pid: process.pid, startedAt: null, byKernel: false }));
  chmodSync(directory, 0o555);
  chmodSync(file, 0o444);
  const notes: string[] = [];
  const options = { readsOnly: true, onNote: (note: string) => notes.push(note) };
  expect(() => asNobody(() => lockDirectory(directory, options))).toThrow(`in use by process ${process.pid}`);
  chmodSync(file, 0o644);
  writeFileSync(file, '');
  chmodSync(file, 0o444);
  expect(notes).toEqual([]);
  asNobody(() => lockDirectory(directory, { ...options, command: 'no-such-command' }))();
  expect(notes).toEqual([expect.stringContaining(`the kernel keeps no lock on ${directory}`)]);
});
