import { defaultConfigYaml, parseConfig } from '../../../lib/config/parse-config';
import { maxConfigBytes, yamlTextFault } from '../../../lib/config/yaml-text-fault';

test('a configuration of many models has no fault', () => {
  const models = Array.from({ length: 1_000 }, (_, i) => `  - {name: model-${i}, provider: "p: [${i % 7}]"}`);
  expect(yamlTextFault(`models:\n${models.join('\n')}\n`)).toBeNull();
  expect(yamlTextFault(defaultConfigYaml())).toBeNull();
});

test.each<[string, string, RegExp]>([
  ['open brackets', '['.repeat(20_000), /deeper than 16/],
  ['open braces', '{a: '.repeat(20_000), /deeper than 16/],
  ['marks of a list in a row', '- '.repeat(20_000), /deeper than 16/],
  ['marks of a key in a row', '? '.repeat(500), /deeper than 16/],
  [
    'a map of very many keys',
    `{${Array.from({ length: 30_000 }, (_, i) => `k${i}: 1`).join(', ')}}`,
    /more than 20000 entries/,
  ],
  ['very many lines', 'a\n'.repeat(20_001), /more than 20000 entries/],
  ['very many bytes', `# ${'ä'.repeat(maxConfigBytes / 2)}`, /more than 524288/],
])('%s are refused before they are parsed', (_name, text, message) => {
  expect(yamlTextFault(text)?.message).toMatch(message);
  const parsed = parseConfig(text);
  expect(parsed.ok ? [] : parsed.errors.map((error) => error.message)).toEqual([expect.stringMatching(message)]);
});

test('the line is said', () => {
  expect(yamlTextFault(`models:\n${'['.repeat(17)}`)?.line).toBe(2);
});
