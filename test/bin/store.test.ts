/** `quantum-router store`, and what other commands say of a store that they cannot use. */
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openEmbeddedBroker } from '../../lib/adapters/embedded/embedded-broker';
import { systemClock } from '../../lib/adapters/system';
import { createWorkplace } from './run-command';

const place = createWorkplace();
afterAll(() => place.remove());

const settings = { partitions: 1, cleanup: 'delete', retentionMs: null, maxRecordBytes: 100_000 } as const;

async function makeStore(name: string): Promise<string> {
  const directory = join(place.directory, name);
  const broker = openEmbeddedBroker({ directory, clock: systemClock(), maintenanceIntervalMs: null });
  await broker.ensureTopics([{ ...settings, name: 'route.decided' }]);
  const records = Array.from({ length: 300 }, (_, i) => ({
    topic: 'route.decided',
    key: `k${i}`,
    value: Buffer.from(`decision ${i} `.padEnd(1_500, 'x')),
  }));
  for (const record of records) await broker.producer('p').send([record]);
  await broker.close();
  return directory;
}

function damage(directory: string, text: string): void {
  const file = join(directory, 'data.mdb');
  const bytes = readFileSync(file);
  for (let at = bytes.indexOf(text); at >= 0; at = bytes.indexOf(text, at + 1)) bytes[at]! ^= 1;
  writeFileSync(file, bytes);
}

test('a whole store is said to be whole', async () => {
  await makeStore('whole');
  const { exitCode, stdout, stderr } = await place.run(['store', 'check', '--data-dir', 'whole']);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: 'nothing is damaged\n' });
  expect(stdout).toMatch(/^log +300 +\d+$/m);
  expect(stdout).toMatch(/^format 3, \d+ bytes of file$/m);
});

test('damage is named by the check, and by whoever opens the store; repair saves the rest', async () => {
  const directory = await makeStore('damaged');
  damage(directory, 'decision 77 ');
  const part = 'record 77 of route.decided/0: it does not match its checksum';
  const checked = await place.run(['store', 'check', '-d', 'damaged']);
  expect(checked.exitCode).toBe(1);
  expect(checked.stdout).toContain(`${part}\n`);
  expect(checked.stderr).toBe(
    'error: one part damaged; `quantum-router store repair --data-dir damaged` copies the rest into a new file\n',
  );
  const json = JSON.parse((await place.run(['store', 'check', '-d', 'damaged', '--json'])).stdout);
  expect(json).toMatchObject({ format: 3, problemCount: 1, problems: [{ part: 'record 77 of route.decided/0' }] });

  const served = await place.run(['serve', '--data-dir', 'damaged', '--port', '0']);
  expect(served.exitCode).toBe(1);
  expect(served.stderr).toContain(`error: the store in ${directory} is damaged: ${part}. \`quantum-router store check`);

  const repaired = await place.run(['store', 'repair', '-d', 'damaged']);
  expect(repaired.exitCode).toBe(1);
  // One topic, and where nothing reads no position.
  expect(repaired.stdout).toMatch(/^copied 299 records and \d+ other entries into a new file$/m);
  expect(repaired.stdout).toContain(
    `the old file is ${join(directory, 'data.mdb.before-repair-1')}; it may hold prompts`,
  );
  expect(repaired.stderr).toBe('error: one part could not be copied and is lost to the new file\n');
  expect((await place.run(['store', 'check', '-d', 'damaged'])).exitCode).toBe(0);
});

test('a store that is cut off is an error of one sentence, not the end of the process', async () => {
  const directory = await makeStore('short');
  truncateSync(join(directory, 'data.mdb'), 60_000);
  const { exitCode, stderr } = await place.run(['replay', '--data-dir', 'short', '--verify']);
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/^error: the store in .* is damaged: .*the file ends before it/m);
  expect(stderr.trim().split('\n')).toHaveLength(1);
});

test('a repair of a whole store copies everything', async () => {
  await makeStore('again');
  const { exitCode, stdout } = await place.run(['store', 'repair', '-d', 'again', '--json']);
  expect(exitCode).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ records: 300, problems: [], salvaged: 0 });
});

test('a store in use is left alone', async () => {
  const directory = await makeStore('used');
  const broker = openEmbeddedBroker({ directory, clock: systemClock(), maintenanceIntervalMs: null });
  for (const what of ['check', 'repair']) {
    const { exitCode, stderr } = await place.run(['store', what, '-d', 'used']);
    expect(exitCode).toBe(1);
    expect(stderr).toContain(`${directory} is in use by process ${process.pid}`);
  }
  await broker.close();
});

test('where there is no store, that is said', async () => {
  mkdirSync(join(place.directory, 'empty'));
  const { exitCode, stderr } = await place.run(['store', 'check', '-d', 'empty']);
  expect(exitCode).toBe(1);
  expect(stderr).toBe(`error: there is no store in ${join(place.directory, 'empty')}: data.mdb is missing\n`);
});

describe('a data directory that cannot be written to ends `serve` with one sentence', () => {
  const unwritable =
    process.platform === 'linux' ? ['file/below', 'file', '/proc/quantum-router'] : ['file/below', 'file'];
  test.each(unwritable)('%s', async (dataDir) => {
    place.write('file', '');
    const { exitCode, stderr } = await place.run(['serve', '--data-dir', dataDir, '--port', '0']);
    expect(exitCode).toBe(1);
    expect(stderr).toMatch(/^error: cannot keep a store in .*; name another directory with --data-dir$/m);
  });
});

test('a wrong limit of the store is refused', async () => {
  const environment = { STORE_MAX_MB: '5GB' };
  const { exitCode, stderr } = await place.run(['serve', '--port', '0'], { environment });
  expect(exitCode).toBe(2);
  expect(stderr).toContain('STORE_MAX_MB must be a whole number of megabytes from 16, not 5GB');
});
