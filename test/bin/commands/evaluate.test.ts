import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cliUntil, type Ran, rowsFile } from '../played';

const directory = mkdtempSync(join(tmpdir(), 'quantum-router-evaluate-'));
beforeAll(() => writeFileSync(join(directory, 'rows.jsonl.gz'), rowsFile('vectors')));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const cli = (...argv: string[]): Promise<Ran> => cliUntil(directory, () => false, argv);

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
  expect(lines.map((line) => line.id)).toEqual(Array.from({ length: 50 }, (_, index) => `row-${100 + index}`));
  for (const line of lines) {
    expect(Object.keys(line)).toEqual(['id', 'model', 'propensity', 'confidence', 'values']);
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
  expect(report.requests).toBe(50);
  expect(report.meanScore).toBeGreaterThan(report.baselines.random.meanScore);
  expect(report.meanScore).toBeLessThanOrEqual(report.baselines.oracle.meanScore);
  expect(readFileSync(join(directory, 'a.times'), 'utf8').trim().split('\n')).toHaveLength(50);
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
  expect(report.updates).toBeGreaterThan(200);
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
  expect(JSON.parse(alone.stdout).requests).toBe(50);
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
