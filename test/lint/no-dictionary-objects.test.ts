import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const root = resolve(__dirname, '../..');
const plugin = 'lint/no-dictionary-objects.grit';
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'lint-'));
  mkdirSync(join(directory, 'lib'));
  const config = { root: true, plugins: [join(root, plugin)], linter: { rules: { preset: 'none' } } };
  writeFileSync(join(directory, 'biome.json'), JSON.stringify(config));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** The lines (from 1) at which the rule finds fault. */
function faultsOf(lines: readonly string[]): number[] {
  const file = join(directory, 'lib/sample.ts');
  writeFileSync(file, `${lines.join('\n')}\n`);
  const biome = join(root, 'node_modules/.bin/biome');
  const args = ['lint', '--colors=off', '--max-diagnostics=100', `--config-path=${directory}`, file];
  const { stdout, stderr } = spawnSync(biome, args, { cwd: directory, encoding: 'utf8' });
  const found = [...`${stdout}\n${stderr}`.matchAll(/sample\.ts:(\d+):\d+ plugin/g)].map(([, line]) => Number(line));
  return [...new Set(found)].sort((a, b) => a - b);
}

test('a table of words that would inherit names is found', () => {
  const wrong = [
    'const table: Record<string, number> = {};',
    'const kept: Readonly<Record<string, { deep: number }>> = {};',
    'const cast = {} as Record<string, number>;',
    'const made = Object.fromEntries([["a", 1]]);',
    'if (word in table) made.a++;',
    'table[key()] ??= 1;',
    'const ratio = tuning.costRatios[key()];',
    'const factor = table[candidate.model];',
    'table[source] = 1;',
  ];
  expect(faultsOf(wrong)).toEqual(wrong.map((_, i) => i + 1));
});

test('Maps, dictionaries, arrays and fixed names are not', () => {
  expect(
    faultsOf([
      'const table = new Map<string, number>();',
      'const made = dictionaryOf([["a", 1]]);',
      'const options: Options = {};',
      'if ("message" in body) table.clear();',
      'for (const word in made) table.delete(word);',
      'const ratio = ownEntry(tuning.costRatios, candidate.model);',
      'const first = values[0] ?? values[index];',
      'const own = tuning.costRatios["alpha"];',
      'values[at] ??= 1;'.replace('at', '0'),
    ]),
  ).toEqual([]);
});

test('`make lint` has the rule', () => {
  const config = JSON.parse(readFileSync(join(root, 'biome.json'), 'utf8')) as { plugins: { path: string }[] };
  expect(config.plugins.map(({ path }) => path)).toContain(`./${plugin}`);
});
