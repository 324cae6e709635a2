/** Hostile configurations: every setting edited, and files that parsers are known to fall over. */
import { parse } from 'yaml';
import { configJsonSchema, defaultConfigYaml } from '../../lib/config/parse-config';
import { type CaseList, caseList } from './case-list';
import { hostileTexts, prototypeWords } from './hostile-json';
import { alternativesOf, fieldsOf, sampleOf } from './json-schema';
import { editedJson, type JsonEdit } from './json-text';

interface ConfigurationPart {
  readonly how: string;
  readonly edit?: readonly JsonEdit[];
  readonly file?: () => string;
}

let parsed: Record<string, unknown> | null = null;
/** Parsed when it is first asked for: the other surfaces have no use for it. */
function base(): Record<string, unknown> {
  parsed ??= parse(defaultConfigYaml()) as Record<string, unknown>;
  return parsed;
}

export function configurationCases(): CaseList<ConfigurationPart> {
  const schema = configJsonSchema();
  const edits = fieldsOf(schema).flatMap(({ path, schema: of, around }) =>
    hostileTexts(alternativesOf(of, schema)).map(({ how, text, again }): ConfigurationPart => {
      const once = again ? [{ path, text: JSON.stringify(sampleOf(of, schema)) }] : [];
      // The example has models already: their list need not be made.
      const room = around.filter((edit) => edit.path[0] !== 'models' || edit.path.length > 1);
      return { how: `${path.join('.')}: ${how}`, edit: [...room, ...once, { path, text, ...(again && { again }) }] };
    }),
  );
  return caseList('configuration', [...edits, ...models, ...files]);
}

/** The file of a case, as text: JSON, which is YAML too, or YAML that is no JSON. */
export function configurationOf(
  list: CaseList<ConfigurationPart>,
  seed: number,
  index: number,
): { readonly text: string; readonly isJson: boolean } {
  const parts = list.partsOf(seed, index);
  const file = parts.find((part) => part.file)?.file;
  const edits = parts.flatMap(({ edit }) => edit ?? []);
  return file ? { text: file(), isJson: false } : { text: editedJson(base(), edits), isJson: true };
}

const model = (name: string, change: object = {}): object => ({
  name,
  provider: 'somebody',
  price: { inputPerMillionUsd: 1, outputPerMillionUsd: 2 },
  ...change,
});
const withModels = (how: string, all: () => readonly object[]): ConfigurationPart => ({
  how,
  file: () => JSON.stringify({ ...base(), models: all() }),
});

const models: readonly ConfigurationPart[] = [
  ...[64, 256, 1_000, 3_800, 20_000].map((count) =>
    withModels(`${count} models`, () => Array.from({ length: count }, (_, index) => model(`model-${index}`))),
  ),
  withModels('models and providers named like prototypes', () =>
    prototypeWords.map((word) => model(word, { provider: word, capabilities: [word] })),
  ),
  withModels('two models of one name', () => [model('same'), model('same')]),
  withModels('no models', () => []),
  withModels('least prices', () => [model('a', prices(5e-324)), model('b', prices(5e-324))]),
  withModels('largest prices', () => [model('a', prices(1e308)), model('b', prices(1e308))]),
  withModels('least and largest prices', () => [model('a', prices(5e-324)), model('b', prices(1e308))]),
];

function prices(usd: number): object {
  return { price: { inputPerMillionUsd: usd, outputPerMillionUsd: usd, perRequestUsd: usd } };
}

const file = (how: string, text: () => string): ConfigurationPart => ({ how, file: text });
const laughs = (): string => {
  const lines = ['a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]'];
  for (let level = 1; level < 10; level++) {
    lines.push(`a${level}: &a${level} [${new Array(9).fill(`*a${level - 1}`).join(', ')}]`);
  }
  return lines.join('\n');
};

const files: readonly ConfigurationPart[] = [
  file('empty', () => ''),
  file('blanks', () => ' \n\t\n'),
  file('a comment', () => '# nothing'),
  file('null', () => '~'),
  file('a number', () => '.inf'),
  file('a list', () => '- models'),
  file('aliases of aliases', laughs),
  file('an alias of itself', () => 'models: &a [*a]'),
  file('an unknown alias', () => 'models: *nobody'),
  file('20,000 open lists', () => '['.repeat(20_000)),
  file('20,000 open maps', () => '{a: '.repeat(20_000)),
  file('20,000 open items', () => '- '.repeat(20_000)),
  file('a flow map of 120,000 keys', () => `{${Array.from({ length: 120_000 }, (_, i) => `k${i}: 1`).join(', ')}}`),
  file('a flow map of 120,000 equal keys', () => `{${new Array(120_000).fill('a: 1').join(', ')}}`),
  file('100,000 lines', () => Array.from({ length: 100_000 }, (_, i) => `k${i}: 1`).join('\n')),
  file('100,000 wrong lines', () => ': : :\n'.repeat(100_000)),
  file('tabs', () => 'models:\n\t- name: a'),
  file('two documents', () => `${defaultConfigYaml()}\n---\n${defaultConfigYaml()}`),
  file('a key twice', () => `seed: 1\nseed: 2\n${defaultConfigYaml()}`),
  file('tags', () => 'models: !!js/function "function () {}"\nseed: !!binary "AAAA"\nx: !!set {a, b}'),
  file('an own tag', () => '!<tag:somebody,2026:x> {models: []}'),
  file(
    'prototype keys',
    () => `__proto__: {polluted: true}\nconstructor: {prototype: {polluted: true}}\n${defaultConfigYaml()}`,
  ),
  file('a merge of prototypes', () => `<<: {__proto__: {polluted: true}}\n${defaultConfigYaml()}`),
  file('a key that is a map', () => `? {a: b}\n: c\n${defaultConfigYaml()}`),
  file('BOM', () => `\ufeff${defaultConfigYaml()}`),
  file('CRLF', () => defaultConfigYaml().replaceAll('\n', '\r\n')),
  file('zero characters', () => `models: "\0"\n${'\0'.repeat(100)}`),
  file('half characters', () => `models: "\ud800"\n`),
  file('numbers of YAML', () => `${defaultConfigYaml()}\nseed: 0o17\nthreadTimeoutMs: 0x10\n`),
  file('not a number', () => defaultConfigYaml().replace(/(PerMillionUsd:) *[\d.]+/g, '$1 .nan')),
  file('infinite prices', () => defaultConfigYaml().replace(/(PerMillionUsd:) *[\d.]+/g, '$1 .inf')),
  file('variables without end', () => `models: "${'${'.repeat(50_000)}"`),
  file('a variable that is not there', () => `models: ${'$'}{NOBODY_SET_THIS}`),
  file('a long line', () => `models: "${'x'.repeat(1_500_000)}"`),
  file('a long key', () => `${'x'.repeat(500_000)}: 1`),
  file('no YAML at all', () => '%PDF-1.7 \x01\x02\x03'),
  file('quotes without end', () => `models: "${'\\"'.repeat(100_000)}`),
];
