import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runToEnd } from '../started';

const script = join(__dirname, '../../dist/checks/crash.js');

/** `make test` builds first; without a build this would silently test nothing. */
it('has a build to kill', () => {
  expect(existsSync(script)).toBe(true);
});

it('loses nothing that was acknowledged when the engine is killed with SIGKILL under load', async () => {
  const { status, stdout, stderr } = await runToEnd(process.execPath, [
    script,
    '--seed',
    '1',
    '--kills',
    '3',
    '--door-kills',
    '1',
  ]);
  const lines = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { name: string; value: number; ok?: boolean });
  expect({ missed: lines.filter((line) => line.ok === false), stderr: status === 0 ? '' : stderr }).toEqual({
    missed: [],
    stderr: '',
  });
  const figure = (name: string): number => lines.find((line) => line.name === name)!.value;
  expect(figure('crash.requestsAcknowledged')).toBeGreaterThan(20);
  expect(figure('crash.outcomesAcknowledged')).toBeGreaterThan(10);
  expect(figure('crash.door.calls')).toBeGreaterThan(5);
});
