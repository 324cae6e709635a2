import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Io } from '../../bin/io';
import { main } from '../../bin/program';
import { systemClock } from '../../lib/adapters/system';
import { seededRandom } from '../../lib/random/seeded';
import { atEnd } from '../started';

const directory = mkdtempSync(join(tmpdir(), 'quantum-router-drive-'));
const dataFile = join(directory, 'rows.jsonl.gz');

/** Two kinds of prompt, each with a model of its own that answers it well. */
function writeRows(): void {
  const random = seededRandom(1, 'rows');
  const rows = Array.from({ length: 240 }, (_, index) => {
    const code = random.next() < 0.5;
    const noise = () => 0.1 * random.next();
    const prompt = code
      ? `def f${index}(x): return x + ${index} # fix this function`
      : `Translate into German: the weather on day ${index}`;
    const outcomes = {
      coder: { score: (code ? 0.8 : 0.2) + noise(), cost: 0.002 },
      linguist: { score: (code ? 0.2 : 0.8) + noise(), cost: 0.001 },
      neither: index % 7 === 0 ? { score: null, cost: null } : { score: 0.3 + noise(), cost: 0.0001 },
    };
    return JSON.stringify({
      id: `row-${index}`,
      dataset: 'made',
      split: index < 160 ? 'train' : 'test',
      prompt,
      outcomes,
    });
  });
  writeFileSync(dataFile, gzipSync(rows.join('\n')));
}

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const cli = (...argv: string[]): Promise<Ran> => cliUntil(() => false, ...argv);

/** Presses Ctrl-C as soon as what was written says so. */
async function cliUntil(isEnough: (stderr: string) => boolean, ...argv: string[]): Promise<Ran> {
  const written = { stdout: '', stderr: '' };
  const stop = new AbortController();
  const output = (name: 'stdout' | 'stderr') => ({
    write: (text: string) => {
      written[name] += text;
      if (isEnough(written.stderr)) stop.abort();
    },
    isTerminal: false,
    columns: 80,
  });
  const io: Io = {
    stdout: output('stdout'),
    stderr: output('stderr'),
    stdin: async function* () {},
    stopSignal: stop.signal,
    clock: systemClock(),
    environment: {},
    workingDirectory: directory,
  };
  const running = main(argv, io);
  atEnd(async () => {
    stop.abort();
    await running.catch(() => {});
  });
  const code = await running;
  return { code, ...written };
}

beforeAll(writeRows);
afterAll(() => rmSync(directory, { recursive: true, force: true }));

