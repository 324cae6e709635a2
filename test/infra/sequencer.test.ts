import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { projectRoot } from '../../infra/infra-file';

const read = readFileSync(join(projectRoot, 'test/slow-files.json'), 'utf8');
const { waiting, computing } = JSON.parse(read) as Record<'waiting' | 'computing', Record<string, number>>;

test('every slow file is there', () => {
  const files = [...Object.keys(waiting), ...Object.keys(computing)];
  expect(files.filter((file) => !existsSync(join(projectRoot, file)))).toEqual([]);
});

test('jest begins with the slow files, though they are small, one that waits beside one that computes', () => {
  const [slowest, , quicker] = Object.keys(waiting);
  const [computes] = Object.keys(computing);
  const large = 'test/lib/config/parse-config.test.ts';
  const args = ['--listTests', '--runTestsByPath', large, quicker!, computes!, slowest!];
  const jest = join(projectRoot, 'node_modules/jest/bin/jest.js');
  const { stdout } = spawnSync(process.execPath, [jest, ...args], { cwd: projectRoot, encoding: 'utf8' });
  const order = stdout
    .trim()
    .split('\n')
    .map((path) => relative(projectRoot, path));
  expect(order).toEqual([slowest, computes, quicker, large]);
});
