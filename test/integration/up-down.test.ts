import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFreePort } from '../../infra/free-port';
import { projectRoot } from '../../infra/infra-file';
import { runningServer, stopServer } from '../../infra/server-process';
import { describeWithServers } from '../servers';

/** A checkout of its own, because `make up` keeps its servers in the checkout it was called in. */
const checkout = mkdtempSync(join(tmpdir(), 'quantum-router-up-down-'));
const bin = join(checkout, 'bin');
const servers = (name: string): string => join(checkout, 'data/servers', name);

beforeAll(() => {
  for (const name of ['infra', 'lib', 'package.json']) {
    cpSync(join(projectRoot, name), join(checkout, name), { recursive: true });
  }
  for (const name of ['node_modules', '.cache']) symlinkSync(join(projectRoot, name), join(checkout, name));
  mkdirSync(bin);
});
afterAll(async () => {
  for (const name of ['kafka', 'redis']) await stopServer(servers(name), { graceMs: 0 });
  rmSync(checkout, { recursive: true });
});

/** Puts a stand-in for docker first in the path: it writes down how it is called and what of its settings matters. */
function dockerIs(script: string): void {
  const path = join(bin, 'docker');
  writeFileSync(path, `#!/bin/sh\necho "$* $KAFKA_PORT $REDIS_PORT" >> ${bin}/calls\n${script}\n`);
  chmodSync(path, 0o755);
}

function run(command: 'up' | 'down', env: Record<string, string> = {}): { status: number | null; text: string } {
  const args = ['--import', 'tsx', join('infra', `${command}.ts`)];
  const path = `${bin}:${process.env['PATH']}`;
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: checkout,
    env: { ...process.env, ...env, PATH: path },
    encoding: 'utf8',
  });
  return { status, text: `${stdout}${stderr}` };
}

describeWithServers('make up and make down without Docker', () => {
  it('bring both servers up once and end them once', async () => {
    dockerIs('exit 1');
    const kafkaPort = await findFreePort(2);
    const redisPort = await findFreePort(1);
    const ports = { KAFKA_PORT: String(kafkaPort), REDIS_PORT: String(redisPort) };
    expect(run('up', ports)).toEqual({
      status: 0,
      text: expect.stringContaining(
        `make run KAFKA=127.0.0.1:${kafkaPort} REDIS=redis://127.0.0.1:${redisPort}`,
      ) as string,
    });
    const first = { kafka: runningServer(servers('kafka')), redis: runningServer(servers('redis')) };
    expect(first).toMatchObject({ kafka: { name: 'kafka' }, redis: { name: 'redis' } });

    const again = run('up');
    expect(again.status).toBe(0);
    expect(again.text).toContain(`Kafka already runs on 127.0.0.1:${kafkaPort}`);
    expect(again.text).toContain(`Redis already runs on redis://127.0.0.1:${redisPort}`);
    expect(runningServer(servers('kafka'))).toEqual(first.kafka);

    expect(run('up', { KAFKA_PORT: '1' })).toEqual({
      status: 1,
      text: expect.stringContaining('`make down` first to move it to 1') as string,
    });

    const down = run('down');
    expect(down.status).toBe(0);
    expect(down.text).toContain(`kafka on 127.0.0.1:${kafkaPort} stopped`);
    expect(runningServer(servers('kafka'))).toBeNull();
    expect(runningServer(servers('redis'))).toBeNull();
    expect(run('down')).toEqual({ status: 0, text: expect.stringContaining('nothing to stop') as string });
  });
});

describe('make up and make down with Docker', () => {
  const calls = (): string[] => readFileSync(join(bin, 'calls'), 'utf8').trim().split('\n');
  const compose = `compose -f ${join(checkout, 'infra/compose.yaml')}`;
  const ports = { KAFKA_PORT: '19092', REDIS_PORT: '16379' };

  beforeEach(() => rmSync(join(bin, 'calls'), { force: true }));

  it('hand over to compose, and end only what was started from here', () => {
    dockerIs('exit 0');
    expect(run('up', ports).status).toBe(0);
    expect(calls()).toContain(`${compose} up --detach --wait 19092 16379`);
    expect(runningServer(servers('redis'))).toBeNull();
    expect(run('down', ports).status).toBe(0);
    expect(calls().filter((call) => call.startsWith(`${compose} down`))).toHaveLength(1);
    expect(run('down').text).toContain('nothing to stop');
    expect(calls().filter((call) => call.startsWith(`${compose} down`))).toHaveLength(1);
  });

  it('fail when compose does', () => {
    dockerIs('case "$*" in *up*) exit 1;; esac');
    expect(run('up', ports)).toEqual({
      status: 1,
      text: expect.stringContaining('docker compose up failed') as string,
    });
  });
});
