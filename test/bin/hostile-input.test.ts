// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references are written like that in a configuration.
/** Whatever a person mistypes or points a command at: a sentence that says what is wrong, no stack, a stable exit code. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createWorkplace } from './run-command';

const place = createWorkplace();
beforeAll(() => {
  mkdirSync(join(place.directory, 'folder'));
  writeFileSync(join(place.directory, 'bytes'), Buffer.from([0xff, 0xfe, 0x00]));
  place.write('empty', '');
  place.write('plain', 'text\n');
});
afterAll(() => place.remove());

test.each<[string[], RegExp]>([
  [
    ['serve', '--port', 'abc'],
    /'--?p?.*port <number>' argument 'abc' is invalid. It must be a whole number from 0 to 65535/,
  ],
  [['serve', '--partitions', '0'], /whole number from 1 to 256/],
  [['run', '--requests', '-1'], /whole number from 1 to 10000000/],
  [['run', '--requests', '1e9'], /whole number from 1 to 10000000/],
  [['run', '--requests', 'NaN'], /whole number from 1 to 10000000/],
  [['run', '--world', '0'], /whole number from 1/],
  [['services', '--metrics-port', '70000', '--kafka', 'h:1'], /whole number from 0 to 65000/],
  [['evaluate', '--data', 'empty', '--seed', '1.5'], /whole number from 0/],
  [
    ['replay', '--verify', '--from', '2026-02-30'],
    /'--from <where>' argument '2026-02-30' is invalid. There is no such date/,
  ],
  [['replay', '--verify', '--to', '2026-03-01T25:00'], /'--to <where>' .* There is no such date or time/],
])('%j is a wrong command line', async (argv, message) => {
  const { exitCode, stdout, stderr } = await place.run(argv);
  expect([exitCode, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(message);
});

test.each<[string[], RegExp]>([
  [['config', 'validate', 'bytes'], /bytes is not UTF-8 text/],
  [['config', 'validate', 'folder'], /cannot read folder: it is a directory/],
  [['config', 'validate', 'plain/x'], /cannot read plain\/x: a part of the path is no directory/],
  [['config', 'validate', '/dev/zero'], /longer than 4194304 bytes/],
  [['config', 'validate', 'empty'], /empty:1:1 is empty/],
  [['serve', '--config', 'bytes'], /bytes is not UTF-8 text/],
  [['route', 'folder'], /cannot read folder: it is a directory/],
  [['run', '--data', 'folder'], /folder: it is a directory/],
  [['run', '--data', 'empty'], /no row with a measured model/],
  [['run', '--data', 'plain'], /line 1: row: /],
  [['train', '--data', 'bytes'], /line 1: row: /],
  [['explain', 'x', '--data-dir', 'folder'], /there is no store in folder/],
  [['replay', '--verify'], /there is no store in data\/engine or data\/run: name one with --data-dir/],
])('%j cannot work, and says why without a stack', async (argv, message) => {
  const { exitCode, stdout, stderr } = await place.run(argv);
  expect([exitCode, stdout]).toEqual([1, '']);
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/\n {4}at /);
});

test('a configuration can come from stdin, and doubtful prices are warned of', async () => {
  const { exitCode, stdout, stderr } = await place.run(['config', 'validate', '-'], {
    stdin: [
      '\uFEFFmodels:\r\n  - name: a\r\n    provider: ${WHO}\r\n',
      '    price: { inputPerMillionUsd: 1250000 }\r\n',
    ],
    environment: { WHO: 'acme' },
  });
  expect([exitCode, stdout]).toEqual([0, 'stdin is valid: 1 models of 1 providers, 5 strategies, collapse COMBINED\n']);
  expect(stderr).toBe(
    'warning: stdin:4:34 models.0.price.inputPerMillionUsd: 1250000 USD per million tokens is 1.25 USD per token: is that meant?\n',
  );
});
