import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../../infra/infra-file';

const directory = mkdtempSync(join(tmpdir(), 'quantum-router-summary-'));
afterAll(() => rmSync(directory, { recursive: true }));

const suite = (name: string, ...statuses: string[]) => ({
  name: `/somewhere/test/contract/${name}.test.ts`,
  assertionResults: statuses.map((status) => ({ status })),
});

function summary(testResults: object[] | null, counts: object = {}): { status: number | null; lines: string[] } {
  const path = join(directory, `${testResults ? 'report' : 'absent'}.json`);
  const none = { numPassedTests: 0, numFailedTests: 0, numRuntimeErrorTestSuites: 0, numPendingTests: 0 };
  if (testResults) writeFileSync(path, JSON.stringify({ ...none, ...counts, testResults }));
  const script = join(projectRoot, 'test/print-summary.js');
  const { status, stdout } = spawnSync(process.execPath, [script, path], { encoding: 'utf8' });
  return { status, lines: stdout.trim().split('\n') };
}

const missing = (server: string) =>
  `the contract tests on ${server} did not all run (test/contract/${server}*.test.ts)`;

it('counts, and is content when the contract suites of both servers ran whole', () => {
  const suites = [suite('kafka', 'passed', 'failed'), suite('redis', 'passed'), suite('redis-values', 'passed')];
  expect(summary(suites, { numPassedTests: 3, numFailedTests: 1, numRuntimeErrorTestSuites: 1 })).toEqual({
    status: 0,
    lines: ['tests: 3 passed, 2 failed'],
  });
});

it.each([
  ['is not there', [suite('redis', 'passed')]],
  ['has no tests, as when it does not compile', [suite('kafka'), suite('redis', 'passed')]],
  ['skipped one', [suite('kafka', 'passed', 'pending'), suite('redis', 'passed')]],
])('fails when the suite on a server %s', (_what, suites) => {
  expect(summary(suites, { numPassedTests: 2 })).toEqual({
    status: 1,
    lines: [missing('kafka'), 'tests: 2 passed, 1 failed'],
  });
});

it('fails without a report: jest ended before the first test', () => {
  expect(summary(null)).toEqual({
    status: 1,
    lines: [missing('kafka'), missing('redis'), 'tests: 0 passed, 2 failed'],
  });
});