describe('evaluate', () => {
  const options = [
    'evaluate',
    '--data',
    'rows.jsonl.gz',
    '--warm',
    'train:chosen',
    '--test',
    'test',
    '--seed',
    '3',
    '--json',
  ];

  it('prints a report, writes a line per test row in order, and gives the same bytes for the same seed', async () => {
    const first = await cli(...options, '--decisions', 'a.jsonl', '--timings', 'a.times');
    const again = await cli(...options, '--decisions', 'b.jsonl');
    expect(first).toMatchObject({ code: 0 });
    expect(again.stdout).toBe(first.stdout);
    const text = readFileSync(join(directory, 'a.jsonl'), 'utf8');
    expect(readFileSync(join(directory, 'b.jsonl'), 'utf8')).toBe(text);
    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map((line) => line.id)).toEqual(Array.from({ length: 80 }, (_, index) => `row-${160 + index}`));
    for (const line of lines) {
      expect(Object.keys(line)).toEqual(['id', 'model', 'propensity', 'values']);
      expect(Object.keys(line.values).sort()).toEqual(['coder', 'linguist', 'neither']);
      // Not measured on this row, so no candidate for it.
      if (Number(line.id.slice(4)) % 7 === 0) expect(line.model).not.toBe('neither');
    }
    const report = JSON.parse(first.stdout);
    expect(Object.keys(report)).toEqual([
      'requests',
      'meanScore',
      'meanCostUsd',
      'regret',
      'baselines',
      'updates',
      'marginOverBestSingle',
      'topModelShare',
      'choices',
    ]);
    expect(report.requests).toBe(80);
    expect(report.meanScore).toBeGreaterThan(report.baselines.random.meanScore);
    expect(report.meanScore).toBeLessThanOrEqual(report.baselines.oracle.meanScore);
    expect(readFileSync(join(directory, 'a.times'), 'utf8').trim().split('\n')).toHaveLength(80);
  });

  it('judges other policies from its own log when asked to', async () => {
    const { stdout } = await cli('evaluate', '--data', 'rows.jsonl.gz', '--test', 'test', '--ope');
    expect(stdout).toContain('Other policies, estimated from this log:');
    expect(stdout).toMatch(/^always linguist +0\.\d{4} /m);
  });

  it('learns from full feedback, stays frozen without any, and can leave the order, the delay and the lockstep to the caller', async () => {
    const frozen = await cli(
      'evaluate',
      '--data',
      'rows.jsonl.gz',
      '--warm',
      'train:full',
      '--test',
      'test',
      '--feedback',
      'none',
      '--json',
    );
    const report = JSON.parse(frozen.stdout);
    expect(report.meanScore).toBeGreaterThan(report.baselines.bestSingle.meanScore);
    expect(report.updates).toBeGreaterThan(300);
    const delayed = await cli(
      'evaluate',
      '--data',
      'rows.jsonl.gz',
      '--order',
      'shuffle',
      '--feedback-delay',
      '5',
      '--lockstep',
      '--budget',
      '0.001',
    );
    expect(delayed).toMatchObject({ code: 0 });
    expect(delayed.stdout).toContain('this engine');
    expect(delayed.stdout).toContain('thompsonTable');
  });

  it('lets the Q-network decide alone', async () => {
    const alone = await cli(
      'evaluate',
      '--data',
      'rows.jsonl.gz',
      '--warm',
      'train:chosen',
      '--test',
      'test',
      '--pipeline',
      'dqn',
      '--json',
    );
    expect(JSON.parse(alone.stdout).requests).toBe(80);
  });

  it.each([
    [['--data', 'nowhere.jsonl'], 1, 'nowhere.jsonl: there is no such file'],
    [['--data', 'rows.jsonl.gz', '--warm', 'train:some'], 2, 'SPLIT:full or SPLIT:chosen'],
    [['--data', 'rows.jsonl.gz', '--budget', '-1'], 2, 'positive amount'],
    [['--data', 'rows.jsonl.gz', '--test', 'nothing'], 1, 'no row has split "nothing"'],
    [['--data', 'rows.jsonl.gz', '--decisions', 'no/such/folder/out'], 1, 'cannot write no/such/folder/out'],
    [[], 2, "required option '--data <file>'"],
  ])('refuses %j', async (argv, code, message) => {
    const ran = await cli('evaluate', ...argv);
    expect(ran.code).toBe(code);
    expect(ran.stderr).toContain(message);
  });
});

describe('run', () => {
  it('plays the simulated workload through the whole engine and says what it was worth', async () => {
    const ran = await cli('run', '--exit', '--requests', '400', '--rate', '200', '--port', '0', '--world', '2');
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
    expect(ran.stderr).toContain('400/400');
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
    const ran = await cliUntil((stderr) => stderr.includes('Try:'), ...options);
    expect(ran.stderr).toMatch(/The engine stays up on http:\/\/127\.0\.0\.1:\d+ \(Ctrl-C stops\)/);
    expect(ran.stderr).toContain('stopping\n');
    expect(ran.stdout).toContain('this engine');
  });

  it('Ctrl-C before the end stops the workload and shows the table of what was played, marked as partial', async () => {
    const options = ['run', '--requests', '20000', '--rate', '200', '--port', '0', '--data-dir', 'stopped'];
    const ran = await cliUntil((stderr) => /[1-9]\d\d\/20,000/.test(stderr), ...options);
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
});
