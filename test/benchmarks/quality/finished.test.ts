import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { finishedIn } from '../../../benchmarks/quality/finished';

const settings = { measurement: 'm', path: 'engine', seeds: 5, mostRows: null };
const lines = [
  { name: 'm.score', value: 0.5, unit: 'score', bar: { relation: '>=' as const, at: 0.4 }, details: { seeds: 5 } },
];
let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'finished-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

test('what was finished is found again, by another run too', () => {
  const file = join(folder, 'finished.jsonl');
  const first = finishedIn(file);
  expect(first.linesOf(settings)).toBeNull();
  first.add(settings, lines);
  expect(first.linesOf(settings)).toEqual(lines);
  expect(finishedIn(file).linesOf(settings)).toEqual(lines);
});

test('other seeds, rows or another path are another measurement', () => {
  const finished = finishedIn(null);
  finished.add(settings, lines);
  expect(finished.linesOf({ ...settings })).toEqual(lines);
  for (const other of [{ seeds: 1 }, { mostRows: 10 }, { path: 'learner' }, { measurement: 'n' }])
    expect(finished.linesOf({ ...settings, ...other })).toBeNull();
});

test('a file of another kind is refused', () => {
  const file = join(folder, 'finished.jsonl');
  appendFileSync(file, 'hello\n');
  expect(() => finishedIn(file)).toThrow(SyntaxError);
});
