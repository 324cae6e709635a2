import { defaultRouterConfig } from '../../../../lib/config/parse-config';
import { selectModel } from '../../../../services/gateway/doors/read-call';

const config = defaultRouterConfig([
  { name: 'gpt-small', provider: 'p' },
  { name: 'gpt-large', provider: 'p' },
]);
const parts = { config, callable: ['gpt-small', 'gpt-large'], kept: null };
const refusal = (model: string, isPinnedOnly: string | null = null): string => {
  try {
    selectModel(model, { isPinnedOnly }, parts);
  } catch (error) {
    return (error as Error).message;
  }
  return 'taken';
};

test('a model that nobody has is compared with names that are near, and with auto only where it can be asked', () => {
  expect(refusal('gpt-smal')).toBe('model: there is no "gpt-smal"; did you mean "gpt-small"?');
  expect(refusal('aut')).toBe('model: there is no "aut"; did you mean "auto"?');
  for (const far of ['x', 'constructor', '__proto__']) expect(refusal(far)).toBe(`model: there is no "${far}"`);
  expect(refusal('aut', 'must be a configured model')).toBe('model: there is no "aut"');
  expect(refusal('auto/chep')).toMatch(/did you mean "auto\/cheap"/);
});
