import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keptResults } from '../../../lab/studies/kept-results';

const key = ['measurement', 'engine', 5, null];
const result = { value: 0.5 };
let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'kept-'));
  file = join(folder, 'kept.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

test('what was measured is found again, by another run too', () => {
  const first = keptResults(file);
  expect(first.of(key)).toBeNull();
  first.add(key, result);
  first.add(key, result);
  expect(first.of([...key])).toEqual(result);
  expect(keptResults(file).of(key)).toEqual(result);
  expect(readFileSync(file, 'utf8').split('\n')).toHaveLength(2);
});

test('another name, path, seeds or rows are another result', () => {
  const kept = keptResults(null);
  kept.add(key, result);
  expect(kept.of(key)).toEqual(result);
  for (let i = 0; i < key.length; i++) expect(kept.of(key.with(i, 'other'))).toBeNull();
});

test('a file of another kind is refused', () => {
  appendFileSync(file, 'hello\n');
  expect(() => keptResults(file)).toThrow(SyntaxError);
});
