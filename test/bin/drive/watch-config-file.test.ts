/** A configuration file that changes under a running engine, in a real directory and on a real configuration topic. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyTo } from '../../../bin/drive/put-config';
import { type ConfigWatch, looksOf, watchConfigFile } from '../../../bin/drive/watch-config-file';
import type { Io } from '../../../bin/io';
import { readConfig } from '../../../bin/read-config';
import { createVirtualClock } from '../../../lib/adapters/memory/virtual-clock';
import { configFromJson, defaultRouterConfig } from '../../../lib/config/parse-config';
import { readLast } from '../../../lib/topics/read-last';
import { topics } from '../../../lib/topics/topics';
import { memoryHome } from '../../../services/home';

const made: string[] = [];
afterAll(() => {
  for (const directory of made) rmSync(directory, { recursive: true, force: true });
});

const yaml = (name: string, more = ''): string => `models:\n  - { name: ${name}, provider: p }\n${more}`;

/** An engine was started with `mounted` beforehand; `file` is what it was told to read. */
async function start(place: (directory: string) => string, meanwhile: string | null = null) {
  const directory = mkdtempSync(join(tmpdir(), 'quantum-router-'));
  made.push(directory);
  const file = place(directory);
  const clock = createVirtualClock();
  const home = memoryHome({ clock, seed: 1 });
  const said: string[] = [];
  const stream = { write: (text: string) => void said.push(text), isTerminal: false, columns: 80 };
  const io: Io = {
    stdout: stream,
    stderr: stream,
    stdin: async function* () {},
    stopSignal: new AbortController().signal,
    onHangup: () => () => {},
    clock,
    environment: {},
    workingDirectory: directory,
  };
  const putInForce: Parameters<typeof watchConfigFile>[2]['putInForce'] = ({ config, origin }) =>
    applyTo(home, config, origin);
  const since = looksOf(io, file);
  await putInForce(await readConfig(io, { config: file }));
  if (meanwhile !== null) writeFileSync(join(directory, file), meanwhile);
  const watch = watchConfigFile(io, file, { since, configWins: false, putInForce });
  return {
    directory,
    home,
    clock,
    watch,
    path: (name: string) => join(directory, name),
    said: () => said.join(''),
    inForce: async () => {
      const applied = (await readLast(home.broker, topics.config, ''))!;
      return `${applied.version} ${configFromJson(applied.json).models[0]!.name}`;
    },
  };
}

const twice = async (watch: ConfigWatch): Promise<void> => {
  await watch.look();
  await watch.look();
};
const plain = (directory: string): string => {
  writeFileSync(join(directory, 'c.yaml'), yaml('first'));
  return 'c.yaml';
};

test('a file is taken over once it has looked the same twice, however it was replaced', async () => {
  const { watch, path, inForce, said } = await start(plain);
  await twice(watch);
  expect(await inForce()).toBe('1 first');
  writeFileSync(path('c.yaml'), 'models:\n  - {');
  await watch.look();
  writeFileSync(path('c.yaml'), yaml('second'));
  await watch.look();
  // What was half written was never read.
  expect([await inForce(), said()]).toEqual(['1 first', '']);
  await watch.look();
  expect(await inForce()).toBe('2 second');
  expect(said()).toContain('file c.yaml is in force as version 2; it changed:');

  writeFileSync(path('c.yaml~'), yaml('third'));
  unlinkSync(path('c.yaml'));
  await twice(watch);
  expect(await inForce()).toBe('2 second');
  renameSync(path('c.yaml~'), path('c.yaml'));
  await twice(watch);
  expect(await inForce()).toBe('3 third');
});

test('a link further up that is changed is a change, as with the files that Kubernetes mounts', async () => {
  const version = (directory: string, name: string, text: string): void => {
    mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, 'c.yaml'), text);
    symlinkSync(name, join(directory, '..data_tmp'));
    renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
  };
  const { directory, watch, inForce } = await start((at) => {
    version(at, '..one', yaml('first'));
    symlinkSync('..data/c.yaml', join(at, 'c.yaml'));
    return 'c.yaml';
  });
  version(directory, '..two', yaml('other'));
  await twice(watch);
  expect(await inForce()).toBe('2 other');
});

test('a file with a fault is never taken, and is said once with line and field; the next good one is', async () => {
  const { watch, path, inForce, said } = await start(plain);
  writeFileSync(path('c.yaml'), yaml('second', 'explorationFloor: 2\n'));
  for (let i = 0; i < 5; i++) await watch.look();
  expect(await inForce()).toBe('1 first');
  expect(said().match(/c\.yaml:3:19 explorationFloor/g)).toHaveLength(1);
  // Whoever asks is told again.
  await watch.reload();
  expect(said().match(/c\.yaml:3:19 explorationFloor/g)).toHaveLength(2);
  writeFileSync(path('c.yaml'), yaml('first'));
  await watch.reload();
  expect(said()).toMatch(/c\.yaml was read again: nothing in it has changed\n$/);
  writeFileSync(path('c.yaml'), Buffer.from([0xff, 0xfe, 0x00]));
  await twice(watch);
  expect(said()).toContain('c.yaml is not UTF-8 text');
  writeFileSync(path('c.yaml'), yaml('third', 'limits: { maxSessions: 5 }\n'));
  await twice(watch);
  expect(await inForce()).toBe('2 third');
  expect(said()).toContain('limits.maxSessions: needs a restart of route-intake');
});

test('what was written while the engine started is not missed', async () => {
  const { watch, inForce } = await start(plain, yaml('second'));
  await twice(watch);
  expect(await inForce()).toBe('2 second');
});

test('what somebody else has changed meanwhile is not undone, and that is said', async () => {
  const { home, watch, path, inForce, said } = await start(plain);
  await applyTo(home, defaultRouterConfig([{ name: 'theirs', provider: 'p' }]));
  writeFileSync(path('c.yaml'), yaml('second'));
  await twice(watch);
  expect(await inForce()).toBe('2 theirs');
  expect(said()).toContain('file c.yaml is NOT in force');
});

test('it looks by itself, until it is stopped', async () => {
  const { watch, path, inForce, clock } = await start(plain);
  writeFileSync(path('c.yaml'), yaml('second'));
  await clock.advanceBy(3_000);
  expect(await inForce()).toBe('2 second');
  await watch.stop();
  writeFileSync(path('c.yaml'), yaml('third'));
  await clock.advanceBy(5_000);
  expect(await inForce()).toBe('2 second');
});

test('what could not be written to the log is tried again, and said once', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'quantum-router-'));
  made.push(directory);
  plain(directory);
  const said: string[] = [];
  const stream = { write: (text: string) => void said.push(text), isTerminal: false, columns: 80 };
  let tries = 0;
  const clock = createVirtualClock();
  const io: Io = {
    ...{ stdout: stream, stderr: stream, stdin: async function* () {}, clock, environment: {} },
    ...{ stopSignal: new AbortController().signal, onHangup: () => () => {}, workingDirectory: directory },
  };
  const watch = watchConfigFile(io, 'c.yaml', {
    since: looksOf(io, 'c.yaml'),
    configWins: false,
    putInForce: async ({ config }) => {
      if (++tries < 3) throw new Error('no broker answers');
      return { version: 2, config, changed: true, kept: null, changes: ['a'], needsRestart: [] };
    },
  });
  writeFileSync(join(directory, 'c.yaml'), yaml('second'));
  for (let i = 0; i < 6; i++) await watch.look();
  expect(tries).toBe(3);
  expect(said.join('').match(/no broker answers/g)).toHaveLength(1);
  expect(said.join('')).toContain('is in force as version 2');
});
