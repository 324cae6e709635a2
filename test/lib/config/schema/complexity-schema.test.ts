import { parseConfig } from '../../../../lib/config/parse-config';

const file = (limits: string) => `
models:
  - { name: large, provider: a }
  - { name: small, provider: b }
complexityLimits: ${limits}
`;

test('limits on complexity are read, and none is the default', () => {
  const parsed = parseConfig(file('[{ above: 0.8, models: [large] }]'));
  expect(parsed).toMatchObject({ ok: true, config: { complexityLimits: [{ above: 0.8, models: ['large'] }] } });
  expect(parseConfig('models: [{ name: a, provider: b }]')).toMatchObject({
    ok: true,
    config: { complexityLimits: [] },
  });
});

test.each([
  ['[{ above: 1.2, models: [large] }]', 'complexityLimits.0.above', /1/],
  ['[{ above: 0.5, models: [] }]', 'complexityLimits.0.models', /at least 1|must/],
  ['[{ above: 0.5 }]', 'complexityLimits.0.models', /./],
  ['[{ above: 0.5, models: [large, huge] }]', 'complexityLimits.0.models.1', /there is no model "huge"/],
  [
    '[{ above: 0.5, models: [small] }, { above: 0.8, models: [large] }]',
    'complexityLimits.1.models',
    /no model is left above 0.8/,
  ],
  ['[{ over: 0.5, models: [large] }]', 'complexityLimits.0.over', /./],
])('%s is refused with its field', (limits, path, message) => {
  const parsed = parseConfig(file(limits));
  if (parsed.ok) throw new Error('it was taken');
  expect(parsed.errors.map((error) => error.path)).toContain(path);
  expect(parsed.errors.find((error) => error.path === path)!.message).toMatch(message);
});
