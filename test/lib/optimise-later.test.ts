import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { optimiseLater } from '../../lib/optimise-later';

const usual = /interrupt-budget=67584/;

test('the budget is back to what V8 has by itself once the first seconds are over', () => {
  // In a process of its own: the flag is the whole process's.
  const script = `
    require('tsx/cjs');
    const v8 = require('node:v8');
    const set = [];
    v8.setFlagsFromString = (flag) => set.push(flag);
    const { optimiseLater } = require(${JSON.stringify(join(__dirname, '../../lib/optimise-later.ts'))});
    const timers = [];
    optimiseLater('11.3.244.8-node.33', (delayMs, act) => timers.push({ delayMs, act }));
    const first = set.length;
    for (const { act } of timers) act();
    console.log(JSON.stringify({ first, set, delaysMs: timers.map(({ delayMs }) => delayMs) }));
  `;
  const { first, set, delaysMs } = JSON.parse(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' }));
  expect(first).toBe(1);
  expect(set[0]).not.toMatch(usual);
  expect(set.at(-1)).toMatch(usual);
  expect(delaysMs).toEqual([...delaysMs].sort((a: number, b: number) => a - b));
});

test('the usual budget is the one that this V8 has, where it is set at all', () => {
  const options = execFileSync(process.execPath, ['--v8-options'], { encoding: 'utf8' });
  if (process.versions.v8.startsWith('11.')) expect(options).toMatch(usual);
  const timers: number[] = [];
  optimiseLater('13.6.233.10-node.26', (delayMs) => timers.push(delayMs));
  expect(timers).toEqual([]);
});
