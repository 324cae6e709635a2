import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cliUntil, type Ran, rowsFile } from '../played';

const directory = mkdtempSync(join(tmpdir(), 'quantum-router-run-'));
beforeAll(() => writeFileSync(join(directory, 'rows.jsonl.gz'), rowsFile('text')));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const cli = (...argv: string[]): Promise<Ran> => cliUntil(directory, () => false, argv);

it('plays the simulated workload through the whole engine and says what it was worth', async () => {
  const ran = await cli('run', '--exit', '--requests', '150', '--rate', '200', '--port', '0', '--world', '2');
  expect(ran.stdout).toContain('SIMULATED');
  for (const policy of [
    'this engine',
    'uniform random',
    'round-robin',
    'cheapest',
    'static rules',
    'Thompson table',
    'best single',
    'oracle',
  ]) {
    expect(ran.stdout).toContain(policy);
  }
  expect(ran.stdout).toMatch(/p50 [\d.]+ ms {2}p95 [\d.]+ ms {2}p99 [\d.]+ ms/);
  expect(ran.stderr).toContain('150/150');
});

it('plays recorded data, and refuses a directory that is not its own', async () => {
  const ran = await cli(
    'run',
    '--exit',
    '--data',
    'rows.jsonl.gz',
    '--rate',
    '200',
    '--port',
    '0',
    '--data-dir',
    'store',
  );
  expect(ran).toMatchObject({ code: 0 });
  expect(ran.stdout).toContain('recorded data');
  writeFileSync(join(directory, 'plain'), '');
  const refused = await cli('run', '--exit', '--data', 'rows.jsonl.gz', '--port', '0', '--data-dir', '.');
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain('no store of an earlier run');
});

it('stays up after the table and says where, until Ctrl-C', async () => {
  const options = ['run', '--requests', '60', '--rate', '200', '--port', '0', '--data-dir', 'stays'];
  const ran = await cliUntil(directory, (stderr) => stderr.includes('Try:'), options);
  expect(ran.stderr).toMatch(/The engine stays up on http:\/\/127\.0\.0\.1:\d+ \(Ctrl-C stops\)/);
  expect(ran.stderr).toContain('stopping\n');
  expect(ran.stdout).toContain('this engine');
});

it('Ctrl-C before the end stops the workload and shows the table of what was played, marked as partial', async () => {
  const options = ['run', '--requests', '20000', '--rate', '200', '--port', '0', '--data-dir', 'stopped'];
  // A line every five seconds: on a quick machine it may never end in three digits of which the first is not 0.
  const ran = await cliUntil(directory, (stderr) => /[\d,]{3,}\/20,000/.test(stderr), options);
  expect(ran.code).toBe(130);
  expect(ran.stderr).toMatch(/\nstopped after \d+ of 20000 requests\n$/);
  expect(ran.stderr).not.toContain('error');
  expect(ran.stdout).toMatch(/PARTIAL: stopped after \d+ of 20000 requests/);
  expect(ran.stdout).toContain('this engine');
  for (const line of `${ran.stdout}${ran.stderr}`.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
});

it('a port that is taken is named, and the store is free again', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const options = ['run', '--exit', '--requests', '20', '--data-dir', 'taken'];
  const refused = await cli(...options, '--port', String(port));
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(`cannot listen on 127.0.0.1:${port}: the port is taken`);
  server.close();
  await once(server, 'close');
  const ran = await cli(...options, '--rate', '200', '--port', String(port));
  expect(ran.stderr).toContain('20/20');
  expect(ran.stderr).not.toContain('not decided in time');
});
