import { describeProviders } from '../../bin/drive/say-providers';
import { parseConfig } from '../../lib/config/parse-config';

function linesOf(text: string, environment: Record<string, string>): string[] {
  const parsed = parseConfig(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
  return describeProviders(parsed.config, environment);
}

const config = `
providers:
  openai: { kind: openai, baseUrl: "https://api.openai.com/v1", apiKeyEnv: OPENAI_API_KEY }
  local: { kind: openai, baseUrl: "http://127.0.0.1:11434/v1" }
models:
  - { name: a, provider: openai }
  - { name: b, provider: openai }
  - { name: c, provider: local }
`;

test('who can be called is said with the number of models, and who cannot, with what is missing', () => {
  expect(linesOf(config, { OPENAI_API_KEY: 'sk-x' })).toEqual(['providers: openai (2 models), local (1 model)']);
  expect(linesOf(config, {})).toEqual([
    'providers: local (1 model)',
    'warning: openai cannot be called: the environment has no usable OPENAI_API_KEY',
  ]);
});

test('where nobody can be called, that is said', () => {
  expect(linesOf('models: [{ name: a, provider: p }]', {})).toEqual([
    'providers: none can be called, so requests are decided and nobody is called',
  ]);
});
